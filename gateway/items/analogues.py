"""What new items are like, of those that a version knows: by the scores of these an answer has a place for the new ones.

A version scores items by what it learnt of them, of a new one nothing. It reads texts, though: a search for a new item's title
finds what is most like it. In an answer to whatever question the item is scored as these are on average (k nearest
neighbours), so that its place is earned; `python -m benchmarks.live.new_items` measures both ways to take the average.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import heapq
import math
from collections.abc import Sequence

from aisle.gateway.items.shelf import Shelf
from aisle.gateway.items.version_facts import VersionFacts
from aisle.serving import AsyncClient, ModelNotFound, RequestRefused, ScoredItem, ServingError
from aisle.serving.client import questions

NEAREST = 5
"""Analogues of an item; measured beside 1, 2, 3 and 10."""
DEPTH = 200
"""Places of an answer that are looked at for analogues, where there are any; those further down count as its last."""
MOST = 1_000
"""New items that are placed so: the newest."""
LOOK_SECONDS = 1.0
"""How often it is looked whether any are lacking."""
_AT_ONCE = 4
"""Titles that are searched for in a request: visitors' questions must not wait for many."""

Titled = tuple[str, str]
"""An item's id, and the title that it was searched by."""


class Analogues:
    """The analogues of new items, by version; they come to be known in the background, see `run`."""

    def __init__(self, client: AsyncClient, facts: VersionFacts, shelf: Shelf) -> None:
        """Takes the model's client, what versions know, and what was told since."""
        self._client, self._facts, self._shelf = client, facts, shelf
        self._known: dict[int, dict[Titled, tuple[str, ...]]] = {}
        self._whole: dict[int, int] = {}

    @property
    def depth(self) -> int:
        """How many items of an answer are needed; 0 while no analogues are known."""
        return DEPTH if any(self._known.values()) else 0

    def scored(self, version: int | None, found: Sequence[ScoredItem], by_place: bool) -> list[ScoredItem]:
        """The new items that have analogues in an answer, best first.

        Args:
            version: that answered.
            found: its answer; what isn't in it counts as its last.
            by_place: whether an item has the score of the place that is the geometric mean of its analogues' places, as
                suits recommendations, of which the first few score far above all others; else the mean of their scores.
        """
        known = self._known.get(version or 0)
        if not (known and found):
            return []
        ordered = sorted(found, key=lambda item: -item.score)
        values = {
            item.item_id: -math.log(place) if by_place else item.score
            for place, item in enumerate(ordered, 1)
        }
        last = -math.log(len(ordered) + 1) if by_place else ordered[-1].score
        means = [
            (sum(values.get(one, last) for one in near) / len(near), item)
            for (item, _), near in known.items()
            if not values.keys().isdisjoint(near)
        ]
        means.sort(key=lambda one: -one[0])
        if not by_place:
            return [ScoredItem(item, mean) for mean, item in means]
        return [ScoredItem(item, ordered[int(math.exp(-mean)) - 1].score) for mean, item in means]

    def nearest(self, item_id: str) -> str:
        """What an item that is new to the version that answered last is most like, "" of any other."""
        known = self._known.get(self._facts.latest or 0)
        if not known or item_id not in self._shelf.having("title"):
            return ""
        near = known.get((item_id, self._shelf.told(item_id).text("title")))
        return near[0] if near else ""

    async def run(self) -> None:
        """Learns again and again, until it is cancelled."""
        while True:
            with contextlib.suppress(ServingError):  # The next time may find the server.
                await self.learn()
            await asyncio.sleep(LOOK_SECONDS)

    async def learn(self) -> None:
        """Has the analogues of all new items, as of now, for the versions that answer; raises ServingError."""
        versions = self._facts.versions
        for gone in self._known.keys() - set(versions):
            self._known.pop(gone)
            self._whole.pop(gone, None)
        for version in versions:
            changes = self._shelf.title_changes
            if changes and self._whole.get(version) != changes:
                try:
                    await self._learn(version)
                except (RequestRefused, ModelNotFound):  # It is no longer served.
                    self._facts.forget(version)
                else:
                    self._whole[version] = changes

    async def _learn(self, version: int) -> None:
        there = await self._facts.new(version, self._shelf.titled) & self._shelf.having("title")
        newest = heapq.nlargest(MOST, there, self._shelf.latest)
        titled = [(item, self._shelf.told(item).text("title")) for item in newest]
        known = self._known.setdefault(version, {})
        for gone in known.keys() - set(titled):
            del known[gone]
        missing = [one for one in titled if one not in known]
        for start in range(0, len(missing), _AT_ONCE):
            chunk = missing[start : start + _AT_ONCE]
            asked = questions.search([title for _, title in chunk], None, NEAREST)
            answers = await self._client.ask(dataclasses.replace(asked, version=version))
            known.update(zip(chunk, (tuple(one.item_id for one in found) for found in answers), strict=True))
