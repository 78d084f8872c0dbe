"""The typed questions as coroutines: `Recommender`'s methods, word for word, to be awaited."""

from __future__ import annotations

import abc
import datetime
from collections.abc import Sequence
from typing import TypeVar, overload

import numpy as np

from aisle.schema.contract import Signature
from aisle.serving.client import questions
from aisle.serving.client.answers import FilteredItems, ScoredItems
from aisle.serving.client.explanation import Explanation
from aisle.serving.client.facts import Facts
from aisle.serving.client.filters import Filters
from aisle.serving.client.inputs import Tensors
from aisle.serving.client.questions import Question, only
from aisle.serving.client.recents import Events

T = TypeVar("T")


class AsyncRecommender(abc.ABC):
    """Searches, recommends, and ranks by one model; arguments, answers and errors are `Recommender`'s."""

    @abc.abstractmethod
    async def predict(self, signature: Signature, inputs: Tensors) -> dict[str, np.ndarray]:
        """See `Recommender.predict`."""

    @abc.abstractmethod
    async def ask(self, question: Question[T]) -> T:
        """See `Recommender.ask`."""

    @overload
    async def search(
        self, query: str, user_id: str = "", k: int = 10, filters: None = None, recents: Events = ()
    ) -> ScoredItems: ...

    @overload
    async def search(
        self, query: str, user_id: str = "", k: int = 10, *, filters: Filters, recents: Events = ()
    ) -> FilteredItems: ...

    async def search(
        self, query: str, user_id: str = "", k: int = 10, filters: Filters | None = None, recents: Events = ()
    ) -> ScoredItems | FilteredItems:
        """See `Recommender.search`."""
        if filters is None:
            return await self.ask(only(questions.search([query], [user_id], k, [recents])))
        return await self.ask(questions.filtered_search(query, user_id, k, filters, recents))

    async def search_batch(
        self,
        queries: Sequence[str],
        user_ids: Sequence[str] | None = None,
        k: int = 10,
        recents: Sequence[Events] | None = None,
    ) -> list[ScoredItems]:
        """See `Recommender.search_batch`."""
        return await self.ask(questions.search(queries, user_ids, k, recents))

    async def recommend(
        self,
        user_id: str,
        history: Sequence[str] = (),
        exclude_seen: bool = False,
        k: int = 10,
        recents: Events = (),
        domain: str = "",
    ) -> ScoredItems:
        """See `Recommender.recommend`."""
        return await self.ask(
            only(questions.recommend([user_id], [history], exclude_seen, k, [recents], domain))
        )

    async def recommend_batch(
        self,
        user_ids: Sequence[str],
        histories: Sequence[Sequence[str]] | None = None,
        exclude_seen: bool = False,
        k: int = 10,
        recents: Sequence[Events] | None = None,
        domain: str = "",
    ) -> list[ScoredItems]:
        """See `Recommender.recommend_batch`."""
        return await self.ask(questions.recommend(user_ids, histories, exclude_seen, k, recents, domain))

    async def similar(self, item_id: str, k: int = 10, recents: Events = ()) -> ScoredItems:
        """See `Recommender.similar`."""
        return await self.ask(only(questions.similar([item_id], k, [recents])))

    async def similar_batch(
        self, item_ids: Sequence[str], k: int = 10, recents: Sequence[Events] | None = None
    ) -> list[ScoredItems]:
        """See `Recommender.similar_batch`."""
        return await self.ask(questions.similar(item_ids, k, recents))

    async def similar_by_image(self, image: bytes, k: int = 10) -> ScoredItems:
        """See `Recommender.similar_by_image`."""
        return await self.ask(only(questions.similar_by_image([image], k)))

    async def rank(
        self, query: str, user_id: str, item_ids: Sequence[str], recents: Events = ()
    ) -> ScoredItems:
        """See `Recommender.rank`."""
        return await self.ask(only(questions.rank([query], [user_id], [item_ids], [recents])))

    async def rank_batch(
        self,
        queries: Sequence[str],
        user_ids: Sequence[str],
        item_ids: Sequence[Sequence[str]],
        recents: Sequence[Events] | None = None,
    ) -> list[ScoredItems]:
        """See `Recommender.rank_batch`."""
        return await self.ask(questions.rank(queries, user_ids, item_ids, recents))

    async def explain(
        self, query: str, item_ids: Sequence[str], user_id: str = "", recents: Events = ()
    ) -> list[Explanation]:
        """See `Recommender.explain`."""
        return await self.ask(questions.explain(query, item_ids, user_id, recents))

    async def titles(self, item_ids: Sequence[str], version: int | None = None) -> dict[str, str]:
        """See `Recommender.titles`."""
        return await self.ask(questions.titles(item_ids, version))

    async def cut_off(self, version: int | None = None) -> datetime.datetime | None:
        """See `Recommender.cut_off`."""
        return await self.ask(questions.cut_off(version))

    async def facts(self, item_ids: Sequence[str], version: int | None = None) -> Facts:
        """See `Recommender.facts`."""
        return await self.ask(questions.facts(item_ids, version))

    async def sentiment(self, texts: Sequence[str]) -> list[float]:
        """See `Recommender.sentiment`."""
        return await self.ask(questions.sentiment(texts))
