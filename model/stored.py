"""Tables of a graph, made without holding them several times on the way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

_AT_ONCE = 16_777_216
"""Bytes that are copied at once."""


def tensor(values: npt.NDArray[Any] | list[str], dtype: tf.DType | None = None) -> tf.Tensor:
    """A tensor of anything: numbers as `tensor_of` holds them.

    Example:
        >>> tensor(["mug"]).numpy().tolist(), tensor(np.array([1.0, 2.0])).numpy().tolist()
        ([b'mug'], [1.0, 2.0])
    """
    if isinstance(values, np.ndarray) and values.ndim and values.dtype.kind in "fiu":
        return tensor_of(values, dtype)
    return tf.constant(values, dtype)


def tensor_of(values: npt.NDArray[Any], dtype: tf.DType | None = None) -> tf.Tensor:
    """A tensor of a large array of numbers, copied once, a block after the other: `tf.constant` holds it three times.

    Args:
        values: of the tensor, at least one axis.
        dtype: of the tensor; None keeps that of the array.

    Example:
        >>> tensor_of(np.array([[1, 2], [3, 4]]), tf.float32).numpy().tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    step = max(1, _AT_ONCE // max(values[:1].nbytes, 1))
    blocks = (values[start : start + step] for start in range(0, len(values), step))
    return filled(values.shape, tf.as_dtype(values.dtype) if dtype is None else dtype, blocks)


def filled(
    shape: tuple[int, ...], dtype: tf.DType, blocks: Iterable[npt.NDArray[Any] | tf.Tensor]
) -> tf.Tensor:
    """A tensor of blocks of rows that come one after the other, each held while it is copied alone.

    Args:
        shape: of the tensor, at least one axis.
        dtype: of the tensor.
        blocks: all of its rows in order, [m, …] each.

    Example:
        >>> filled((3, 1), tf.float32, [np.array([[1.0], [2.0]]), np.array([[3.0]])]).numpy().tolist()
        [[1.0], [2.0], [3.0]]
    """
    found, start = tf.Variable(tf.zeros(shape, dtype), trainable=False), 0
    for values in blocks:
        block = tf.constant(values, dtype)
        found.scatter_update(tf.IndexedSlices(block, tf.range(start, start + len(block))))
        start += len(block)
    return taken_out(found)


def taken_out(variable: tf.Variable) -> tf.Tensor:
    """What a variable holds that was filled row by row and is done with: after such, a read would copy all of it.

    Example:
        >>> variable = tf.Variable([0.0, 0.0])
        >>> _ = variable.scatter_update(tf.IndexedSlices(tf.constant([3.0]), tf.constant([1])))
        >>> taken_out(variable).numpy().tolist()
        [0.0, 3.0]
    """
    tf.raw_ops.DisableCopyOnRead(resource=variable.handle)
    return tf.convert_to_tensor(variable)


def put(variable: tf.Variable, values: npt.NDArray[Any] | list[str]) -> None:
    """Has a variable hold other values, as `assign` does, also where it holds none of its shape now.

    Args:
        variable: of `stored`.
        values: of its shape.

    Raises:
        ValueError: they are of another shape.

    Example:
        >>> table = stored(np.array([1.0, 2.0]))
        >>> put(table, np.array([3.0, 4.0]))
        >>> table.numpy().tolist()
        [3.0, 4.0]
    """
    value = tensor(values, variable.dtype)
    variable.shape.assert_is_compatible_with(value.shape)
    tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)


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
    value = tensor(values, dtype)
    shape = tf.TensorShape([None, *value.shape[1:]]) if any_length else None
    return tf.Variable(value, trainable=False, shape=shape)
