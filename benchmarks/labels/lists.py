"""What heads are asked to order: candidates with their numbers, made once for all heads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from aisle.model.retrieval.retriever import Retriever
from aisle.model.retrieval.sources import offers
from benchmarks.shared.served import BATCH

DEPTH = 250
Scorer = Callable[[tf.Tensor], tf.Tensor]
"""Numbers float32 [n, F] to scores [n]."""


@dataclasses.dataclass(frozen=True)
class Lists:
    """Candidates of some questions.

    Attributes:
        rows: of the catalogue, -1 pads: int32 [q, m].
        numbers: float32 [q, m, F].
    """

    rows: npt.NDArray[np.int32]
    numbers: npt.NDArray[np.float32]

    def ordered(self, score: Scorer) -> npt.NDArray[np.int32]:
        """The rows, best first: int32 [q, m]."""
        scores = np.concatenate(
            [
                score(tf.constant(part.reshape(-1, part.shape[-1]))).numpy()
                for part in np.array_split(self.numbers, -(-len(self.numbers) // BATCH))
            ]
        ).reshape(self.rows.shape)
        order = np.argsort(np.where(self.rows >= 0, -scores, np.inf), axis=1, kind="stable")
        return np.take_along_axis(self.rows, order, 1)


class Asking:
    """A retriever as of a moment, asked as the served model asks it."""

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever
        self._found = tf.function(self._find, reduce_retracing=True)
        self._numbers = tf.function(self._given, reduce_retracing=True)

    def recommend(self, users: list[str], exclude_seen: bool) -> Lists:
        """What is found for users."""
        return self._batches(
            lambda part: self._found(*part, tf.constant(exclude_seen)), [""] * len(users), users
        )

    def search(self, queries: list[str]) -> Lists:
        """What is found for queries that nobody known asks."""
        none = tf.constant(False)
        return self._batches(lambda part: self._found(*part, none), queries, [""] * len(queries))

    def shown(self, queries: list[str], users: list[str], items: list[list[str]]) -> Lists:
        """The items that were shown."""
        ids = tf.ragged.constant(items, dtype=tf.string).to_tensor("")
        rows = self._retriever.items.lookup(ids)
        return self._batches(lambda part: (part[2], self._numbers(*part)), queries, users, rows.numpy())

    def _batches(self, ask: Callable[[list[tf.Tensor]], Any], *columns: Any) -> Lists:
        parts = [
            [value.numpy() for value in ask([tf.constant(c[start : start + BATCH]) for c in columns])]
            for start in range(0, len(columns[0]), BATCH)
        ]
        return Lists(*(np.concatenate(values) for values in zip(*parts, strict=True)))

    def _find(
        self, query: tf.Tensor, user: tf.Tensor, exclude_seen: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        context = self._retriever.context(query, user, tf.zeros([tf.shape(query)[0], 0], tf.string))
        exclude = self._retriever.seen(context) & exclude_seen
        recommended = self._retriever.candidates(context, offers("recommend"), exclude)
        searched = self._retriever.fuse(context, offers("search"), exclude)
        fused = tf.where((query != "")[:, None], searched, recommended)
        top = tf.math.top_k(fused, min(DEPTH, self._retriever.count))
        return tf.where(top.values > 0, top.indices, -1), self._retriever.features(context, top.indices)

    def _given(self, query: tf.Tensor, user: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        context = self._retriever.context(query, user, tf.zeros([tf.shape(query)[0], 0], tf.string))
        return self._retriever.features(context, tf.maximum(rows, 0))
