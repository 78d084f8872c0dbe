"""The typed questions, asked and waited for; the client and the local model share them."""

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


class Recommender(abc.ABC):
    """Searches, recommends, and ranks by one model.

    Each question has a form for one request and one for a batch (`…_batch`), which is answered by one
    call of the model. Unknown users, items and queries have an answer, which may be empty. All raise
    InputError for a wrong argument, and ServingError where the model fails. `AsyncRecommender` has the
    same methods as coroutines.
    """

    @abc.abstractmethod
    def predict(self, signature: Signature, inputs: Tensors) -> dict[str, np.ndarray]:
        """The model's outputs for inputs of the signature's names, dtypes and shapes."""

    def ask(self, question: Question[T]) -> T:
        """The question's answer; every typed method below makes a question and asks it."""
        return question.read(self.predict(question.signature, question.inputs) if question.sent else {})

    @overload
    def search(
        self, query: str, user_id: str = "", k: int = 10, filters: None = None, recents: Events = ()
    ) -> ScoredItems: ...

    @overload
    def search(
        self, query: str, user_id: str = "", k: int = 10, *, filters: Filters, recents: Events = ()
    ) -> FilteredItems: ...

    def search(
        self, query: str, user_id: str = "", k: int = 10, filters: Filters | None = None, recents: Events = ()
    ) -> ScoredItems | FilteredItems:
        """The best items for a query, best first.

        Args:
            query: as typed.
            user_id: "" is anonymous.
            k: items at most.
            filters: searches among the items that pass alone, and counts what it finds by category and brand;
                an empty query lists all that pass by popularity. Empty filters ask for the counts alone.
            recents: what the user did of late, added to what the model knows; see `RecentEvent`.
        """
        if filters is None:
            return self.ask(only(questions.search([query], [user_id], k, [recents])))
        return self.ask(questions.filtered_search(query, user_id, k, filters, recents))

    def search_batch(
        self,
        queries: Sequence[str],
        user_ids: Sequence[str] | None = None,
        k: int = 10,
        recents: Sequence[Events] | None = None,
    ) -> list[ScoredItems]:
        """`search` for each query, with its user if `user_ids` are given."""
        return self.ask(questions.search(queries, user_ids, k, recents))

    def recommend(
        self,
        user_id: str,
        history: Sequence[str] = (),
        exclude_seen: bool = False,
        k: int = 10,
        recents: Events = (),
        domain: str = "",
    ) -> ScoredItems:
        """The best items for a user, best first.

        Args:
            user_id: "" is anonymous.
            history: item ids, oldest first, in the place of all that the model knows; empty is what it knows.
            exclude_seen: leaves out the items of the history, and the recent ones.
            k: items at most.
            recents: what the user did of late, added to either history; see `RecentEvent`. What was bought a moment ago
                comes last until it is due again.
            domain: only items of it, of a shop whose items name domains; "" is any.
        """
        return self.ask(only(questions.recommend([user_id], [history], exclude_seen, k, [recents], domain)))

    def recommend_batch(
        self,
        user_ids: Sequence[str],
        histories: Sequence[Sequence[str]] | None = None,
        exclude_seen: bool = False,
        k: int = 10,
        recents: Sequence[Events] | None = None,
        domain: str = "",
    ) -> list[ScoredItems]:
        """`recommend` for each user, with its history if `histories` are given."""
        return self.ask(questions.recommend(user_ids, histories, exclude_seen, k, recents, domain))

    def similar(self, item_id: str, k: int = 10, recents: Events = ()) -> ScoredItems:
        """The `k` items most like an item, best first; the item itself is not among them.

        Args:
            item_id: that others are like.
            k: items at most.
            recents: what the user did of late; what was bought a moment ago comes last, as in `recommend`.
        """
        return self.ask(only(questions.similar([item_id], k, [recents])))

    def similar_batch(
        self, item_ids: Sequence[str], k: int = 10, recents: Sequence[Events] | None = None
    ) -> list[ScoredItems]:
        """`similar` for each item."""
        return self.ask(questions.similar(item_ids, k, recents))

    def similar_by_image(self, image: bytes, k: int = 10) -> ScoredItems:
        """The `k` items whose pictures are most like a given one, best first; only of a shop that has pictures.

        Args:
            image: the bytes of a JPEG or PNG; of unknown origin, what `aisle.schema.pictures` makes of them.
            k: items at most.
        """
        return self.ask(only(questions.similar_by_image([image], k)))

    def rank(self, query: str, user_id: str, item_ids: Sequence[str], recents: Events = ()) -> ScoredItems:
        """The score of each item for a query and user, in the order the items came in.

        Args:
            query: "" where there is none.
            user_id: "" is anonymous.
            item_ids: the candidates.
            recents: see `search`.
        """
        return self.ask(only(questions.rank([query], [user_id], [item_ids], [recents])))

    def rank_batch(
        self,
        queries: Sequence[str],
        user_ids: Sequence[str],
        item_ids: Sequence[Sequence[str]],
        recents: Sequence[Events] | None = None,
    ) -> list[ScoredItems]:
        """`rank` for each query with its user and its candidates."""
        return self.ask(questions.rank(queries, user_ids, item_ids, recents))

    def explain(
        self, query: str, item_ids: Sequence[str], user_id: str = "", recents: Events = ()
    ) -> list[Explanation]:
        """Why a search for `query` scores each item as it does, in the order the items came in.

        Args:
            query: as typed; nothing explains the score of an item without one.
            item_ids: what the search found, or missed.
            user_id: "" is anonymous.
            recents: those of the search.
        """
        return self.ask(questions.explain(query, item_ids, user_id, recents))

    def titles(self, item_ids: Sequence[str], version: int | None = None) -> dict[str, str]:
        """The titles of items by their ids, without those that the model doesn't know; see `ScoredItems.version`.

        Args:
            item_ids: of an answer.
            version: the version to ask, whose answer it was: another may hold other items by the same ids.

        Raises:
            RequestRefused: the model is of an older version of `aisle`, whose models tell no titles.
        """
        return self.ask(questions.titles(item_ids, version))

    def cut_off(self, version: int | None = None) -> datetime.datetime | None:
        """The time up to which a version has learnt all events; None where it is of an `aisle` that doesn't tell.

        Args:
            version: the version to ask; None is the one that answers.

        Raises:
            RequestRefused: the model is of an `aisle` whose models tell no titles either.
        """
        return self.ask(questions.cut_off(version))

    def facts(self, item_ids: Sequence[str], version: int | None = None) -> Facts:
        """What filters go by of those of the items that the model knows; arguments and errors are those of `titles`."""
        return self.ask(questions.facts(item_ids, version))

    def sentiment(self, texts: Sequence[str]) -> list[float]:
        """How likely each of some reviews is a good one by its words, between 0 and 1, as the shop's own reviews teach.

        Args:
            texts: of reviews, in any form; an empty one has a score, too.

        Raises:
            RequestRefused: the shop has too few reviews to learn of, or the model is of an older version of `aisle`.
        """
        return self.ask(questions.sentiment(texts))
