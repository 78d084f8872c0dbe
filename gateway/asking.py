"""What is asked of the served model, with what the store knows of the visitor."""

from __future__ import annotations

import uuid
from typing import Any

from aisle.gateway.items.service import Items
from aisle.gateway.questions import (
    Answer,
    Explain,
    Explained,
    FacetCounts,
    Item,
    Rank,
    Recommend,
    Search,
    Similar,
    Why,
)
from aisle.gateway.recents.delivery import Delivery
from aisle.gateway.recents.store import visitor
from aisle.schema.events import weights
from aisle.serving import AsyncClient, FilteredItems, Filters, ScoredItems


class Asking:
    """Asks a server; every method raises ServingError, and InputError for what the model can't be asked."""

    def __init__(self, client: AsyncClient, recents: Delivery, items: Items) -> None:
        """All are the caller's to close."""
        self._client, self._recents, self._items = client, recents, items

    async def search(self, asked: Search) -> Answer:
        """The best items for a query."""

        async def ask(k: int) -> ScoredItems:
            return await self._client.search(asked.query, asked.user_id, k)

        async def ask_filtered(k: int, filters: Filters) -> FilteredItems:
            return await self._client.search(asked.query, asked.user_id, k, filters=filters)

        current = self._items.current
        if not asked.filtered:
            return self._answer(await current.searched(ask, asked.query, asked.k))
        prices = (asked.price_min, asked.price_max)
        filters = Filters(asked.category, tuple(asked.brand), prices, asked.in_stock)
        found = await current.filtered(ask_filtered, asked.query, filters, asked.k)
        return self._answer(found, facets=FacetCounts.model_validate(found.facets))

    async def recommend(self, asked: Recommend) -> Answer:
        """The best items for a visitor."""
        history, stale = await self._history(asked.user_id, asked.session_id)

        async def ask(k: int) -> ScoredItems:
            return await self._client.recommend(asked.user_id, history, asked.exclude_seen, k)

        return self._answer(await self._items.current.listed(ask, asked.k, asked.in_stock), stale)

    async def similar(self, asked: Similar) -> Answer:
        """What is like an item."""
        current = self._items.current

        async def ask(k: int) -> ScoredItems:
            return await self._client.similar(asked.item_id, k)

        async def search(k: int) -> ScoredItems:
            return await self._client.search(current.title(asked.item_id), "", k)

        return self._answer(await current.similar(ask, search, asked.item_id, asked.k, asked.in_stock))

    async def rank(self, asked: Rank) -> Answer:
        """The items' scores, in their order."""
        found = await self._client.rank(asked.query, asked.user_id, asked.item_ids)
        return self._answer(self._items.current.scored(found))

    async def explain(self, asked: Explain) -> Explained:
        """Why the items score as they do."""
        found = await self._client.explain(asked.query, asked.item_ids, asked.user_id)
        return Explained(request_id=new_request_id(), items=[Why.model_validate(one) for one in found])

    async def _history(self, user_id: str, session_id: str) -> tuple[list[str], bool]:
        """The items that a visitor liked of late, oldest first, and whether that is stale.

        Today's model takes a history in place of all that it knows of a user, so two clicks would erase a past. It knows
        nobody by a session, so an anonymous visitor's is sent; a user is asked by the id alone. A model that takes recent
        events beside what it knows is given everybody's, here.
        """
        if user_id:
            return [], False
        recents, stale = await self._recents.of(visitor(user_id, session_id))
        return [one.item_id for one in recents if one.event in weights()], stale

    def _answer(self, found: ScoredItems | FilteredItems, stale: bool = False, **more: Any) -> Answer:
        items = found.items if isinstance(found, FilteredItems) else found
        return Answer(
            request_id=new_request_id(),
            version=found.version,
            items=[Item.model_validate(item) for item in items],
            stale=stale or self._items.stale,
            **more,
        )


def new_request_id() -> str:
    """Names an answer."""
    return uuid.uuid4().hex
