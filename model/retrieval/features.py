"""The numbers of a candidate, which the ranking head reads: one graph makes them offline and served."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.context import Context
from aisle.model.retrieval.recent.just_now import JUST_NOW, just_now
from aisle.model.retrieval.sources import scores, vector_sources
from aisle.model.retrieval.sources.source import Tensors
from aisle.model.retrieval.state import ITEM_NUMBERS, USER_NUMBERS
from aisle.schema.features import Dtype, Feature

_OF_BOTH = ("gap", "overdue", "order_share")
"""What this user did with this item, for this user: days between, how overdue it is, in which share of orders."""
_OF_THE_ITEM = (*ITEM_NUMBERS, "price_level")
_LOGGED = (
    *JUST_NOW,
    *("count", "last", "first", "gap", "item_last", "item_first"),
    *("user_orders", "user_orders_60", "user_items", "user_basket", "user_last", "user_first"),
)
"""Long-tailed numbers, of which the head reads the logarithm."""

CANDIDATE_FEATURES = tuple(
    Feature(name, Dtype.FLOAT)
    for name in (
        # What each source says of the item, as it is and as a share of the best item's.
        *(score.name for score in scores() if score.number),
        *(f"{source.name}_near" for source in vector_sources() if source.neighbours),
        *(f"{score.name}_share" for score in scores() if score.share),
        *_OF_BOTH,
        *JUST_NOW,
        *_OF_THE_ITEM,
        # The user, and whether they search.
        *USER_NUMBERS,
        "searched",
    )
)
"""Numbers about a query with a candidate, in their order; the sources say which."""


def candidate_numbers(
    context: Context, rows: tf.Tensor, item_numbers: Tensors, near: Tensors, beside: bool
) -> tf.Tensor:
    """The candidates' numbers, in the order of CANDIDATE_FEATURES.

    Args:
        context: of b questions.
        rows: candidates, int32 [b, m].
        item_numbers: ITEM_NUMBERS and `price_level` by name, float32 [n] each.
        near: `NAME_near` of each vector source that has neighbours, float32 [b, m] each.
        beside: whether what may count beside the head of recommendations is known; see `Score`.

    Returns:
        float32 [b, m, F], NaN where unknown.
    """
    named = {name: tf.gather(values, rows, batch_dims=1) for name, values in context.scores.items()}
    named |= {name: asked.of(rows) for name, asked in context.dense.items()}
    searched = (context.query != "")[:, None]
    for score in scores():
        if score.share:
            best = tf.reduce_max(context.scores[score.name], 1)[:, None]
            named[f"{score.name}_share"] = tf.math.divide_no_nan(named[score.name], tf.maximum(best, 0.0))
        if score.beside and not beside:
            named[score.name] = tf.where(searched, named[score.name], np.nan)
        if score.only:
            read = searched if score.only == "searches" else ~searched
            for name in {score.name, f"{score.name}_share"} & set(named):
                named[name] = tf.where(read, named[name], np.nan)
    named |= near
    recent, nothing = context.recent, dict.fromkeys(JUST_NOW, tf.fill(tf.shape(rows), np.nan))
    named |= recent.joined(lambda: just_now(recent, rows), nothing)
    named |= {name: tf.gather(values, rows) for name, values in item_numbers.items()}
    one = tf.ones_like(named["count"])
    user = {name: context.user[:, n, None] * one for n, name in enumerate(USER_NUMBERS)}
    count, last, first = named["count"], named["last"], named["first"]
    gap = tf.where(count > 1, (first - last) / tf.maximum(count - 1, 1), 0.0)
    named |= {
        "gap": gap,
        "overdue": tf.where(count > 1, tf.clip_by_value(last / tf.maximum(gap, 1.0), 0.0, 10.0), -1.0),
        "order_share": count / tf.maximum(user["user_orders"], 1.0),
        "searched": tf.cast(searched, tf.float32) * one,
        **user,
    }
    for name in _LOGGED:
        named[name] = tf.math.log1p(named[name])
    return tf.stack([named[feature.name] for feature in CANDIDATE_FEATURES], -1)
