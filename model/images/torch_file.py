"""The tensors of a PyTorch file of the old form, read without unpickling it.

Such a file is a row of pickles, then the bytes of its storages. A pickle is a program, and running it may run anything. Here
its instructions are only looked at: those that describe tensors are known, whatever else ends in an error.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import pickletools
import struct
from collections.abc import Callable
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from aisle.schema.errors import InputError

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_REBUILD = "torch._utils _rebuild_tensor_v2"
_DICTIONARY = "collections OrderedDict"
_STORAGES: dict[object, np.dtype[Any]] = {
    "torch FloatStorage": np.dtype("<f4"),
    "torch LongStorage": np.dtype("<i8"),
}
_MARK = object()
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = {"BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1"}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_IGNORED = {"PROTO", "STOP"}


@dataclasses.dataclass(frozen=True)
class _Storage:
    """Bytes that follow: their key, and the kind and number of their values."""

    key: str
    dtype: np.dtype
    count: int


@dataclasses.dataclass(frozen=True)
class _View:
    """A tensor: where in a storage its values lie, in steps of values."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_torch_file(file: IO[bytes]) -> dict[str, NDArray[Any]]:
    """Reads a dictionary of tensors, as `torch.save` wrote it before version 1.6.

    Args:
        file: open, at its start.

    Returns:
        The tensors by name, float32 or int64, each contiguous.

    Raises:
        InputError: it is no such file, is cut off, or holds anything but tensors.
    """
    try:
        magic, protocol, system, tensors, keys = (_Pickle(file).value() for _ in range(5))
        if (magic, protocol) != (_MAGIC, _PROTOCOL) or not system["little_endian"]:
            raise ValueError("it is no PyTorch file of the old form")
        views = {name: view for name, view in tensors.items() if isinstance(view, _View)}
        storages = {view.storage.key: view.storage for view in views.values()}
        values = {key: _values(file, storages[key]) for key in keys}
        return {name: _tensor(values[view.storage.key], view) for name, view in views.items()}
    except (LookupError, AttributeError, OverflowError, TypeError, ValueError, struct.error) as error:
        raise InputError(f"the weights can't be read: {error}") from error


class _Pickle:
    """Follows the instructions of one pickle, as far as they make plain values and describe tensors."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._steps: dict[str, Callable[[], None]] = {
            **{name: functools.partial(self._make, kind) for name, kind in _EMPTY.items()},
            **{name: functools.partial(self._tuple, count) for name, count in _TUPLES.items()},
            "MARK": lambda: self._stack.append(_MARK),
            "TUPLE": lambda: self._stack.append(tuple(self._marked())),
            "APPEND": lambda: self._into_list(self._popped(1)),
            "APPENDS": lambda: self._into_list(self._marked()),
            "SETITEMS": lambda: self._into_dictionary(self._marked()),
            "SETITEM": lambda: self._into_dictionary(self._popped(2)),
            "BINPERSID": self._storage,
            "REDUCE": self._reduce,
            # What a dictionary has beside its items: PyTorch's notes on versions.
            "BUILD": lambda: self._popped(1).clear(),
        }

    def value(self) -> Any:
        """What the pickle describes; the file stands behind it then."""
        for instruction, argument, _ in pickletools.genops(self._file):
            self._follow(instruction.name, argument)
        (value,) = self._stack
        return value

    def _follow(self, name: str, argument: Any) -> None:
        if name in _LITERALS:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name.endswith("BINPUT"):
            self._memo[argument] = self._stack[-1]
        elif name.endswith("BINGET"):
            self._stack.append(self._memo[argument])
        elif name == "GLOBAL":
            self._name(argument)
        elif name in self._steps:
            self._steps[name]()
        elif name not in _IGNORED:
            raise ValueError(f"it holds the instruction {name}, which no tensor needs")

    def _name(self, name: str) -> None:
        if name not in (_REBUILD, _DICTIONARY, *_STORAGES):
            raise ValueError(f"it names {name}, which no tensor needs")
        self._stack.append(name)

    def _make(self, kind: Callable[[], Any]) -> None:
        self._stack.append(kind())

    def _tuple(self, count: int) -> None:
        self._stack.append(tuple(self._popped(count)))

    def _popped(self, count: int) -> list[Any]:
        if len(self._stack) < count:
            raise ValueError("its instructions don't fit together")
        values = self._stack[-count:]
        del self._stack[-count:]
        return values

    def _marked(self) -> list[Any]:
        """What was put on the stack since the last mark."""
        place = max(n for n, value in enumerate(self._stack) if value is _MARK)
        values = self._popped(len(self._stack) - place)
        return values[1:]

    def _into_list(self, values: list[Any]) -> None:
        self._stack[-1].extend(values)

    def _into_dictionary(self, values: list[Any]) -> None:
        self._stack[-1].update(zip(values[::2], values[1::2], strict=True))

    def _storage(self) -> None:
        _, kind, key, _, count, _ = self._stack.pop()
        self._stack.append(_Storage(key, _STORAGES[kind], count))

    def _reduce(self) -> None:
        function, arguments = self._popped(2)
        if function == _REBUILD:
            storage, offset, shape, strides = arguments[:4]
            self._stack.append(_View(storage, offset, shape, strides))
        elif function == _DICTIONARY and not arguments:
            self._stack.append({})
        else:
            raise ValueError(f"it calls {function}, which no tensor needs")


def _values(file: IO[bytes], storage: _Storage) -> NDArray[Any]:
    """The values of the storage at which the file stands: their number, then they themselves."""
    (count,) = struct.unpack("<q", file.read(8))
    if count != storage.count:
        raise ValueError(f"the storage {storage.key} has {count} values, expected {storage.count}")
    return np.frombuffer(file.read(count * storage.dtype.itemsize), storage.dtype, count)


def _tensor(values: NDArray[Any], view: _View) -> NDArray[Any]:
    """A tensor's values in its own order, which need not be that of the storage."""
    last = view.offset + sum((n - 1) * s for n, s in zip(view.shape, view.strides, strict=True))
    least = min([view.offset, *view.strides, *(size - 1 for size in view.shape)])
    if least < 0 or last >= len(values) or math.prod(view.shape) > len(values):
        raise ValueError(f"a tensor of shape {view.shape} reaches beyond its storage")
    steps = [stride * values.itemsize for stride in view.strides]
    found = np.lib.stride_tricks.as_strided(values[view.offset :], view.shape, steps)
    return found.copy()
