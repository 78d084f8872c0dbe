"""Tables of neighbours: items that go with an item, and what was taken spread over them."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.sources.source import Arrays, Inputs, Tensors

PLACES, ITEMS, WEIGHTS = "places", "items", "weights"


def neighbours(found: tuple[np.ndarray, np.ndarray], prefix: str = "") -> Arrays:
    """Items by items, as a source keeps them: most items of a large catalogue have none, which take no row.

    Args:
        found: neighbours of each item, int32 [n, K], and their weights, float32 [n, K], 0 where there is none.
        prefix: of the names.

    Returns:
        `places`: the row of each item in the other two, int32 [n]; `items`, int32 [m, K], and `weights`, float32 [m, K],
        of those that have neighbours, behind a row of none.

    Example:
        >>> kept = neighbours((np.array([[0], [2], [1]], np.int32), np.array([[0.0], [0.5], [0.5]], np.float32)))
        >>> kept["places"].tolist(), kept["items"].tolist(), kept["weights"].tolist()
        ([0, 1, 2], [[0], [2], [1]], [[0.0], [0.5], [0.5]])
    """
    items, weights = found
    some = weights.any(1)
    return {
        prefix + PLACES: np.where(some, np.cumsum(some), 0).astype(np.int32),
        prefix + ITEMS: np.concatenate([np.zeros((1, items.shape[1]), np.int32), items[some]]),
        prefix + WEIGHTS: np.concatenate([np.zeros((1, items.shape[1]), np.float32), weights[some]]),
    }


def may_grow(name: str) -> bool:
    """Whether a table that a source keeps may have more rows as of another moment."""
    return name.endswith((ITEMS, WEIGHTS))


def spread(inputs: Inputs, kept: Tensors, worth: list[tf.Tensor], prefix: str = "") -> list[tf.Tensor]:
    """Sums over what was taken the weights of its neighbours, times each of `worth` [t]: [b, n] each."""
    taken = inputs.taken
    place = tf.gather(kept[prefix + PLACES], taken.item)
    items, weights = (tf.gather(kept[prefix + name], place) for name in (ITEMS, WEIGHTS))
    values = weights[:, :, None] * tf.stack(worth, 1)[:, None, :]
    segment = taken.owner[:, None] * inputs.count + items
    flat = tf.math.unsorted_segment_sum(
        tf.reshape(values, [-1, len(worth)]), tf.reshape(segment, [-1]), inputs.batch * inputs.count
    )
    return [tf.reshape(flat[:, n], [inputs.batch, inputs.count]) for n in range(len(worth))]
