"""Items that no version has learnt anything of yet: which of them an answer gets, and at which places.

A version scores items by what it learnt of them, so there is no score to hold a new item's against. It gets none: new items
with all of a query's words take every fourth place, so that shoppers see them and the rest stays in the version's order, and
one that the query names stands first, as a version has it with its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aisle.gateway.items.passing import passes_new
from aisle.gateway.items.shelf import Told
from aisle.gateway.items.words import tokens
from aisle.serving import Filters, ScoredItem

EVERY = 4
"""The places 4, 8, 12, …"""


class New(NamedTuple):
    """New items of an answer: those that the query names by title or id, and the others, best first."""

    named: list[str] = []
    others: list[str] = []

    def among(self, items: Sequence[ScoredItem], k: int) -> list[ScoredItem]:
        """The first k of both, with others at every fourth place, and behind all where they are few."""
        found, waiting = [*_unscored(self.named), *items][:k], list(self.others)
        for place in range(EVERY - 1, k, EVERY):
            if not waiting or place > len(found):
                break
            found.insert(place, *_unscored([waiting.pop(0)]))
        return [*found, *_unscored(waiting)][:k]


def suiting(query: str, filters: Filters, new: Mapping[str, Told]) -> New:
    """The items that pass the filters, those of which the query says the most first.

    Args:
        query: all of whose words they have.
        filters: see `Filters`.
        new: what was told of the items, in the order that decides between equal ones.
    """
    asked = tokens(query)
    titles = {item: tokens(told.text("title")) for item, told in new.items() if passes_new(told, filters)}
    named = [item for item, title in titles.items() if asked and asked in (title, tokens(item))]
    others = [item for item in titles if item not in named]
    return New(named, sorted(others, key=lambda item: len(titles[item])))


def _unscored(item_ids: Sequence[str]) -> list[ScoredItem]:
    return [ScoredItem(item, math.nan) for item in item_ids]
