"""TF-Transform's preprocessing: raw tower features to vocabulary indices and scaled numbers."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from aisle.schema import features as f

ITEM_VOCABULARY = "items"
"""Item ids that were taken before the test; every other item shares the out-of-vocabulary index."""
CATEGORY_VOCABULARY = "categories"
BRAND_VOCABULARY = "brands"
USER_VOCABULARY = "users"
COUNTRY_VOCABULARY = "countries"


def preprocessing_fn(inputs: dict[str, tf.SparseTensor]) -> dict[str, Any]:
    """Transforms a batch of tower examples; an item lacks the query's features and the reverse.

    Args:
        inputs: a sparse tensor for each of `TOWER_FEATURES`.

    Returns:
        Dense int64 [n] `item_id`, `brand`, `user_id`, `country` (the vocabulary's size where unknown),
        dense float32 [n] `price` and `query_age`, sparse `category`, `history`, `history_age`, `history_weight`,
        sparse strings `targets`, dense strings `item`, `title`, `description` and `query`.
    """
    items = tft.vocabulary(inputs[f.TARGETS.name], vocab_filename=ITEM_VOCABULARY)

    def one(feature: f.Feature) -> tf.Tensor:
        return _dense(inputs[feature.name], b"" if feature.dtype is f.Dtype.BYTES else 0.0)

    def index(feature: f.Feature, name: str, threshold: int | None = None) -> tf.Tensor:
        present = tft.vocabulary(inputs[feature.name], vocab_filename=name, frequency_threshold=threshold)
        return tft.apply_vocabulary(one(feature), present, num_oov_buckets=1)

    price = inputs[f.PRICE.name]
    logged = tf.SparseTensor(price.indices, tf.math.log1p(tf.maximum(price.values, 0.0)), price.dense_shape)
    categories = tft.vocabulary(inputs[f.CATEGORY.name], vocab_filename=CATEGORY_VOCABULARY)
    return {
        "item_id": tft.apply_vocabulary(one(f.ITEM_ID), items, num_oov_buckets=1),
        "category": tft.apply_vocabulary(inputs[f.CATEGORY.name], categories, num_oov_buckets=1),
        "brand": index(f.BRAND, BRAND_VOCABULARY),
        "price": _dense(tft.scale_to_z_score(logged), 0.0),
        "user_id": index(f.USER_ID, USER_VOCABULARY, threshold=2),
        "country": index(f.COUNTRY, COUNTRY_VOCABULARY),
        "query_age": _dense(inputs[f.QUERY_AGE.name], 0.0),
        "history": tft.apply_vocabulary(inputs[f.HISTORY.name], items, num_oov_buckets=1),
        "history_age": inputs[f.HISTORY_AGE.name],
        "history_weight": inputs[f.HISTORY_WEIGHT.name],
        "item": one(f.ITEM_ID),
        "title": one(f.TITLE),
        "description": one(f.DESCRIPTION),
        "query": one(f.QUERY),
        "targets": inputs[f.TARGETS.name],
    }


def _dense(sparse: tf.SparseTensor, default: object) -> tf.Tensor:
    """The one value of each row, or the default: [n, at most 1] to [n]."""
    shaped = tf.SparseTensor(sparse.indices, sparse.values, [sparse.dense_shape[0], 1])
    return tf.squeeze(tf.sparse.to_dense(shaped, default_value=default), axis=1)
