"""Rows sent to one of several files each, and read back a file at a time: how parts are made, and put in order again."""

from __future__ import annotations

import collections
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aisle.components.plans.ahead import Behind, ahead

ROW = "__row__"
"""A row's number as it was read, carried beside its columns: its place, however the rows are parted."""

PACKED: Final = "lz4"
"""A sixth of the bytes, so that disks keep up with processors, by what takes these the least time."""
_HELD = 1 << 20
"""So many rows wait until they are sent together: what lies on the disk is few and large."""


class Spool:
    """Files of rows. Where rows carry `ROW`, each file is read in the order of it.

    Rows are written behind whoever adds them, by another thread. What is called a file here are several on the disk, an
    Arrow IPC file of the rows that were sent together each: none stays open.
    """

    def __init__(self, folder: pathlib.Path, count: int) -> None:
        """Args: `folder`: made for these files alone; `count`: how many files."""
        folder.mkdir(parents=True)
        self.count = count
        self._folder, self._behind = folder, Behind()
        self._files: dict[int, list[pathlib.Path]] = collections.defaultdict(list)
        self._empty = pl.DataFrame()
        self._waiting: list[tuple[pl.DataFrame, pl.Series]] = []

    def add(self, rows: pl.DataFrame, numbers: pl.Series) -> None:
        """Sends each row to the file of its number, from 0 to below `count`."""
        self._empty = rows.clear()
        self._waiting.append((rows, numbers))
        if sum(len(waiting) for waiting, _ in self._waiting) >= _HELD:
            self._send()

    def add_to(self, number: int, rows: pl.DataFrame) -> None:
        """Sends rows to one file."""
        self._send()
        self._empty = rows.clear()
        self._behind.do(self._write, number, rows)

    def add_by(self, rows: pl.DataFrame, key: str) -> None:
        """Sends rows that agree in a column to the same file, and those that have nothing there to none."""
        rows = rows.drop_nulls(key)
        self.add(rows, rows[key].hash(seed=0) % self.count)

    @property
    def columns(self) -> list[str]:
        """Of the rows that were added."""
        return self._empty.columns

    def read(self, number: int, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Returns the rows of a file so far, with some or all of their columns."""
        # Their order is told by the numbers of the rows.
        names = [name for name in self.columns if columns is None or name in (ROW, *columns)]
        paths = self._written(number)
        # Told of all at once, as they are many and small where the parts are many: one by one takes half as long again.
        read = pl.scan_ipc(paths).select(names).collect().rechunk() if paths else self._empty
        rows = in_order(read)
        return rows if columns is None else rows.select(columns)

    def pieces(self, number: int) -> Iterator[pl.DataFrame]:
        """Yields the rows of a file so far, in the pieces that were sent."""
        yield from map(pl.read_ipc, self._written(number))

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Yields the rows of one file after the other, and deletes each."""
        return ahead(self._all())

    def drop(self, number: int) -> None:
        """Deletes a file that nobody will read any more."""
        for path in self._written(number):
            path.unlink()
        self._files.pop(number, None)

    def _all(self) -> Iterator[pl.DataFrame]:
        for number in range(self.count):
            rows = self.read(number)
            self.drop(number)
            yield rows

    def _written(self, number: int) -> list[pathlib.Path]:
        self._send()
        self._behind.wait()
        return self._files.get(number, [])

    def _send(self) -> None:
        """Has what waits written."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._behind.do(self._part, waiting)

    def _part(self, pieces: list[tuple[pl.DataFrame, pl.Series]]) -> None:
        ordered = [together(rows, numbers.to_numpy(), self.count) for rows, numbers in pieces]
        pieces.clear()
        for number in range(self.count):
            slices = [rows.slice(ends[number], ends[number + 1] - ends[number]) for rows, ends in ordered]
            self._write(number, pl.concat(slices, rechunk=True))

    def _write(self, number: int, rows: pl.DataFrame) -> None:
        if not rows.is_empty():
            files = self._files[number]
            files.append(self._folder / f"{number}-{len(files)}.arrow")
            rows.write_ipc(files[-1], compression=PACKED)


def together(rows: pl.DataFrame, numbers: NDArray[Any], count: int) -> tuple[pl.DataFrame, list[int]]:
    """Puts rows of the same number together, in the order in which they came.

    Args:
        rows: [n].
        numbers: of each row, from 0 to below `count`, [n].
        count: how many numbers there are.

    Returns:
        The rows, and where in them those of each number begin, and the last ones end: `count` + 1 places.
    """
    # Numbers of 16 bits are put in order by their digits, which takes a tenth of what comparing them does.
    small = numbers.astype(np.min_scalar_type(count))
    if (small[1:] < small[:-1]).any():
        # Out of several chunks rows are gathered many times as slowly.
        rows = rows.rechunk()[np.argsort(small, kind="stable")]
    return rows, np.append(0, np.bincount(small, minlength=count).cumsum()).tolist()


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Returns rows in the order in which they were read, where they carry it."""
    # To see that they are in order already, as most are, takes far less than to sort them.
    return rows if ROW not in rows.columns or rows[ROW].is_sorted() else rows.sort(ROW)
