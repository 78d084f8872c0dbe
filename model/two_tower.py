"""The two-tower retrieval model: a query and an item meet as vectors of one space."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf
import tensorflow_recommenders as tfrs

from aisle.model.options import TwoTowerOptions

HALF_LIFE_DAYS = 60.0
"""A history item of this age counts half as much as one of today."""


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How many of each thing the vocabularies hold, one place for unknown ones included."""

    items: int
    categories: int
    brands: int
    users: int
    countries: int
    text: int


class ItemTower(tf.keras.Model):
    """Maps an item's id, text, categories, brand and price to the space."""

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
    """Maps a user, their history and the query's text to the space; item ids are the item tower's."""

    def __init__(self, sizes: Sizes, width: int, ids: tf.keras.layers.Embedding) -> None:
        super().__init__(name="query_tower")
        self._ids = ids
        self._user = tf.keras.layers.Embedding(sizes.users, 16)
        self._country = tf.keras.layers.Embedding(sizes.countries, 8)
        self._text = tf.keras.layers.Dense(width)
        self._hidden = tf.keras.layers.Dense(2 * width, activation="gelu")
        self._out = tf.keras.layers.Dense(width)

    def call(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """Embeds queries: `user_id` [n], `country` [n], `text` float32 [n, text width], ragged
        [n, (h)] `history`, `history_age`, `history_weight` to float32 [n, width] of length 1."""
        weight = inputs["history_weight"] * tf.math.pow(0.5, inputs["history_age"] / HALF_LIFE_DAYS)
        total = tf.reduce_sum(weight, 1)[:, None]
        bag = tf.reduce_sum(self._ids(inputs["history"]) * weight[:, :, None], 1)
        bag = tf.math.divide_no_nan(bag, total)
        parts = [
            bag,
            tf.math.log1p(total),
            self._user(inputs["user_id"]),
            self._country(inputs["country"]),
            self._text(inputs["text"]),
        ]
        return tf.math.l2_normalize(bag + self._out(self._hidden(tf.concat(parts, 1))), axis=1)


class TwoTower(tfrs.Model):
    """Both towers, trained by in-batch softmax with the sampling-probability correction.

    Source: Yi et al., Sampling-Bias-Corrected Neural Modeling for Large Corpus Item
    Recommendations, RecSys 2019.
    """

    def __init__(self, sizes: Sizes, options: TwoTowerOptions) -> None:
        super().__init__()
        ids = tf.keras.layers.Embedding(sizes.items, options.width, name="item_ids")
        self.items = ItemTower(sizes, options.width, ids)
        self.queries = QueryTower(sizes, options.width, ids)
        self._task = tfrs.tasks.Retrieval(temperature=options.temperature, remove_accidental_hits=True)
        self._unknown = options.unknown
        self._unknown_id = sizes.items - 1

    def compute_loss(self, inputs: dict[str, Any], training: bool = False) -> tf.Tensor:
        """The softmax loss of a batch of `query` and `item` features with `probability` [n]
        of each item being drawn and its catalogue `row` [n]."""
        item = dict(inputs["item"])
        if training:
            hide = tf.random.uniform(tf.shape(item["item_id"])) < self._unknown
            item["item_id"] = tf.where(hide, tf.cast(self._unknown_id, tf.int64), item["item_id"])
        return self._task(
            self.queries(inputs["query"]),
            self.items(item),
            candidate_sampling_probability=inputs["probability"],
            candidate_ids=inputs["row"],
            compute_metrics=False,
        )
