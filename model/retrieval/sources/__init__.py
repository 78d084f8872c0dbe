"""The sources of candidates, a file each: what every part of retrieval derives from.

A new source is one file and one line here. What it keeps is in the State, its scores are candidates and numbers of the
ranking head, its index is chosen as the others' are, and `explain` names it.
"""

from __future__ import annotations

from aisle.model.retrieval.sources import (
    baskets,
    dense,
    domains,
    ease,
    lexical,
    new,
    popularity,
    repeat,
    spectrum,
    tags,
    transitions,
    two_tower,
)
from aisle.model.retrieval.sources.source import Kind, Offer, Score, Source, TableSource, VectorSource

SOURCES: list[Source] = [
    two_tower.SOURCE,
    ease.SOURCE,
    transitions.SOURCE,
    spectrum.SOURCE,
    baskets.SOURCE,
    tags.SOURCE,
    dense.SOURCE,
    lexical.SOURCE,
    repeat.SOURCE,
    popularity.SOURCE,
    new.SOURCE,
    domains.SOURCE,
]


def table_sources() -> list[TableSource]:
    """Those that score every item."""
    return [source for source in SOURCES if isinstance(source, TableSource)]


def vector_sources() -> list[VectorSource]:
    """Those that search by an index."""
    return [source for source in SOURCES if isinstance(source, VectorSource)]


def scores() -> list[Score]:
    """What all of them say."""
    return [score for source in SOURCES for score in source.scores]


def offers(kind: Kind) -> tuple[Offer, ...]:
    """The parts that scores have in an answer of some kind."""
    parts = [(score, getattr(score, kind)) for score in scores()]
    return tuple(
        Offer(s.name, part.bound, part.weight, s.signed, part.unspaced)
        for s, part in parts
        if part is not None
    )
