"""Items that no version has learnt anything of yet: which of them an answer gets, and at which places.

One that is like what the version knows has its place by the scores of that, see `Analogues`. Of others with all of a query's
words nothing can be said yet: they take every fourth place, so that shoppers see them and the rest stays in the version's order.
One that the query names stands first, as a version has it with its own.
"""

from __future__ import annotations

import heapq
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
    """New items of an answer, each kind best first.

    Attributes:
        named: those that the query names by title or id.
        scored: those that have a score by what they are like.
        others: the rest of those that have all of the query's words.
    """

    named: list[str] = []
    scored: list[ScoredItem] = []
    others: list[str] = []

    @property
    def item_ids(self) -> list[str]:
        """All of them."""
        return [*self.named, *(item.item_id for item in self.scored), *self.others]

    def among(self, items: Sequence[ScoredItem], k: int) -> list[ScoredItem]:
        """The first k of both, by score, with others at every fourth place, and behind all where they are few."""
        by_score = heapq.merge(items, self.scored, key=lambda item: -item.score)
        found, waiting = [*_unscored(self.named), *by_score][:k], list(self.others)
        for place in range(EVERY - 1, k, EVERY):
            if not waiting or place > len(found):
                break
            found.insert(place, *_unscored([waiting.pop(0)]))
        return [*found, *_unscored(waiting)][:k]


def suiting(query: str, filters: Filters, new: Mapping[str, Told], scored: Sequence[ScoredItem]) -> New:
    """The items that pass the filters, those of which the query says the most first.

    Args:
        query: all of whose words they have.
        filters: see `Filters`.
        new: what was told of the items, in the order that decides between equal ones.
        scored: those of them and of other new items that have a score, and pass.
    """
    asked = tokens(query)
    titles = {item: tokens(told.text("title")) for item, told in new.items() if passes_new(told, filters)}
    named = [item for item, title in titles.items() if asked and asked in (title, tokens(item))]
    placed = [item for item in scored if item.item_id not in named]
    shown = {*named, *(item.item_id for item in placed)}
    others = [item for item in titles if item not in shown]
    return New(named, placed, sorted(others, key=lambda item: len(titles[item])))


def _unscored(item_ids: Sequence[str]) -> list[ScoredItem]:
    return [ScoredItem(item, math.nan) for item in item_ids]
