"""Counts of what was found, with items that no longer are among it, and others that are now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from aisle.serving import Facet, Facets, ItemFact

MOST = 20
"""Values of a facet at most, as the model has it."""


def recounted(facets: Facets, gone: Sequence[ItemFact], come: Sequence[ItemFact]) -> Facets:
    """The facets with what is gone taken off and what has come added, most frequent first."""
    if not (gone or come):
        return facets
    return Facets(
        _counted(facets.categories, _paths(gone), _paths(come)),
        _counted(facets.brands, (one.brand for one in gone), (one.brand for one in come)),
    )


def _paths(items: Iterable[ItemFact]) -> list[str]:
    """Each level of each category, as a path."""
    found = []
    for item in items:
        levels = [level.strip() for level in item.category.strip("/ ").split("/")]
        found += ["/".join(levels[: depth + 1]) for depth in range(len(levels))]
    return found


def _counted(facets: Sequence[Facet], gone: Iterable[str], come: Iterable[str]) -> tuple[Facet, ...]:
    """Names that differ in case alone are one, spelled as the first."""
    spelled: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for facet in facets:
        spelled.setdefault(facet.value.casefold(), facet.value)
        counts[facet.value.casefold()] += facet.count
    # Where the most frequent alone are told, the count of another isn't known.
    whole = len(facets) < MOST
    for values, one in ((come, 1), (gone, -1)):
        for value in values:
            if value.casefold() in counts or (value and whole):
                spelled.setdefault(value.casefold(), value)
                counts[value.casefold()] += one
    ordered = sorted(((count, key) for key, count in counts.items() if count > 0), key=lambda one: -one[0])
    return tuple(Facet(spelled[key], count) for count, key in ordered[:MOST])
