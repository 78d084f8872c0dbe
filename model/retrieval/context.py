"""A batch of questions, with what every source says of every item."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from aisle.model.retrieval.index import Asked
from aisle.model.retrieval.recent.events import Recent


@dataclasses.dataclass(frozen=True)
class Context:
    """A batch of questions.

    Example:
        >>> query, nobody, history = tf.constant(["Mugs"]), tf.constant([""]), tf.constant([["rope"]])
        >>> context = bundle.retriever.context(query, nobody, history)
        >>> context.query.numpy().tolist(), context.history[0, -2:].numpy().tolist()  # The rope is item 8.
        ([b'mugs'], [-1, 8])
        >>> context.scores["lexical"].shape.as_list(), sorted(context.dense)
        ([1, 10], ['dense', 'two_tower'])

    Attributes:
        query: as it was read, string [b].
        history: item rows, -1 pads in front, [b, HISTORY_LENGTH].
        scores: of every item by name, float32 [b, n].
        dense: the indexes of vectors, asked, by the name of their score.
        vectors: what they were asked, float32 [b, d] by the same name.
        user: USER_NUMBERS, float32 [b, U].
        recent: what each did of late.
    """

    query: tf.Tensor
    history: tf.Tensor
    scores: dict[str, tf.Tensor]
    dense: dict[str, Asked]
    vectors: dict[str, tf.Tensor]
    user: tf.Tensor
    recent: Recent
