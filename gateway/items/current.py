"""Answers of a version, as they are with what was told of items since."""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import NamedTuple, TypeVar

from aisle.gateway.items.analogues import Analogues
from aisle.gateway.items.facets import recounted
from aisle.gateway.items.new_items import New, suiting
from aisle.gateway.items.passing import OPEN, passes, passes_new
from aisle.gateway.items.shelf import Shelf, Told
from aisle.gateway.items.version_facts import Known, VersionFacts
from aisle.schema.events import CLICK
from aisle.serving import FilteredItems, Filters, ItemFact, ScoredItem, ScoredItems, ServingError

MOST = 10_000
"""Items that a server is asked for at most, where few of those that it gave may be shown."""
COMPARED = 1_000
"""Of a filtered search, how many of the best without the filter are looked through for items that pass by what was told."""
_MARGIN = 10
"""Asked for beyond k while anything is withdrawn: one question suffices unless more of an answer's head are."""

_NOTHING = Told()
_UNKNOWN = ItemFact(None, False, "", "")
_Found = TypeVar("_Found", ScoredItems, FilteredItems)

Ask = Callable[[int], Awaitable[ScoredItems]]
AskFiltered = Callable[[int, Filters], Awaitable[FilteredItems]]


class _Kept(NamedTuple):
    """Of an answer what may be shown, what not, and by what version it was judged."""

    items: list[ScoredItem]
    left_out: list[ScoredItem]
    known: Known


