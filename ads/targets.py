"""What campaigns target: which of them may show which candidate of a request."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from aisle.ads.campaign import Campaign

Numbers = npt.NDArray[np.int32]


@dataclasses.dataclass
class _OfQuery:
    """What is targeted for a query, or for all of them: numbers by item, and by category's path."""

    items: dict[str, int] = dataclasses.field(default_factory=dict)
    paths: dict[str, int] = dataclasses.field(default_factory=dict)
    _read: dict[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)

    def above(self, category: str) -> tuple[int, ...]:
        """The numbers of a category and of all above it; read once of each."""
        if category not in self._read:
            levels = category.split("/") if category else []
            paths = ("/".join(levels[: depth + 1]) for depth in range(len(levels)))
            self._read[category] = tuple(self.paths[path] for path in paths if path in self.paths)
        return self._read[category]


class Targets:
    """An index of targets. Campaigns that target the same share a number, so that a request looks for each once.

    Args:
        campaigns: in the order of the market.
    """

    def __init__(self, campaigns: Sequence[Campaign]) -> None:
        self._by_query: dict[str, _OfQuery] = {"": _OfQuery()}
        self._count = 0
        self._of_campaign = np.fromiter(map(self._number, campaigns), np.int32, len(campaigns))
        # Written by each request anew: pages of memory that are taken and given back cost more than what is done with them.
        self._first = np.empty(len(campaigns), np.int32)
        self._by_path = any(one.paths for one in self._by_query.values())
        self._items = {campaign.item_id for campaign in campaigns if campaign.item_id}

    def may_show(self, item_id: str) -> bool:
        """Whether any campaign may target an item, whatever its category."""
        return self._by_path or item_id in self._items

    def first(self, items: Sequence[str], categories: Sequence[str], query: str) -> Numbers:
        """[campaigns] the first candidate that each may show for a query, -1 of those that may show none; until the next call.

        Args:
            items: [candidates], their ids, each once.
            categories: [candidates], their paths.
            query: what is searched; "" for nothing.
        """
        found = np.full(self._count, -1, np.int32)
        for words in dict.fromkeys(("", plain(query))):
            if (targets := self._by_query.get(words)) is None:
                continue
            for place, item in enumerate(items):
                if (number := targets.items.get(item)) is not None:
                    found[number] = place
            if targets.paths:
                # Backwards, so that the first candidate of a category stands in the end.
                for category, place in _firsts(categories):
                    for number in targets.above(category):
                        found[number] = place
        return np.take(found, self._of_campaign, out=self._first, mode="clip")

    def _number(self, campaign: Campaign) -> int:
        """The number of what a campaign targets, a new one where it is the first that does."""
        targets = self._by_query.setdefault(plain(campaign.query), _OfQuery())
        numbers = targets.items if campaign.item_id else targets.paths
        number = numbers.setdefault(campaign.item_id or campaign.category, self._count)
        self._count = max(self._count, number + 1)
        return number


def _firsts(categories: Sequence[str]) -> list[tuple[str, int]]:
    """Each category with its first candidate, the last one of them first."""
    places: dict[str, int] = {}
    for place, category in enumerate(categories):
        places.setdefault(category, place)
    return [*places.items()][::-1]


def plain(query: str) -> str:
    """A query without what searches differ in by habit: case and blanks."""
    return " ".join(query.casefold().split())
