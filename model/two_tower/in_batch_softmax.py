"""The in-batch softmax loss over the distinct items of a batch, with its gradient written out."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from aisle.model.training.precision import product

LEAST_PROBABILITY = 1e-6
"""Sampling probabilities below are taken for this, as TFRS does."""
LEAST_SHARE = 1e-37
"""Of the softmax, so that its logarithm is finite; the gradient needs no such bound."""


def in_batch_softmax(
    queries: tf.Tensor,
    items: tf.Tensor,
    place: tf.Tensor,
    count: tf.Tensor,
    probability: tf.Tensor,
    temperature: float,
    mixed: bool = False,
) -> tf.Tensor:
    """The summed cross-entropy of each query with its own item among all items of the batch.

    Equals `tfrs.tasks.Retrieval(temperature=…, remove_accidental_hits=True)` on `items` repeated for each query, given
    their ids and sampling probabilities: an item that stands n times in the batch is a negative n times (its logit
    rises by log n), and no negative of its own queries. The square is smaller by the repeats, needs no mask, and its
    gradient (softmax less one at the own item) is never written out.

    Source: Yi et al., Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations, RecSys 2019.

    Args:
        queries: float32 [n, width].
        items: float32 [m, width], the distinct items of the batch.
        place: int [n], the row in `items` of each query's own item.
        count: int [m], how many queries each item belongs to.
        probability: float32 [m], of each item being drawn into the batch.
        temperature: divides the products.
        mixed: whether queries and items are multiplied in bfloat16.

    Returns:
        float32 [], a query's part at most 85, differentiable exactly by queries and items.

    Example:
        >>> vectors, place, once = tf.eye(2), tf.constant([0, 1]), tf.constant([1, 1])
        >>> loss = in_batch_softmax(vectors, vectors, place, once, tf.constant([0.5, 0.5]), temperature=1.0)
        >>> round(float(loss), 3)  # Twice -log(e / (e + 1)).
        0.627
    """
    own = tf.stack([tf.range(tf.size(place), dtype=place.dtype), place], 1)
    often = tf.math.log(tf.cast(count, tf.float32))
    correction = (often - tf.math.log(tf.clip_by_value(probability, LEAST_PROBABILITY, 1.0)))[:, None]

    @tf.custom_gradient
    def loss(queries: tf.Tensor, items: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        # The correction is one more column of the product, which saves a pass over the square.
        left = tf.concat([queries / temperature, tf.ones_like(queries[:, :1])], 1)
        logits = product(left, tf.concat([items, correction], 1), mixed, transpose_b=True)
        share = tf.nn.softmax(tf.tensor_scatter_nd_sub(logits, own, tf.gather(often, place)))

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            scale = upstream / temperature
            by_query = product(share, items, mixed) - tf.gather(items, place)
            mine = tf.math.unsorted_segment_sum(queries, place, tf.shape(items)[0])
            by_item = product(share, queries, mixed, transpose_a=True)
            return scale * by_query, scale * (by_item - mine)

        return -tf.reduce_sum(tf.math.log(tf.maximum(tf.gather_nd(share, own), LEAST_SHARE))), gradient

    return loss(queries, items)
