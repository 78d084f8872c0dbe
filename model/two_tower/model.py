"""The two-tower retrieval model: a query and an item meet as vectors of one space."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import tensorflow as tf
import tensorflow_recommenders as tfrs

from aisle.model import tracing  # noqa: F401  Before anything is traced.
from aisle.model.options import TwoTowerOptions
from aisle.model.two_tower.in_batch_softmax import in_batch_softmax

HALF_LIFE_DAYS = 60.0
"""A history item of this age counts half as much as one of today."""


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How many of each thing the vocabularies hold, one place for unknown ones included.

    Example:
        >>> sizes = Sizes(items=3, categories=2, brands=2, users=2, countries=2, text=384)
        >>> ids = tf.keras.layers.Embedding(sizes.items, 8)  # Of two items, and one for all others.
        >>> ids(tf.constant([0, 1, 2])).shape.as_list()
        [3, 8]
    """

    items: int
    categories: int
    brands: int
    users: int
    countries: int
    text: int


class ItemTower(tf.keras.Model):
    """Maps an item's id, text, categories, brand and price to the space.

    Example:
        >>> sizes = Sizes(items=3, categories=2, brands=2, users=2, countries=2, text=4)
        >>> tower = ItemTower(sizes, 8, tf.keras.layers.Embedding(sizes.items, 8))
        >>> category = tf.ragged.constant([[0, 1], []], dtype=tf.int64)
        >>> items = {"item_id": tf.constant([0, 1]), "category": category, "brand": tf.constant([0, 1])}
        >>> vectors = tower({**items, "price": tf.constant([0.5, 0.0]), "text": tf.ones([2, 4])})
        >>> tf.norm(vectors, axis=1).numpy().astype(float).round(3).tolist()
        [1.0, 1.0]
    """

    def __init__(self, sizes: Sizes, width: int, ids: tf.keras.layers.Embedding) -> None:
        super().__init__(name="item_tower")
        self._ids = ids
        self._category = tf.keras.layers.Embedding(sizes.categories + 1, 16)
        self._brand = tf.keras.layers.Embedding(sizes.brands, 16)
        self._text = tf.keras.layers.Dense(width)
        self._out = tf.keras.layers.Dense(width)

    def call(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """Embeds items: `item_id` [n], `category` ragged [n, (c)], `brand` [n], `price` [n],
        `text` float32 [n, text width] to float32 [n, width] of length 1."""
        ids = self._ids(inputs["item_id"])
        category = tf.math.divide_no_nan(
            tf.reduce_sum(self._category(inputs["category"]), 1),
            tf.cast(inputs["category"].row_lengths(), tf.float32)[:, None],
        )
        content = tf.concat(
            [self._text(inputs["text"]), category, self._brand(inputs["brand"]), inputs["price"][:, None]], 1
        )
        return tf.math.l2_normalize(ids + self._out(content), axis=1)


class QueryTower(tf.keras.Model):
    """Maps a user, their history and the query's text to the space; item ids are the item tower's.

    Example:
        >>> sizes = Sizes(items=3, categories=2, brands=2, users=2, countries=2, text=4)
        >>> tower = QueryTower(sizes, 8, tf.keras.layers.Embedding(sizes.items, 8))
        >>> history = tf.ragged.constant([[0, 1], [1, 0], []], dtype=tf.int64)
        >>> taken = {"history": history, "history_weight": tf.ones_like(history, tf.float32)}
        >>> vectors = tower({**taken, "user_id": tf.zeros(3), "country": tf.zeros(3), "text": tf.zeros([3, 4])})
        >>> first, swapped, empty = vectors.numpy()  # Weights say what order doesn't.
        >>> [bool(np.allclose(first, other, atol=1e-5)) for other in (swapped, empty)]
        [True, False]
    """

    def __init__(self, sizes: Sizes, width: int, ids: tf.keras.layers.Embedding) -> None:
        super().__init__(name="query_tower")
        self._ids = ids
        self._user = tf.keras.layers.Embedding(sizes.users, 16)
        self._country = tf.keras.layers.Embedding(sizes.countries, 8)
        self._text = tf.keras.layers.Dense(width)
        self._hidden = tf.keras.layers.Dense(2 * width, activation="gelu")
        self._out = tf.keras.layers.Dense(width)

    def call(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """Embeds queries: float32 [n, width] of length 1.

        Args:
            inputs: `user_id` [n], `country` [n], ragged [n, (h)] `history` and `history_weight` (see `decayed`),
                `text` float32 [n, text width]; or, given `text_row` [n], `text` [m, text width] whose rows it names.
        """
        bag, total = self._history(inputs["history"], inputs["history_weight"])
        text = self._text(inputs["text"])
        if "text_row" in inputs:
            text = tf.gather(text, inputs["text_row"])
        parts = [
            bag,
            tf.math.log1p(total),
            self._user(inputs["user_id"]),
            self._country(inputs["country"]),
            text,
        ]
        return tf.math.l2_normalize(bag + self._out(self._hidden(tf.concat(parts, 1))), axis=1)

    def _history(self, ids: tf.RaggedTensor, weights: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The weighted mean of each row's embeddings, zeros without any, and the sum of its weights.

        Each distinct id is looked up once and a sparse product sums, so that neither this nor its gradient ever holds
        a vector for each place of each history.

        Args:
            ids: ragged int64 [n, (h)].
            weights: ragged float32 [n, (h)].

        Returns:
            float32 [n, width] and [n, 1].
        """
        distinct, place = tf.unique(ids.flat_values)
        row = ids.to_sparse().indices[:, 0]  # Quicker than `value_rowids`.
        matrix = tf.SparseTensor(
            tf.stack([row, tf.cast(place, tf.int64)], 1),
            weights.flat_values,
            [ids.nrows(), tf.size(distinct, tf.int64)],
        )
        total = tf.math.unsorted_segment_sum(weights.flat_values, row, ids.nrows())[:, None]
        return tf.math.divide_no_nan(tf.sparse.sparse_dense_matmul(matrix, self._ids(distinct)), total), total


class TwoTower(tfrs.Model):
    """Both towers, trained by in-batch softmax with the sampling-probability correction.

    Source: Yi et al., Sampling-Bias-Corrected Neural Modeling for Large Corpus Item
    Recommendations, RecSys 2019.

    Example:
        >>> model = TwoTower(Sizes(3, 1, 1, 3, 1, 1), TwoTowerOptions(width=8, unknown=0.0))
        >>> model.compile(tf.keras.optimizers.Adam(0.01))
        >>> two, none, rows = tf.zeros(2), tf.ragged.constant([[], []]), tf.constant([0, 1], tf.int64)
        >>> item = {"item_id": rows, "category": none, "brand": two, "price": two, "text": tf.zeros([2, 1])}
        >>> query = {"user_id": rows, "country": two, "history": none, "history_weight": none, "text": item["text"]}
        >>> batch = {"query": query, "item": item, "place": rows, "count": [1, 1], "probability": [0.5, 0.5]}
        >>> losses = [float(model.train_step(batch)["loss"]) for _ in range(5)]
        >>> losses[-1] < losses[0]
        True
    """

    def __init__(self, sizes: Sizes, options: TwoTowerOptions) -> None:
        super().__init__()
        ids = tf.keras.layers.Embedding(sizes.items, options.width, name="item_ids")
        self.items = ItemTower(sizes, options.width, ids)
        self.queries = QueryTower(sizes, options.width, ids)
        self._temperature = options.temperature
        self._unknown = options.unknown
        self._unknown_id = sizes.items - 1

    def compute_loss(self, inputs: dict[str, Any], training: bool = False) -> tf.Tensor:
        """The softmax loss of a batch of `query` [n] and `item` [m] features.

        Args:
            inputs: the towers' inputs, where each item is there once; `place` [n], the row in `item` of each query's
                own; `count` [m], how many queries have it; `probability` [m] of its being drawn.
            training: whether ids are hidden.
        """
        item = dict(inputs["item"])
        if training:
            hide = tf.random.uniform(tf.shape(item["item_id"])) < self._unknown
            item["item_id"] = tf.where(hide, tf.cast(self._unknown_id, tf.int64), item["item_id"])
        return in_batch_softmax(
            self.queries(inputs["query"]),
            self.items(item),
            inputs["place"],
            inputs["count"],
            inputs["probability"],
            self._temperature,
        )


def decayed(weight: tf.RaggedTensor, age: tf.RaggedTensor) -> tf.RaggedTensor:
    """What a history item counts as, given its weight and its age in days.

    Example:
        >>> counts = decayed(weight=tf.ragged.constant([[2.0, 2.0]]), age=tf.ragged.constant([[0.0, 60.0]]))
        >>> counts.to_tensor().numpy().astype(float).round(3).tolist()
        [[2.0, 1.0]]
    """
    return weight * tf.exp(age * (-math.log(2.0) / HALF_LIFE_DAYS))