class Current:
    """Leaves out what may not be shown, asks for more in its place, and lets in what passes now."""

    def __init__(self, facts: VersionFacts, shelf: Shelf, analogues: Analogues) -> None:
        """Takes what versions know, what was told since, and what new items are like."""
        self._facts, self._shelf, self._analogues = facts, shelf, analogues

    async def listed(self, ask: Ask, k: int, in_stock: bool = False) -> ScoredItems:
        """The k best that may be shown."""
        if not (in_stock or self._shelf.having("withdrawn")):
            return await ask(k)
        kept, found = await self._enough(ask, k, Filters(in_stock=in_stock), passed=not in_stock)
        return _as(found, kept.items[:k])

    async def recommended(self, ask: Ask, k: int, in_stock: bool, leave: Collection[str]) -> ScoredItems:
        """The k best that may be shown, new items among them by what they are like, but for some to be left out."""
        if not self._analogues.depth:
            return await self.listed(ask, k, in_stock)
        filters = Filters(in_stock=in_stock)
        kept, found = await self._enough(ask, k, filters, passed=not in_stock, least=self._analogues.depth)
        scored = self._scored(filters, kept, k + len(leave), by_place=True)
        left = [item for item in scored if item.item_id not in leave]
        return _as(found, New(scored=left).among(kept.items, k))

    async def searched(self, ask: Ask, query: str, k: int) -> ScoredItems:
        """The k best for a query, new items among them."""
        if not (self._shelf.having("title") or self._shelf.having("withdrawn")):
            return await ask(k)
        kept, found = await self._enough(ask, k, Filters(), passed=True, least=self._analogues.depth)
        new = await self._new(query, Filters(), kept, k) if query.strip() else New()
        return _as(found, new.among(kept.items, k))

    async def filtered(self, ask: AskFiltered, query: str, filters: Filters, k: int) -> FilteredItems:
        """The k best for a query of those that pass by what is so now, and the facets of all that do."""
        if not self._shelf:
            return await ask(k, filters)

        async def within(asked: int) -> FilteredItems:
            return await ask(asked, filters)

        # The facets are of all that was found: the more of it is seen, the more of them is known to have changed.
        thought = self._facts.as_of
        least = COMPARED if self._concerned(filters, thought) else max(k, self._analogues.depth)
        kept, found = await self._enough(within, k, filters, passed=True, least=least)
        if kept.known.as_of < thought:  # By an older version than the last answer.
            return await self.filtered(ask, query, filters, k)
        entered, wide = await self._entered(ask, query, filters, kept)
        new = await self._new(query, filters, kept, k)
        known = await self._facts.of(found.version, [item.item_id for item in kept.left_out])
        gone = [known.items[item.item_id] for item in kept.left_out if item.item_id in known.items]
        told = (self._shelf.told(item) for item in new.item_ids)
        come = [*entered.values(), *(_as_fact(one) for one in told)]
        items = new.among(_merged(kept.items, entered, wide), k)
        return FilteredItems(tuple(items), recounted(found.facets, gone, come), found.version)

    async def similar(self, ask: Ask, search: Ask, item_id: str, k: int, in_stock: bool) -> ScoredItems:
        """The k most like an item, new items among them; like a new one is what `search` finds, by its title."""
        found = await self._listed_with_new(ask, item_id, k, in_stock)
        if found or not self.title(item_id):
            return found
        known = await self._facts.of(found.version, [item_id])
        if item_id in known.items or not known.tells:
            return found
        alike = await self.listed(search, k + 1, in_stock)
        return _as(alike, [item for item in alike if item.item_id != item_id][:k])

    async def _listed_with_new(self, ask: Ask, item_id: str, k: int, in_stock: bool) -> ScoredItems:
        """The k most like an item, new items by what they are like."""
        if not self._analogues.depth:
            return await self.listed(ask, k, in_stock)
        filters = Filters(in_stock=in_stock)
        kept, found = await self._enough(ask, k, filters, passed=not in_stock, least=self._analogues.depth)
        # The item isn't in its own list: what is like it is as like it as the first that is.
        itself = [ScoredItem(item_id, one.score) for one in found[:1]]
        scored = self._scored(filters, kept._replace(items=[*itself, *kept.items]), k + 1)
        return _as(found, New(scored=[one for one in scored if one.item_id != item_id]).among(kept.items, k))

    async def told(self, item_ids: Sequence[str], version: int | None) -> list[Told]:
        """What is so of items now that a version doesn't know: all that was told of one that is new."""
        if not self._shelf:
            return [_NOTHING for _ in item_ids]
        try:
            known = await self._facts.of(
                version, [item for item in item_ids if self._shelf.told(item).values]
            )
        except ServingError:  # What was told is the best that is known then.
            known = Known(version)
        moments = (known.as_of if item in known.items else 0 for item in item_ids)
        return [self._shelf.told(item, as_of) for item, as_of in zip(item_ids, moments, strict=True)]

    async def about(self, version: int | None, item_ids: Sequence[str]) -> dict[str, ItemFact]:
        """What is so of items now: by a version, and by what was told since; without those that are withdrawn or unknown."""
        known = await self._facts.of(version, item_ids)
        found = {}
        for item in item_ids:
            told, fact = self._shelf.told(item, known.as_of), known.items.get(item)
            if (told.values and told.withdrawn) or (fact is None and known.tells):
                continue
            fact = fact or _UNKNOWN
            # Of most nothing was told.
            changed = told.values and told.sold_out is not None
            found[item] = dataclasses.replace(fact, sold_out=bool(told.sold_out)) if changed else fact
        return found

    def known_as(self, item_id: str, event: str) -> tuple[str, str]:
        """What an event counts for: a version knows nothing of a new item, which counts as a look at what it is most like."""
        near = self._analogues.nearest(item_id)
        return (near, CLICK.name) if near else (item_id, event)

    def title(self, item_id: str) -> str:
        """That was told of an item, "" if none was."""
        return self._shelf.told(item_id).text("title")

    def scored(self, ranked: ScoredItems) -> ScoredItems:
        """Items with their scores, those that are withdrawn without."""
        hidden = self._shelf.having("withdrawn")
        items = (ScoredItem(one.item_id, math.nan) if one.item_id in hidden else one for one in ranked)
        return _as(ranked, list(items))

    def _concerned(self, filters: Filters, as_of: int) -> bool:
        """Whether anything that was told may change what passes with a version as of a moment."""
        return bool(self._shelf.having("withdrawn") or self._changed(filters, as_of))

    def _changed(self, filters: Filters, as_of: int) -> list[set[str]]:
        """The items whose price, and those whose stock, was told, if the filter asks for it and a version lacks any."""
        asked = {"price": filters.price != OPEN, "stock": filters.in_stock}
        fields = [name for name, so in asked.items() if so and self._shelf.newest(name) > as_of]
        return [self._shelf.having(name) for name in fields if self._shelf.having(name)]

    async def _enough(
        self,
        ask: Callable[[int], Awaitable[_Found]],
        k: int,
        filters: Filters,
        passed: bool,
        least: int = 0,
    ) -> tuple[_Kept, _Found]:
        """Asks for more until k may be shown, there are no more, or it asked for the most.

        Args:
            ask: for so many.
            k: how many are wanted.
            filters: what they must pass.
            passed: whether the version has let only those pass that pass by what it knows.
            least: how many are asked for at least.
        """
        asked = max(least, k + min(_MARGIN, len(self._shelf.having("withdrawn"))))
        while True:
            found = await ask(asked)
            items = found.items if isinstance(found, FilteredItems) else found
            kept = await self._kept(items, found.version, filters, passed)
            if len(kept.items) >= k or len(items) < asked or asked >= MOST:
                return kept, found
            asked = min(MOST, 4 * asked)

    async def _kept(
        self, items: Sequence[ScoredItem], version: int | None, filters: Filters, passed: bool
    ) -> _Kept:
        known = await self._facts.of(version, [] if passed else [item.item_id for item in items])
        kept: list[ScoredItem] = []
        left_out: list[ScoredItem] = []
        for item in items:
            told = self._shelf.told(item.item_id, known.as_of)
            fits = passes(told, known.items.get(item.item_id), filters, otherwise=True)
            (kept if fits else left_out).append(item)
        return _Kept(kept, left_out, known)

    async def _entered(
        self, ask: AskFiltered, query: str, filters: Filters, kept: _Kept
    ) -> tuple[dict[str, ItemFact], Sequence[ScoredItem]]:
        """Items that pass by what was told and not by what the version knows; and all that it lists without the filter."""
        changed = self._changed(filters, kept.known.as_of)
        if not changed:
            return {}, ()
        # Without a query nothing is listed that nothing narrows; any price does, and leaves out only what has none.
        bare = not (query.strip() or filters.category or filters.brands)
        found = await ask(COMPARED, Filters(filters.category, filters.brands, (0.0, None) if bare else OPEN))
        seen = {item.item_id for item in (*kept.items, *kept.left_out)}
        others = [one.item_id for one in found.items if any(one.item_id in having for having in changed)]
        known = await self._facts.of(found.version, others)
        entered = {}
        for item in (other for other in others if other not in seen):
            told, fact = self._shelf.told(item, known.as_of), known.items.get(item)
            counted = fact is not None and passes(_NOTHING, fact, filters, otherwise=True)
            if passes(told, fact, filters, otherwise=False) and not counted:
                entered[item] = fact or _as_fact(told)
        return entered, found.items

    async def _new(self, query: str, filters: Filters, kept: _Kept, k: int) -> New:
        """The items that the version doesn't know and that are like what it found, or have all of the query's words."""
        new = await self._facts.new(kept.known.version, self._shelf.titled)
        having = new & (self._shelf.words.having(query) | {query}) if query.strip() else new
        there = having & self._shelf.having("title")
        ordered = heapq.nlargest(COMPARED, there, self._shelf.latest)
        told = ((item, self._shelf.told(item)) for item in ordered)
        seen = {item: one for item, one in told if not one.withdrawn}
        return suiting(query, filters, seen, self._scored(filters, kept, k))

    def _scored(self, filters: Filters, kept: _Kept, k: int, by_place: bool = False) -> list[ScoredItem]:
        """The k best new items that pass, of those that are like what was found."""
        scored = self._analogues.scored(kept.known.version, [*kept.items, *kept.left_out], by_place)
        passing = (item for item in scored if passes_new(self._shelf.told(item.item_id), filters))
        return list(itertools.islice(passing, k))


def _merged(
    kept: Sequence[ScoredItem], entered: Collection[str], wide: Sequence[ScoredItem]
) -> list[ScoredItem]:
    """As they are listed without the filter, by one search's scores; behind them those that it lists too far down."""
    passing = {*entered, *(item.item_id for item in kept)}
    first = [item for item in wide if item.item_id in passing]
    listed = {item.item_id for item in first}
    return [*first, *(item for item in kept if item.item_id not in listed)]


def _as_fact(told: Told) -> ItemFact:
    return ItemFact(told.price, bool(told.sold_out), told.text("category"), told.text("brand"))


def _as(found: ScoredItems | FilteredItems, items: Sequence[ScoredItem]) -> ScoredItems:
    fallback = isinstance(found, ScoredItems) and found.fallback
    return ScoredItems(items, fallback=fallback, version=found.version)
