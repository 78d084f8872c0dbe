"""Tables of a served graph."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def stored(values: np.ndarray | list[str], dtype: tf.DType = tf.float32) -> tf.Variable:
    """A tensor that is saved with the weights: the graph itself, one protocol buffer, can't grow beyond 2 GB."""
    return tf.Variable(tf.constant(values, dtype), trainable=False)
