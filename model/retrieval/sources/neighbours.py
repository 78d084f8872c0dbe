"""Tables of neighbours: items that go with an item, and what was taken spread over them."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.sources.source import Arrays, Inputs, Tensors

ITEMS, WEIGHTS = "items", "weights"


def neighbours(found: tuple[np.ndarray, np.ndarray], prefix: str = "") -> Arrays:
    """Items by items, as a source keeps them: int32 [n, K], and their weights, float32 [n, K], 0 where there is none."""
    return {prefix + ITEMS: found[0], prefix + WEIGHTS: found[1]}


def spread(inputs: Inputs, kept: Tensors, worth: list[tf.Tensor], prefix: str = "") -> list[tf.Tensor]:
    """Sums over what was taken the weights of its neighbours, times each of `worth` [t]: [b, n] each."""
    taken = inputs.taken
    items, weights = (tf.gather(kept[prefix + name], taken.item) for name in (ITEMS, WEIGHTS))
    values = weights[:, :, None] * tf.stack(worth, 1)[:, None, :]
    segment = taken.owner[:, None] * inputs.count + items
    flat = tf.math.unsorted_segment_sum(
        tf.reshape(values, [-1, len(worth)]), tf.reshape(segment, [-1]), inputs.batch * inputs.count
    )
    return [tf.reshape(flat[:, n], [inputs.batch, inputs.count]) for n in range(len(worth))]
