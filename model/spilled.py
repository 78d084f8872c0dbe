"""Arrays that lie in files while nothing reads them: what a large shop needs later must not be held until then."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from aisle.model.stored import filled

_AT_ONCE = 16_384
"""Rows that are written or read at once."""

T = TypeVar("T")


class SpilledRows:
    """A table of numbers in a file, of which some rows are read at a time.

    Example:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> rows = SpilledRows(tf.constant([[1.0], [2.0], [3.0]]), pathlib.Path(folder.name) / "rows")
        >>> rows[np.array([2, 0])].tolist(), len(rows)
        ([[3.0], [1.0]], 3)
        >>> rows.tensor().numpy().tolist()
        [[1.0], [2.0], [3.0]]

    Attributes:
        shape: of the table, [n, d].
    """

    def __init__(self, values: tf.Tensor | npt.NDArray[np.float32], path: pathlib.Path) -> None:
        """Writes them: values float32 [n, d]; `path` is that of a file that there isn't yet."""
        self.shape: tuple[int, int] = (int(values.shape[0]), int(values.shape[1]))
        self._path = path
        with path.open("xb") as file:
            for start in range(0, self.shape[0], _AT_ONCE):
                file.write(np.asarray(values[start : start + _AT_ONCE], np.float32).tobytes())

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: npt.NDArray[np.int64] | slice) -> npt.NDArray[np.float32]:
        """Some rows: int64 [m], or a slice of m without gaps, to float32 [m, d].

        Read by themselves: mapped into memory, what was read would count as held.
        """
        if isinstance(rows, slice):
            start, end, _ = rows.indices(len(self))
            width = self.shape[1]
            count, offset = max(end - start, 0) * width, start * width * np.dtype(np.float32).itemsize
            return np.fromfile(self._path, np.float32, count, offset=offset).reshape(-1, width)
        found = np.empty((len(rows), self.shape[1]), np.float32)
        size = found.itemsize * self.shape[1]
        file = os.open(self._path, os.O_RDONLY)
        try:
            for place, row in enumerate(rows.tolist()):
                os.preadv(file, [found[place]], row * size)
        finally:
            os.close(file)
        return found

    def tensor(self) -> tf.Tensor:
        """All of them, read block by block: float32 [n, d]."""
        return filled(self.shape, tf.float32, self._blocks())

    def _blocks(self) -> Iterator[npt.NDArray[np.float32]]:
        with self._path.open("rb") as file:
            while len(values := np.fromfile(file, np.float32, _AT_ONCE * self.shape[1])):
                yield values.reshape(-1, self.shape[1])


class Spilled(Generic[T]):
    """A dataclass whose arrays, also those in dictionaries of arrays by name, lie in a file until it is read.

    Example:
        >>> import tempfile
        >>> @dataclasses.dataclass(frozen=True)
        ... class Taken:
        ...     name: str
        ...     rows: np.ndarray
        >>> folder = tempfile.TemporaryDirectory()
        >>> spilled = Spilled(Taken("mug", np.array([1, 2])), pathlib.Path(folder.name) / "taken.npz")
        >>> spilled.read()
        Taken(name='mug', rows=array([1, 2]))
    """

    def __init__(self, value: T, path: pathlib.Path) -> None:
        """Writes the arrays. Args: `value`: a dataclass. `path`: of a file that there isn't yet, whose name ends in `.npz`."""
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}  # type: ignore[arg-type]
        arrays: dict[str, npt.NDArray[Any]] = {}
        self._kind, self._path = type(value), path
        self._fields = {name: _taken_out(part, name, arrays) for name, part in fields.items()}
        np.savez(path, **arrays)  # type: ignore[arg-type]

    def read(self) -> T:
        """The same as before."""
        with np.load(self._path) as arrays:
            return self._kind(**{name: _put_back(part, arrays) for name, part in self._fields.items()})


@dataclasses.dataclass(frozen=True)
class _InFile:
    """What stands where an array was."""

    name: str


def _taken_out(value: Any, name: str, arrays: dict[str, npt.NDArray[Any]]) -> Any:
    """A value with its arrays put among `arrays`."""
    if isinstance(value, dict):
        return {key: _taken_out(part, f"{name}/{key}", arrays) for key, part in value.items()}
    if not isinstance(value, np.ndarray):
        return value
    arrays[name] = value
    return _InFile(name)


def _put_back(value: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> Any:
    if isinstance(value, dict):
        return {key: _put_back(part, arrays) for key, part in value.items()}
    return arrays[value.name] if isinstance(value, _InFile) else value
