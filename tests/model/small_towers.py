"""A catalogue of thirty items and four queries, as the two-tower reads them."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.two_tower.inputs import Catalogue, Queries
from aisle.model.two_tower.model import Sizes

SIZES = Sizes(items=31, categories=3, brands=4, users=6, countries=3, text=5)


def catalogue(items: int = 30) -> Catalogue:
    draw = np.random.default_rng(0)
    lengths = draw.integers(0, 3, items)
    return Catalogue(
        tf.constant([f"i{n}" for n in range(items)]),
        {
            "item_id": tf.range(items, dtype=tf.int64),
            "category": tf.RaggedTensor.from_row_lengths(draw.integers(0, 3, lengths.sum()), lengths),
            "brand": tf.constant(draw.integers(0, 4, items)),
            "price": tf.constant(draw.normal(size=items), tf.float32),
            "text": tf.constant(draw.normal(size=(items, 5)), tf.float32),
        },
    )


def queries() -> Queries:
    history = tf.ragged.constant([[1, 2, 2], [], [7], [30, 3]], dtype=tf.int64)
    return Queries(
        {
            "user_id": tf.constant([0, 1, 2, 5], tf.int64),
            "country": tf.constant([0, 1, 2, 0], tf.int64),
            "history": history,
            "history_weight": history.with_values(tf.constant([1.0, 2.0, 0.5, 1.0, 3.0, 1.0])),
        },
        tf.constant(np.random.default_rng(1).normal(size=(2, 5)), tf.float32),
        tf.constant([0, 1, 0, 0], tf.int64),
        tf.ragged.constant([[3, 4], [5], [3], [9, 9, 1]], dtype=tf.int64),
        np.array([90.0, 30.0, 150.0, 90.0], np.float32),
    )
