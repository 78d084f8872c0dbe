"""Rows sent to one of several files each, and read back a file at a time: how parts are made, and put in order again."""

from __future__ import annotations

import collections
import pathlib
from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl

from aisle.components.plans.ahead import Behind, ahead

ROW = "__row__"
"""A row's number as it was read, carried beside its columns: its place, however the rows are parted."""

PACKED: Final = "lz4"
"""A sixth of the bytes, so that disks keep up with processors, by what takes these the least time."""
_FILE = "__file__"
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
        self._waiting: list[pl.DataFrame] = []

    def add(self, rows: pl.DataFrame, numbers: pl.Series) -> None:
        """Sends each row to the file of its number, from 0 to below `count`."""
        self._empty = rows.clear()
        self._waiting.append(rows.with_columns(numbers.alias(_FILE)))
        if sum(map(len, self._waiting)) >= _HELD:
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
        pieces = [pl.read_ipc(path, columns=names) for path in self._written(number)]
        rows = in_order(pl.concat(pieces, rechunk=True) if pieces else self._empty)
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

    def _part(self, pieces: list[pl.DataFrame]) -> None:
        files = pl.concat(pieces).partition_by(_FILE, as_dict=True, include_key=False, maintain_order=True)
        pieces.clear()
        for (number,), part in files.items():
            self._write(int(number), part)

    def _write(self, number: int, rows: pl.DataFrame) -> None:
        if not rows.is_empty():
            files = self._files[number]
            files.append(self._folder / f"{number}-{len(files)}.arrow")
            rows.write_ipc(files[-1], compression=PACKED)


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Returns rows in the order in which they were read, where they carry it."""
    # To see that they are in order already, as most are, takes far less than to sort them.
    return rows if ROW not in rows.columns or rows[ROW].is_sorted() else rows.sort(ROW)
