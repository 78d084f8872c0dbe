"""NumPy arrays to `TensorProto` and back, as `tf.make_tensor_proto` and `tf.make_ndarray` do it."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from aisle.serving.wire import messages_pb2


@dataclasses.dataclass(frozen=True)
class _Kind:
    """A numeric dtype: its number on the wire, and the field that holds values one by one."""

    number: int
    dtype: np.dtype
    field: str


# TensorFlow writes `tensor_content` in the machine's byte order, which is little-endian wherever it runs.
_NUMERIC = (
    _Kind(messages_pb2.DT_FLOAT, np.dtype("<f4"), "float_val"),
    _Kind(messages_pb2.DT_DOUBLE, np.dtype("<f8"), "double_val"),
    _Kind(messages_pb2.DT_INT32, np.dtype("<i4"), "int_val"),
    _Kind(messages_pb2.DT_INT64, np.dtype("<i8"), "int64_val"),
    _Kind(messages_pb2.DT_BOOL, np.dtype("?"), "bool_val"),
)


def to_proto(array: np.ndarray) -> messages_pb2.TensorProto:
    """Encodes an array.

    Args:
        array: any shape; float32, float64, int32, int64, bool, or object (every element `bytes`).

    Raises:
        TypeError: another dtype, or an object that is not bytes.
    """
    shape = messages_pb2.TensorShapeProto(
        dim=[messages_pb2.TensorShapeProto.Dim(size=size) for size in array.shape]
    )
    if array.dtype == object:
        # protobuf raises TypeError itself for what is not bytes, but would encode a str.
        values = array.ravel().tolist()
        if not all(isinstance(value, bytes) for value in values):
            raise TypeError("an array of objects must hold bytes alone")
        return messages_pb2.TensorProto(dtype=messages_pb2.DT_STRING, tensor_shape=shape, string_val=values)
    for kind in _NUMERIC:
        if array.dtype == kind.dtype:
            content = np.ascontiguousarray(array, kind.dtype).tobytes()
            number = messages_pb2.DataType.Name(kind.number)
            return messages_pb2.TensorProto(dtype=number, tensor_shape=shape, tensor_content=content)
    raise TypeError(f"dtype {array.dtype} can't be sent; expected float, int32, int64, bool or bytes")


def to_array(proto: messages_pb2.TensorProto) -> np.ndarray:
    """Decodes a tensor; strings become an object array of `bytes`.

    Raises:
        ValueError: the dtype is none of ours, or the values do not fill the shape.
    """
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    if proto.tensor_shape.unknown_rank or min(shape, default=0) < 0:
        raise ValueError(f"the tensor's shape {list(shape)} is not fully known")
    if proto.dtype == messages_pb2.DT_STRING:
        strings = np.empty(len(proto.string_val), object)
        strings[:] = list(proto.string_val)
        return _fill(strings, shape)
    for kind in _NUMERIC:
        if proto.dtype != kind.number:
            continue
        if not proto.tensor_content:
            return _fill(np.array(getattr(proto, kind.field), kind.dtype), shape)
        if len(proto.tensor_content) != math.prod(shape) * kind.dtype.itemsize:
            raise ValueError(f"{len(proto.tensor_content)} bytes do not fill shape {list(shape)}")
        return np.frombuffer(proto.tensor_content, kind.dtype).reshape(shape)
    raise ValueError(
        f"dtype number {proto.dtype} can't be read; expected float, int32, int64, bool or string"
    )


def _fill(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Reshapes; a single value stands for all, as TensorFlow writes a constant tensor."""
    size = math.prod(shape)
    if len(values) == size:
        return values.reshape(shape)
    if len(values) == 1:
        # A view of the one value: a huge shape takes no memory.
        return np.broadcast_to(values[0], shape)
    raise ValueError(f"{len(values)} values do not fill shape {list(shape)}")
