"""A table that is cleaned whole, or in parts by item that lie on disk while others are worked on (or elsewhere: `spread`)."""

from __future__ import annotations

import abc
import dataclasses
import pathlib
from collections.abc import Callable, Collection, Iterator
from typing import Any

import polars as pl
import pyarrow as pa

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.merging import Merged
from aisle.components.cleaner.steps.keys import fold
from aisle.components.cleaner.steps.texts import normal
from aisle.components.plans.ahead import Behind, ahead
from aisle.components.plans.plan import Elsewhere
from aisle.components.plans.spool import PACKED, ROW, Spool


@dataclasses.dataclass(frozen=True)
class Pieces:
    """A table that is too large to be held.

    Attributes:
        rows: how many there are.
        read: yields them in order, piece by piece, each with its provenance (`tables.PROVENANCE_SCHEMA`); with some of their
            columns, where it is given which (`tables.row_pieces`).
        folder: where there is room for the parts, about what the rows take in memory.
        part_rows: about so many rows a part.
    """

    rows: int
    read: Callable[..., Iterator[tuple[pa.Table, pa.Table]]]
    folder: pathlib.Path
    part_rows: int

    def opened(self, table: str) -> Divided | Apart:
        """Returns the table of a name in its parts."""
        return Divided(table, self)


class Apart(Elsewhere[Ledger]):
    """The parts of a table that are cleaned elsewhere.

    Attributes:
        columns: of the table.
        merged: what was done to its parts, once it was entered.
    """

    columns: tuple[str, ...]
    merged: Merged

    @abc.abstractmethod
    def enter_into(self, whole: Ledger) -> None:
        """Enters into the table's ledger what was done to its parts."""

    @abc.abstractmethod
    def in_order(self) -> Iterator[pl.DataFrame]:
        """Yields what is left of the rows in the order in which they were read, without their numbers, once."""


class Whole:
    """The one part of a table that is held in memory (`plan.Parts`)."""

    count = 1
    folder = None

    def __init__(self, ledger: Ledger) -> None:
        """Args: `ledger`: of the table."""
        self.ledger = ledger
        self.columns = tuple(name for name in ledger.rows.columns if name != ROW)

    def visit(
        self, work: Callable[[Ledger], None], reads: Collection[str] | None = None, ends: bool = False
    ) -> None:
        """Calls `work` on the ledger."""
        work(self.ledger)


