"""A folder that all workers of an engine see, and what they leave there for each other: whole files, never changed.

An engine may do a piece of work twice, where a worker died or was thought to have. A file is written whole, under the name of
what is in it, and the same work writes the same again: so whoever reads it can't tell.
"""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Collection, Iterable
from typing import Any, Final

import cloudpickle
import numpy as np
import numpy.typing as npt
import polars as pl

from aisle.components.plans.spool import PACKED, in_order, together
from aisle.components.storage import make_folder, open_file, remove_folder, write_whole

Buckets = npt.NDArray[np.uint64]
"""Of each row, the number of the bucket that it goes to."""

_BASE, _MIXED = np.uint64(0x100000001B3), np.uint64(0x9E3779B97F4A7C15)
_SLICE: Final = 1 << 16
"""Texts that are hashed at a time: what is held of them stays in the processor's caches."""


class SharedFolder:
    """A folder of states and rows, local or remote, by name. Who writes there runs code here: its states are pickled."""

    def __init__(self, path: str) -> None:
        """Args: `path`: the folder, made where there is none."""
        self.path = path
        make_folder(path)

    def store(self, name: str, value: Any) -> None:
        """Keeps a value, which may be or hold a function."""
        write_whole(self._file(name), cloudpickle.dumps(value))

    def load(self, name: str) -> Any:
        """Returns a value that was kept."""
        with open_file(self._file(name)) as file:
            return cloudpickle.load(file)

    def write(self, name: str, rows: pl.DataFrame, buckets: Buckets | None = None, count: int = 1) -> None:
        """Keeps rows as a file that holds an Arrow file for each bucket, so that one can be read without the others.

        Args:
            name: of the file.
            rows: what it holds.
            buckets: of each row, from 0 to below `count`; None keeps all in one.
            count: how many buckets there are.
        """
        rows, ends = (rows, [0, len(rows)]) if buckets is None else together(rows, buckets, count)
        written = io.BytesIO(bytes(8 * (count + 1)))
        starts = [written.seek(0, io.SEEK_END)]
        for first, end in itertools.pairwise(ends):
            rows.slice(first, end - first).write_ipc(written, compression=PACKED)
            starts.append(written.seek(0, io.SEEK_END))
        written.seek(0)
        written.write(np.array(starts, "<u8").tobytes())
        write_whole(self._file(name), written.getvalue())

    def read(
        self, names: Iterable[str], bucket: int = 0, columns: Collection[str] | None = None
    ) -> pl.DataFrame:
        """Returns the rows that files hold for a bucket, one file after the other, and in order where they carry it.

        Args:
            names: of the files, one or more.
            bucket: its number.
            columns: of these, those that are there; all where it is None.
        """
        frames = [self._bucket(name, bucket, columns) for name in names]
        return in_order(pl.concat(frames, rechunk=True))

    def remove(self) -> None:
        """Removes the folder."""
        remove_folder(self.path)

    def _bucket(self, name: str, bucket: int, columns: Collection[str] | None) -> pl.DataFrame:
        with open_file(self._file(name)) as file:
            file.seek(8 * bucket)
            start, end = np.frombuffer(file.read(16), "<u8").tolist()
            file.seek(start)
            held = file.read(end - start)
        if columns is None:
            return pl.read_ipc(held)
        return pl.read_ipc(
            held, columns=[name for name in pl.read_ipc_schema(io.BytesIO(held)) if name in columns]
        )

    def _file(self, name: str) -> str:
        return os.path.join(self.path, name)


def by_key(rows: pl.DataFrame, key: str, count: int) -> tuple[pl.DataFrame, Buckets]:
    """Returns the rows that have something in a column, and a bucket for each, the same for rows that agree in it."""
    rows = rows.drop_nulls(key)
    return rows, hashed(rows[key], count)


def hashed(values: pl.Series, count: int) -> Buckets:
    """Returns a bucket for each value, a missing one too; those of equal ones are equal, on every machine.

    Polars' own hash is the same within one version alone, and that of pandas takes ten times as long. This is the polynomial
    in `_BASE` of a text's bytes, each one more than it is, times the first power for the first byte; multiplied by `_MIXED`,
    without its last 32 bits; everything modulo 2 to the 64.

    Args:
        values: of a column, as text.
        count: of buckets.
    """
    texts = values.cast(pl.String).fill_null("")
    slices = [_polynomials(texts.slice(first, _SLICE)) for first in range(0, len(texts), _SLICE)]
    sums = np.concatenate([*slices, np.zeros(0, np.uint64)])
    return (sums * _MIXED >> np.uint64(32)) % np.uint64(count)


def _polynomials(texts: pl.Series) -> Buckets:
    """What `hashed` multiplies, of one or more texts, [n]."""
    array = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, held = array.buffers()
    ends = np.frombuffer(offsets, np.int64, len(array) + 1, 8 * array.offset)
    lengths = np.diff(ends)
    if not lengths.any():
        return np.zeros(len(array), np.uint64)
    numbers = np.frombuffer(held, np.uint8)[ends[0] : ends[-1]].astype(np.uint64) + np.uint64(1)
    places = np.arange(len(numbers)) - np.repeat(ends[:-1] - ends[0], lengths)
    numbers *= np.cumprod(np.full(lengths.max(), _BASE))[places]
    sums = np.zeros(len(array), np.uint64)
    # Of an empty text there is nothing to be summed.
    sums[lengths > 0] = np.add.reduceat(numbers, (ends[:-1] - ends[0])[lengths > 0])
    return sums
