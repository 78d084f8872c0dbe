"""What is asked of the served model, with what the store knows of the visitor."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aisle.gateway.events import microseconds
from aisle.gateway.questions import (
    Answer,
    Explain,
    Explained,
    FacetCounts,
    Item,
    Question,
    Rank,
    Recommend,
    Search,
    Similar,
    Why,
)
from aisle.gateway.recents.delivery import Delivery
from aisle.gateway.recents.store import visitor
from aisle.serving import AsyncClient, FilteredItems, Filters, RecentEvent, Recents, ScoredItems


class Asking:
    """Asks a server; every method raises ServingError, and InputError for what the model can't be asked.

    Every question brings what its visitor did of late. The version that answers leaves out what it has learnt of a user, by
    its own cut-off, so a switch of versions needs nothing done here.
    """

    def __init__(self, client: AsyncClient, recents: Delivery, now: Callable[[], datetime]) -> None:
        """The first two are the caller's to close; `now` is the time that events' ages are counted from."""
        self._client, self._recents, self._now = client, recents, now

    async def search(self, asked: Search) -> Answer:
        """The best items for a query."""
        recents, stale = await self._recent(asked)
        who = (asked.query, asked.user_id, asked.k)
        if not asked.filtered:
            return _answer(await self._client.search(*who, recents=recents), stale)
        prices = (asked.price_min, asked.price_max)
        filters = Filters(asked.category, tuple(asked.brand), prices, asked.in_stock)
        found = await self._client.search(*who, filters=filters, recents=recents)
        return _answer(found, stale, facets=FacetCounts.model_validate(found.facets))

    async def recommend(self, asked: Recommend) -> Answer:
        """The best items for a visitor."""
        recents, stale = await self._recent(asked)
        found = await self._client.recommend(
            asked.user_id, exclude_seen=asked.exclude_seen, k=asked.k, recents=recents
        )
        return _answer(found, stale)

    async def similar(self, asked: Similar) -> Answer:
        """What is like an item."""
        recents, stale = await self._recent(asked)
        return _answer(await self._client.similar(asked.item_id, asked.k, recents), stale)

    async def rank(self, asked: Rank) -> Answer:
        """The items' scores, in their order."""
        recents, stale = await self._recent(asked)
        return _answer(await self._client.rank(asked.query, asked.user_id, asked.item_ids, recents), stale)

    async def explain(self, asked: Explain) -> Explained:
        """Why the items score as they do."""
        recents, _ = await self._recent(asked)
        found = await self._client.explain(asked.query, asked.item_ids, asked.user_id, recents)
        return Explained(request_id=new_request_id(), items=[Why.model_validate(one) for one in found])

    async def _recent(self, asked: Question) -> tuple[Recents, bool]:
        """What the visitor did of late, as of now, and whether that is stale."""
        found, stale = await self._recents.of(visitor(asked.user_id, asked.session_id))
        now = microseconds(self._now())
        events = (RecentEvent(one.item_id, one.event, (now - one.at) / 1e6) for one in found)
        return Recents(events, now / 1e6), stale


def new_request_id() -> str:
    """Names an answer."""
    return uuid.uuid4().hex


def _answer(found: ScoredItems | FilteredItems, stale: bool, **more: Any) -> Answer:
    items = found.items if isinstance(found, FilteredItems) else found
    return Answer(
        request_id=new_request_id(),
        version=found.version,
        items=[Item.model_validate(item) for item in items],
        stale=stale,
        **more,
    )
