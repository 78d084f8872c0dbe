"""Rows sent to one of several files each, and read back a file at a time: how parts are made, and put in order again."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator, Sequence

import polars as pl
import pyarrow as pa

from aisle.components.plans.ahead import Behind, ahead

ROW = "__row__"
"""A row's number as it was read, carried beside its columns: its place, however the rows are parted."""

_FILE = "__file__"
_COMPRESSED = pa.ipc.IpcWriteOptions(compression="zstd")
"""A seventh of the bytes, so that disks keep up with processors: these files are read again and again."""


_BATCH, _HELD = 1 << 15, 1 << 20
"""So many rows a file, and in all, wait until they are sent together."""


class Spool:
    """Files of rows, an Arrow IPC stream each. Where rows carry `ROW`, each file is read in the order of it.

    Rows are written behind whoever adds them, by another thread.
    """

    def __init__(self, folder: pathlib.Path, count: int) -> None:
        """Args: `folder`: made for these files alone; `count`: how many files."""
        folder.mkdir(parents=True)
        self.count = count
        self._folder = folder
        self._open, self._behind = contextlib.ExitStack(), Behind()
        self._writers: dict[int, pa.RecordBatchStreamWriter] = {}
        self._empty = pl.DataFrame()
        self._waiting: list[pl.DataFrame] = []

    def add(self, rows: pl.DataFrame, numbers: pl.Series) -> None:
        """Sends each row to the file of its number, from 0 to below `count`."""
        self._empty = rows.clear()
        self._waiting.append(rows.with_columns(numbers.alias(_FILE)))
        if sum(map(len, self._waiting)) >= min(self.count * _BATCH, _HELD):
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
        """Returns the rows of a file, with some or all of their columns; afterwards nothing can be added."""
        self._close()
        if number not in self._writers:
            return self._empty if columns is None else self._empty.select(columns)
        # Their order is told by the numbers of the rows.
        read = [name for name in self.columns if columns is None or name in (ROW, *columns)]
        options = pa.ipc.IpcReadOptions(included_fields=[self.columns.index(name) for name in read])
        with pa.OSFile(str(self._path(number))) as file, pa.ipc.open_stream(file, options=options) as stream:
            rows = in_order(pl.DataFrame(pl.from_arrow(stream.read_all())))
        return rows if columns is None else rows.select(columns)

    def pieces(self, number: int) -> Iterator[pl.DataFrame]:
        """Yields the rows of a file as they were added, piece by piece; afterwards nothing can be added."""
        self._close()
        if number in self._writers:
            with pa.OSFile(str(self._path(number))) as file, pa.ipc.open_stream(file) as stream:
                for batch in stream:
                    yield pl.DataFrame(pl.from_arrow(batch))

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Yields the rows of one file after the other, and deletes each."""
        return ahead(self._all())

    def _all(self) -> Iterator[pl.DataFrame]:
        for number in range(self.count):
            rows = self.read(number)
            self.drop(number)
            yield rows

    def _send(self) -> None:
        """Has what waits written: many rows at a time, for each file's rows are packed apart."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._behind.do(self._part, waiting)

    def _part(self, pieces: list[pl.DataFrame]) -> None:
        files = pl.concat(pieces).partition_by(_FILE, as_dict=True, include_key=False, maintain_order=True)
        pieces.clear()
        for (number,), part in files.items():
            self._write(int(number), part)

    def _write(self, number: int, rows: pl.DataFrame) -> None:
        table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        self._writer(number, table.schema).write_table(table)

    def _close(self) -> None:
        self._send()
        self._behind.wait()
        self._open.close()

    def drop(self, number: int) -> None:
        """Deletes a file that nobody will read any more."""
        self._path(number).unlink(missing_ok=True)

    def _writer(self, number: int, schema: pa.Schema) -> pa.RecordBatchStreamWriter:
        if number not in self._writers:
            file = self._open.enter_context(pa.OSFile(str(self._path(number)), "wb"))
            self._writers[number] = self._open.enter_context(
                pa.ipc.new_stream(file, schema, options=_COMPRESSED)
            )
        return self._writers[number]

    def _path(self, number: int) -> pathlib.Path:
        return self._folder / f"{number}.arrows"


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Returns rows in the order in which they were read, where they carry it."""
    # To see that they are in order already, as most are, takes far less than to sort them.
    return rows if ROW not in rows.columns or rows[ROW].is_sorted() else rows.sort(ROW)