class Divided:
    """The parts of a table on disk, one in memory at a time (`plan.Parts`).

    Rows of an item lie in one part however its id is spelled: case, width and blanks don't tell items apart here.
    """

    def __init__(self, table: str, pieces: Pieces) -> None:
        """Args: `table`: its name; `pieces`: its rows."""
        self.count, self.folder = -(-pieces.rows // pieces.part_rows), pieces.folder
        self._table, self._rows_read = table, pieces.rows
        self._files: list[str] = []
        self._behind = Behind()
        self._stored: dict[int, pathlib.Path] = {}
        self._done = [0] * self.count
        self._read = Spool(pieces.folder / "read", self.count)
        self._places = Spool(pieces.folder / "places", self.count)
        at = 0
        for rows, provenance in ahead(pieces.read()):
            self._route(pl.DataFrame(pl.from_arrow(rows)).with_row_index(ROW, offset=at), provenance)
            at += rows.num_rows
        self._ordered = Spool(pieces.folder / "ordered", self.count)
        self.columns = tuple(name for name in self._read.columns if name != ROW)
        self._ledgers = [Ledger(table, pl.DataFrame(), pl.DataFrame(), 0) for _ in range(self.count)]
        self.merged = Merged(table, pieces.folder / "merged", pieces.rows, self.count)

    def visit(
        self, work: Callable[[Ledger], None], reads: Collection[str] | None = None, ends: bool = False
    ) -> None:
        """Calls `work` on the ledger of each part, in turn: with some columns alone where it `reads` these, see `plan.Parts`."""
        if reads is not None:
            for rows in ahead(self._load(number, reads) for number in range(self.count)):
                work(Ledger(self._table, rows, pl.DataFrame(), 0))
            return
        names = pl.Series("file", self._files, pl.Categorical)
        loaded = ahead((self._places.read(number), self._load(number)) for number in range(self.count))
        for number, ledger in enumerate(self._ledgers):
            places, given = next(loaded)
            ledger.rows, ledger.done = given, []
            ledger.numbers = places[ROW]
            ledger.places = places.select(names.gather(places["file"]), "line")
            work(ledger)
            self._done[number] += sum(map(len, ledger.done))
            ledger.left = self._done[number] + len(ledger.rows)
            if ends or ledger.rows is not given:
                self._behind.do(self._keep, number, ledger.done, ledger.rows, ends)
            ledger.rows = ledger.places = pl.DataFrame()
            ledger.numbers = ledger.done = None
            self.merged.take(ledger)
        self._behind.wait()

    def enter_into(self, whole: Ledger) -> None:
        """Enters into the table's ledger what was done to its parts."""
        self.merged.left = sum(ledger.left or 0 for ledger in self._ledgers)
        self.merged.enter_into(whole)

    def in_order(self) -> Iterator[pl.DataFrame]:
        """Yields what is left of the rows in the order in which they were read, without their numbers, once."""
        for rows in self._ordered:
            yield rows.drop(ROW)

    def _route(self, rows: pl.DataFrame, provenance: pa.Table) -> None:
        part = by_spelling(rows["item_id"], lambda ids: ids.hash(seed=0) % self.count)
        places = pl.DataFrame(pl.from_arrow(provenance)).with_columns(rows[ROW])
        self._files += [
            name for name in places["file"].unique(maintain_order=True) if name not in self._files
        ]
        code = pl.col("file").replace_strict(
            self._files, list(range(len(self._files))), return_dtype=pl.UInt32
        )
        self._read.add(rows, part)
        self._places.add(places.select(ROW, code, "line"), part)

    def _load(self, number: int, reads: Collection[str] | None = None) -> pl.DataFrame:
        """Returns a part, or those of some columns that it has."""
        names = None if reads is None else [name for name in (ROW, *self.columns) if name in reads]
        stored = self._stored.get(number)
        return self._read.read(number, names) if stored is None else pl.read_ipc(stored, columns=names)

    def _store(self, number: int, rows: pl.DataFrame) -> None:
        """Keeps a part in a new file, as the old one may still be read, and small by what takes the least time."""
        old = self._stored.get(number)
        turn = 0 if old is None else int(old.suffix[1:]) + 1
        self._drop(number)
        self._stored[number] = self.folder / f"{number}.{turn}"
        rows.write_ipc(self._stored[number], compression=PACKED)

    def _keep(self, number: int, done: list[pl.DataFrame], rows: pl.DataFrame, ends: bool) -> None:
        """Keeps a part: for the order of all what nothing more is done to."""
        for ended in (*done, rows) if ends else done:
            self._ordered.add(ended, ended[ROW].cast(pl.UInt64) * self.count // self._rows_read)
        if ends:
            self._drop(number)
        else:
            self._store(number, rows)

    def _drop(self, number: int) -> None:
        """Deletes a part as it was kept before."""
        self._read.drop(number)
        old = self._stored.pop(number, None)
        if old is not None:
            old.unlink()


def by_spelling(ids: pl.Series, part: Callable[[pl.Series], Any]) -> pl.Series:
    """Returns the part of each row, the same for ids that may be spellings of one.

    Args:
        ids: of rows, null where there is none.
        part: of what is the same of such ids, once for each that was given.
    """
    given = ids.alias("id").to_frame().unique()
    parts = given.with_columns(pl.Series("part", part(fold(normal(given["id"])))))
    found = (
        ids.alias("id").to_frame().join(parts, on="id", how="left", nulls_equal=True, maintain_order="left")
    )
    return found["part"]
