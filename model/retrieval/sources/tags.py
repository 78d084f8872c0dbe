"""What an item has in common with what a user took: the Labeler's tags. A number for recommendations alone.

For searches it would only say how much of it a user likes who mostly isn't known: the head learns from those who are.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import tensorflow as tf

from aisle.model.retrieval.sources.source import Arrays, Inputs, Past, Score, TableSource, Tensors


def _build(past: Past) -> Arrays:
    """Each item's tags by number, 0 pads, and how rare each is, of unit length an item: [n, T]; `count` of numbers."""
    held = past.tags.with_columns(
        pl.col("tag").rank("dense").cast(pl.Int32).alias("number"),
        (past.count / pl.len().over("tag")).log().alias("rarity"),
        pl.int_range(pl.len()).over("row").alias("place"),
    )
    width = 1 + int(held["place"].max() or 0)  # type: ignore[arg-type]
    tags, weights = np.zeros([past.count, width], np.int32), np.zeros([past.count, width], np.float32)
    at = (held["row"].to_numpy(), held["place"].to_numpy())
    tags[at], weights[at] = held["number"].to_numpy(), held["rarity"].to_numpy()
    weights /= np.maximum(np.linalg.norm(weights, axis=1, keepdims=True), 1e-9)
    return {"tags": tags, "weights": weights, "count": np.array(1 + tags.max(initial=0), np.int32)}


def _score(inputs: Inputs, kept: Tensors) -> Tensors:
    """The cosine of an item's tags with those of what was taken, which count the less the longer ago it was.

    Searches, whose heads don't read it, aren't kept waiting for it: 0.
    """
    taken, count = inputs.taken, kept["count"]
    segment = taken.owner[:, None] * count + tf.gather(kept["tags"], taken.item)
    worth = tf.gather(kept["weights"], taken.item) * taken.counts["repeat_60"][:, None]
    total = tf.math.unsorted_segment_sum(worth, segment, inputs.batch * count)
    profile = tf.math.l2_normalize(tf.reshape(total, [inputs.batch, count]), 1)
    asking = tf.where(inputs.query == "")
    common = tf.gather(tf.gather_nd(profile, asking), kept["tags"], axis=1)
    alike = tf.reduce_sum(common * kept["weights"], 2)
    shape = tf.cast(tf.stack([inputs.batch, inputs.count]), tf.int64)
    return {"tags": tf.scatter_nd(asking, alike, shape)}


SOURCE = TableSource("tags", (Score("tags", share=True, only="recommendations"),), _score, _build)
