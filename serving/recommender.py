"""The questions a served model answers, typed; the client and the local model share them."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, overload

import numpy as np

from aisle.schema.contract import (
    EXPLAIN,
    FILTERED_SEARCH,
    ITEM_IDS,
    RANK,
    RECOMMEND,
    SCORES,
    SEARCH,
    SIMILAR,
    Signature,
)
from aisle.schema.errors import InputError
from aisle.serving.errors import BadAnswer
from aisle.serving.explanation import Explanation, output_shapes, read_explanations
from aisle.serving.filters import FACET_NAMES, Facets, Filters, read_facets

Tensors = Mapping[str, np.ndarray]
MAX_K = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class ScoredItem:
    """An item and the model's score for it; higher is better."""

    item_id: str
    score: float


@dataclasses.dataclass(frozen=True)
class FilteredItems:
    """A search's best items, best first, and the facets of all that it found."""

    items: tuple[ScoredItem, ...]
    facets: Facets


class Recommender(abc.ABC):
    """Searches, recommends, and ranks by one model.

    Each question has a form for one request and one for a batch (`…_batch`), which is answered by one
    call of the model. Unknown users, items and queries have an answer, which may be empty. All raise
    InputError for a wrong argument, and ServingError where the model fails.
    """

    @abc.abstractmethod
    def predict(self, signature: Signature, inputs: Tensors) -> dict[str, np.ndarray]:
        """The model's outputs for inputs of the signature's names, dtypes and shapes."""

    @overload
    def search(
        self, query: str, user_id: str = "", k: int = 10, filters: None = None
    ) -> list[ScoredItem]: ...

    @overload
    def search(self, query: str, user_id: str = "", k: int = 10, *, filters: Filters) -> FilteredItems: ...

    def search(
        self, query: str, user_id: str = "", k: int = 10, filters: Filters | None = None
    ) -> list[ScoredItem] | FilteredItems:
        """The best items for a query, best first.

        Args:
            query: as typed.
            user_id: "" is anonymous.
            k: items at most.
            filters: searches among the items that pass alone, and counts what it finds by category and brand;
                an empty query lists all that pass by popularity. Empty filters ask for the counts alone.
        """
        if filters is None:
            return self.search_batch([query], [user_id], k)[0]
        inputs = {
            "query": _strings("queries", [query]),
            "user_id": _strings("user_ids", [user_id]),
            **filters.tensors(),
            "k": _count(k),
        }
        outputs = self.predict(FILTERED_SEARCH, inputs)
        return FilteredItems(tuple(_items(outputs, 1, k)[0]), _facets(outputs))

    def search_batch(
        self, queries: Sequence[str], user_ids: Sequence[str] | None = None, k: int = 10
    ) -> list[list[ScoredItem]]:
        """`search` for each query, with its user if `user_ids` are given."""
        inputs = {
            "query": _strings("queries", queries),
            "user_id": _strings("user_ids", _as_many(user_ids, queries, "user_ids", "queries")),
            "k": _count(k),
        }
        return self._lists(SEARCH, inputs, len(queries))

    def recommend(
        self, user_id: str, history: Sequence[str] = (), exclude_seen: bool = False, k: int = 10
    ) -> list[ScoredItem]:
        """The best items for a user, best first.

        Args:
            user_id: "" is anonymous.
            history: item ids, oldest first; empty is the history known when the model was trained.
            exclude_seen: leaves out the items of the history.
            k: items at most.
        """
        return self.recommend_batch([user_id], [history], exclude_seen, k)[0]

    def recommend_batch(
        self,
        user_ids: Sequence[str],
        histories: Sequence[Sequence[str]] | None = None,
        exclude_seen: bool = False,
        k: int = 10,
    ) -> list[list[ScoredItem]]:
        """`recommend` for each user, with its history if `histories` are given."""
        inputs = {
            "user_id": _strings("user_ids", user_ids),
            "history": _padded("histories", _as_many(histories, user_ids, "histories", "user_ids", ())),
            "exclude_seen": np.array(bool(exclude_seen)),
            "k": _count(k),
        }
        return self._lists(RECOMMEND, inputs, len(user_ids))

    def similar(self, item_id: str, k: int = 10) -> list[ScoredItem]:
        """The `k` items most like an item, best first; the item itself is not among them."""
        return self.similar_batch([item_id], k)[0]

    def similar_batch(self, item_ids: Sequence[str], k: int = 10) -> list[list[ScoredItem]]:
        """`similar` for each item."""
        inputs = {"item_id": _strings("item_ids", item_ids), "k": _count(k)}
        return self._lists(SIMILAR, inputs, len(item_ids))

    def rank(self, query: str, user_id: str, item_ids: Sequence[str]) -> list[ScoredItem]:
        """The score of each item for a query and user, in the order the items came in.

        Args:
            query: "" where there is none.
            user_id: "" is anonymous.
            item_ids: the candidates.
        """
        return self.rank_batch([query], [user_id], [item_ids])[0]

    def rank_batch(
        self, queries: Sequence[str], user_ids: Sequence[str], item_ids: Sequence[Sequence[str]]
    ) -> list[list[ScoredItem]]:
        """`rank` for each query with its user and its candidates."""
        candidates = _as_many(item_ids, queries, "item_ids", "queries")
        inputs = {
            "query": _strings("queries", queries),
            "user_id": _strings("user_ids", _as_many(user_ids, queries, "user_ids", "queries")),
            "item_ids": _padded("item_ids", candidates),
        }
        if not inputs["item_ids"].size:
            return [[] for _ in queries]
        scores = _output(self.predict(RANK, inputs), SCORES, inputs["item_ids"].shape)
        # Not strict: behind a shorter row's scores are those of its padding.
        return [
            [ScoredItem(item, float(score)) for item, score in zip(row, row_scores, strict=False)]
            for row, row_scores in zip(candidates, scores, strict=True)
        ]

    def explain(self, query: str, item_ids: Sequence[str], user_id: str = "") -> list[Explanation]:
        """Why a search for `query` scores each item as it does, in the order the items came in.

        Args:
            query: as typed; nothing explains the score of an item without one.
            item_ids: what the search found, or missed.
            user_id: "" is anonymous.
        """
        inputs = {
            "query": _strings("query", [query]),
            "user_id": _strings("user_id", [user_id]),
            "item_ids": _padded("item_ids", [item_ids]),
        }
        if not item_ids:
            return []
        outputs = self.predict(EXPLAIN, inputs)
        shapes = output_shapes(outputs, len(item_ids))
        return read_explanations(
            item_ids, {name: _output(outputs, name, shape) for name, shape in shapes.items()}
        )

    def _lists(self, signature: Signature, inputs: Tensors, rows: int) -> list[list[ScoredItem]]:
        """The answered items of each row, without the empty places."""
        if not rows:
            return []
        return _items(self.predict(signature, inputs), rows, int(inputs["k"]))


