"""What is asked of the served model, with what the store knows of the visitor."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from aisle.gateway.events import microseconds
from aisle.gateway.items.service import Items
from aisle.gateway.questions import (
    Answer,
    Explain,
    Explained,
    FacetCounts,
    Item,
    Listing,
    Question,
    Rank,
    Recommend,
    Search,
    Sentiments,
    Similar,
    Texts,
    Why,
)
from aisle.gateway.recents.delivery import Delivery
from aisle.gateway.recents.store import Recent, visitor
from aisle.gateway.uploads.questions import Pictured
from aisle.schema.events import PURCHASE
from aisle.serving import AsyncClient, FilteredItems, Filters, RecentEvent, Recents, ScoredItems
from aisle.serving.client import questions

Considers = Callable[[Listing], int]


def sells_nothing(_: Listing) -> int:
    """Of a gateway without sponsored places: no items are considered for them."""
    return 0


class Asking:
    """Asks a server; every method raises ServingError, and InputError for what the model can't be asked.

    Every question brings what its visitor did of late. The version that answers leaves out what it has learnt of a user, by
    its own cut-off, so a switch of versions needs nothing done here. What changed of items since stands over its answer.
    """

    def __init__(
        self,
        client: AsyncClient,
        recents: Delivery,
        items: Items,
        now: Callable[[], datetime],
        considers: Considers = sells_nothing,
    ) -> None:
        """The first three are the caller's to close.

        Args:
            client: asks the model's server.
            recents: what visitors did of late.
            items: what changed of items.
            now: the time that events' ages are counted from.
            considers: of how many of a question's best items the sponsored ones are taken; 0 where nothing is sold.
        """
        self._client, self._recents, self._items, self._now = client, recents, items, now
        self._considers = considers

    async def search(self, asked: Search) -> Answer:
        """The best items for a query."""
        recents, stale = await self._recent(asked)
        who = (asked.query, asked.user_id)

        async def ask(k: int) -> ScoredItems:
            return await self._client.search(*who, k, recents=recents)

        async def ask_filtered(k: int, filters: Filters) -> FilteredItems:
            return await self._client.search(*who, k, filters=filters, recents=recents)

        current = self._items.current
        if not asked.filtered:
            return self._listed(asked, await current.searched(ask, asked.query, self._most(asked)), stale)
        prices = (asked.price_min, asked.price_max)
        filters = Filters(asked.category, tuple(asked.brand), prices, asked.in_stock)
        found = await current.filtered(ask_filtered, asked.query, filters, self._most(asked))
        return self._listed(asked, found, stale, facets=FacetCounts.model_validate(found.facets))

    async def recommend(self, asked: Recommend) -> Answer:
        """The best items for a visitor."""
        did, stale = await self._did(asked)
        recents = self._as_known(asked, did)

        async def ask(k: int) -> ScoredItems:
            return await self._client.recommend(
                asked.user_id, exclude_seen=asked.exclude_seen, k=k, recents=recents
            )

        # What was bought a moment ago isn't due yet, which the model doesn't know of an item that is new.
        done = {one.item_id for one in did if asked.exclude_seen or one.event == PURCHASE.name}
        found = await self._items.current.recommended(ask, self._most(asked), asked.in_stock, done)
        return self._listed(asked, found, stale)

    async def retrieve(self, asked: Recommend) -> Answer:
        """What the two-tower model alone retrieves for a visitor, not ranked: the cheaper way to recommend."""
        recents, stale = await self._recent(asked)

        async def ask(k: int) -> ScoredItems:
            who, seen = [asked.user_id], asked.exclude_seen
            retrieved = questions.recommend(who, None, seen, k, [recents]).fallback
            assert retrieved is not None  # It is what a question to recommend falls back to.
            return (await self._client.ask(retrieved))[0]

        return self._answer(await self._items.current.listed(ask, asked.k, asked.in_stock), stale)

    async def similar(self, asked: Similar) -> Answer:
        """What is like an item."""
        recents, stale = await self._recent(asked)
        current = self._items.current

        async def ask(k: int) -> ScoredItems:
            return await self._client.similar(asked.item_id, k, recents)

        async def search(k: int) -> ScoredItems:
            return await self._client.search(current.title(asked.item_id), "", k, recents=recents)

        found = await current.similar(ask, search, asked.item_id, asked.k, asked.in_stock)
        return self._answer(found, stale)

    async def similar_by_image(self, asked: Pictured) -> Answer:
        """What looks like a picture: nobody's past says anything of that."""

        async def ask(k: int) -> ScoredItems:
            return await self._client.similar_by_image(asked.image, k)

        return self._answer(await self._items.current.listed(ask, asked.k, asked.in_stock))

    async def sentiment(self, asked: Texts) -> Sentiments:
        """What texts say."""
        return Sentiments(scores=await self._client.sentiment(asked.texts))

    async def rank(self, asked: Rank) -> Answer:
        """The items' scores, in their order."""
        recents, stale = await self._recent(asked)
        found = await self._client.rank(asked.query, asked.user_id, asked.item_ids, recents)
        return self._answer(self._items.current.scored(found), stale)

    async def explain(self, asked: Explain) -> Explained:
        """Why the items score as they do."""
        recents, _ = await self._recent(asked)
        found = await self._client.explain(asked.query, asked.item_ids, asked.user_id, recents)
        return Explained(request_id=new_request_id(), items=[Why.model_validate(one) for one in found])

    async def _recent(self, asked: Question) -> tuple[Recents, bool]:
        """What the visitor did of late, as of now, and whether that is stale."""
        did, stale = await self._did(asked)
        return self._as_known(asked, did), stale

    async def _did(self, asked: Question) -> tuple[list[Recent], bool]:
        return await self._recents.of(visitor(asked.user_id, asked.session_id))

    def _as_known(self, asked: Question, did: Sequence[Recent]) -> Recents:
        """As of now, and as a version can know it, unless that would leave out what was never seen."""
        now, leaves_out = microseconds(self._now()), isinstance(asked, Recommend) and asked.exclude_seen
        events = []
        for one in did:
            same = (one.item_id, one.event)
            known = same if leaves_out else self._items.current.known_as(*same)
            events.append(RecentEvent(*known, (now - one.at) / 1e6))
        return Recents(events, now / 1e6)

    def _most(self, asked: Listing) -> int:
        """How many items are asked for: those of the list, and those whose places may be sold."""
        return max(asked.k, self._considers(asked))

    def _listed(self, asked: Listing, found: ScoredItems | FilteredItems, stale: bool, **more: Any) -> Answer:
        """The list that was asked for, which considered all that was found; a stand-in's scores are no chances."""
        items = found.items if isinstance(found, FilteredItems) else found
        fallback = isinstance(found, ScoredItems) and found.fallback
        first = ScoredItems(items[: asked.k], version=found.version)
        sellable = self._considers(asked) and not fallback
        return self._answer(first, stale, **more).considering(items if sellable else ())

    def _answer(self, found: ScoredItems, stale: bool = False, **more: Any) -> Answer:
        return Answer(
            request_id=new_request_id(),
            version=found.version,
            items=[Item.model_validate(item) for item in found],
            stale=stale or self._items.stale,
            **more,
        )


def new_request_id() -> str:
    """Names an answer."""
    return uuid.uuid4().hex
