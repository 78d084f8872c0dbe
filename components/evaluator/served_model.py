"""A SavedModel's signatures as functions of Python values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
import tensorflow_text  # noqa: F401  Its ops must be registered before a model with BERT is loaded.

from aisle.components.evaluator.measures.metrics import Floats
from aisle.components.evaluator.measures.systems import Recommend
from aisle.components.saved_model import call_signature
from aisle.schema.contract import ITEM_IDS, RANK, SCORES, SEARCH

_CANDIDATES = 64  # Items to a row that a batch is sized for; longer rows go in smaller batches.


class ServedModel:
    """The signatures of a SavedModel, called in batches with Python values."""

    def __init__(self, path: str, batch: int) -> None:
        """Loads the model at `path`; `batch` users or queries go to a call."""
        self._model = tf.saved_model.load(path)
        self._batch = batch

    def _call(self, name: str, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return call_signature(self._model, name, inputs)

    def recommend(self, name: str, histories: Sequence[list[str]] | None = None) -> Recommend:
        """Returns the signature `name` (`recommend` or `retrieve`) as a function of users.

        Args:
            name: of the signature.
            histories: what each of the users took, oldest first, in the order they are asked; None lets
                the model take what it knows.
        """
        longest = max((len(history) for history in histories or ()), default=0)

        def call(users: list[str], exclude_seen: bool, k: int) -> pa.Array:
            # A row of pads only: the history the model knows.
            given = [history + [""] * (longest - len(history)) for history in histories or ()]
            given = given if longest else [[""]] * len(users)
            answers = [
                self._call(
                    name,
                    user_id=_strings(users[start : start + self._batch]),
                    history=_strings(given[start : start + self._batch]),
                    exclude_seen=tf.constant(exclude_seen),
                    k=tf.constant(k, tf.int32),
                )
                for start in range(0, len(users), self._batch)
            ]
            return _item_ids(answers)

        return call

    def search(self, queries: list[str], users: list[str], k: int) -> pa.Array:
        """Returns `k` item ids for each (query, user), flat, row after row; "" is an empty place."""
        answers = [
            self._call(
                SEARCH.name,
                query=_strings(queries[start : start + self._batch]),
                user_id=_strings(users[start : start + self._batch]),
                k=tf.constant(k, tf.int32),
            )
            for start in range(0, len(queries), self._batch)
        ]
        return _item_ids(answers)

    def rank(self, queries: list[str], item_ids: list[list[str]]) -> list[Floats]:
        """Returns the scores of each query's items, for nobody in particular."""
        longest = max((len(ids) for ids in item_ids), default=0)
        batch = max(1, self._batch * _CANDIDATES // max(longest, _CANDIDATES))
        scores: list[Floats] = []
        for start in range(0, len(queries), batch):
            rows = item_ids[start : start + batch]
            padded = [ids + [""] * (longest - len(ids)) for ids in rows]
            asked = queries[start : start + batch]
            answer = self._call(
                RANK.name,
                query=_strings(asked),
                user_id=_strings([""] * len(asked)),
                item_ids=_strings(padded),
            )[SCORES].numpy()
            scores += [np.asarray(row[: len(ids)], np.float64) for row, ids in zip(answer, rows, strict=True)]
        return scores


def _strings(values: list[Any]) -> tf.Tensor:
    return tf.constant(values, tf.string)


def _item_ids(answers: list[dict[str, tf.Tensor]]) -> pa.Array:
    """The answers' item ids, flat, as strings."""
    flat = [answer[ITEM_IDS].numpy().ravel() for answer in answers]
    return pa.array(np.concatenate([np.empty(0, object), *flat]), pa.binary()).cast(pa.string())