def _items(outputs: Tensors, rows: int, k: int) -> list[list[ScoredItem]]:
    ids, scores = _output(outputs, ITEM_IDS, (rows, k)), _output(outputs, SCORES, (rows, k))
    return [
        [
            ScoredItem(item.decode(errors="replace"), float(score))
            for item, score in zip(*row, strict=True)
            if item
        ]
        for row in zip(ids, scores, strict=True)
    ]


def _facets(outputs: Tensors) -> Facets:
    """The facets of the one request."""
    read = []
    for name, counts in FACET_NAMES:
        found = outputs.get(name)
        shape = (1, found.shape[-1] if found is not None and found.ndim else 0)
        read.append(read_facets(_output(outputs, name, shape)[0], _output(outputs, counts, shape)[0]))
    return Facets(*read)


def _output(outputs: Tensors, name: str, shape: tuple[int, ...]) -> np.ndarray:
    found = outputs.get(name)
    if found is None or found.shape != shape:
        came = "is missing" if found is None else f"has shape {list(found.shape)}"
        raise BadAnswer(f"the model's answer is not of the contract: {name!r} {came}; expected {list(shape)}")
    return found


def _strings(name: str, values: Sequence[str]) -> np.ndarray:
    """Strings as an object array of UTF-8 `[n]`."""
    if isinstance(values, (str, bytes)):
        raise InputError(f"{name} is one string; expected a sequence of strings")
    encoded = np.empty(len(values), object)
    encoded[:] = [_utf8(name, value) for value in values]
    return encoded


def _utf8(name: str, value: Any) -> bytes:
    if not isinstance(value, str):
        raise InputError(f"{name} holds {value!r}; expected text")
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise InputError(f"{name} holds {value!r}, which is not UTF-8 text") from None


def _padded(name: str, rows: Sequence[Sequence[str]]) -> np.ndarray:
    """Rows of strings as an object array `[b, longest]`, "" behind the shorter ones."""
    encoded = [_strings(name, row) for row in rows]
    padded = np.full((len(rows), max(map(len, encoded), default=0)), b"", object)
    for row, values in zip(padded, encoded, strict=True):
        row[: len(values)] = values
    return padded


def _as_many(values: Any, others: Sequence[Any], name: str, other: str, empty: Any = "") -> Sequence[Any]:
    """`values`, or as many empty ones as there are `others`."""
    if values is None:
        return [empty] * len(others)
    if len(values) != len(others):
        raise InputError(f"{len(values)} {name} came with {len(others)} {other}; expected as many")
    return list(values) if not isinstance(values, (str, bytes)) else values


def _count(k: int) -> np.ndarray:
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 0 <= k <= MAX_K:
        raise InputError(f"k is {k!r}; expected a whole number from 0 to {MAX_K}")
    return np.array(k, np.int32)
