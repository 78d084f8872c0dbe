"""Tables of a served graph."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def stored(
    values: np.ndarray | list[str], dtype: tf.DType = tf.float32, any_length: bool = False
) -> tf.Variable:
    """A tensor that is saved with the weights: the graph itself, one protocol buffer, can't grow beyond 2 GB.

    Args:
        values: of the tensor.
        dtype: to store them as.
        any_length: whether other values, of another length, may be assigned.

    Example:
        >>> table = stored(np.array([1, 2, 3]), tf.int32, any_length=True)
        >>> _ = table.assign([4, 5])
        >>> table.numpy().tolist(), table.trainable
        ([4, 5], False)
    """
    value = tf.constant(values, dtype)
    shape = tf.TensorShape([None, *value.shape[1:]]) if any_length else None
    return tf.Variable(value, trainable=False, shape=shape)
