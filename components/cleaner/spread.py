"""A table that is cleaned in parts by Beam's workers, in a folder that all of them see."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
from collections.abc import Callable, Collection, Iterator
from typing import Any

import polars as pl

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.merging import Merged
from aisle.components.cleaner.parts import Apart, Pieces, by_spelling
from aisle.components.plans.ahead import ahead
from aisle.components.plans.on_beam import Keeping, OnBeam
from aisle.components.plans.shared import SharedFolder, hashed
from aisle.components.plans.spool import ROW
from aisle.components.tables import piece_rows, row_piece


@dataclasses.dataclass(frozen=True)
class SpreadPieces(Pieces):
    """A table that is too large to be held, and read by workers.

    Attributes:
        uri: the Examples artifact of its rows.
        pipeline: makes a Beam pipeline, which runs when its context ends.
        shared: a folder that all workers see.
    """

    uri: str
    pipeline: Callable[[], Any]
    shared: str

    def opened(self, table: str) -> Apart:
        """See `Pieces.opened`."""
        return Spread(table, self)


class Spread(OnBeam[Ledger], Apart):
    """The parts of a table, each on whichever of Beam's workers takes it: as `parts.Divided` has them, here."""

    def __init__(self, table: str, pieces: SpreadPieces) -> None:
        """Args: `table`: its name; `pieces`: its rows, which workers part before they are first asked."""
        count = -(-pieces.rows // pieces.part_rows)
        sizes = piece_rows(pieces.uri)
        firsts = [0, *itertools.accumulate(sizes)]
        read = SharedFolder(os.path.join(pieces.shared, "read"))
        parted = (len(sizes), functools.partial(_route, read, pieces.uri, firsts, count))
        keeping = _Parts(read, table, len(sizes), count, pieces.rows)
        super().__init__(pieces.shared, count, pieces.pipeline, keeping, [parted])
        rows, _ = row_piece(pieces.uri, 0)
        self.columns = tuple(rows.column_names)
        self.merged = Merged(table, pieces.folder / "merged", pieces.rows, count)

    def enter_into(self, whole: Ledger) -> None:
        """See `parts.Apart`."""
        self.merged.enter_into(whole)

    def in_order(self) -> Iterator[pl.DataFrame]:
        """See `parts.Apart`."""
        return ahead(self._ranges())

    def _ranges(self) -> Iterator[pl.DataFrame]:
        for number in range(self.count):
            yield self._left.read([_rows(part) for part in range(self.count)], number).drop(ROW)

    def _changed(self, turn: SharedFolder) -> None:
        self._left = turn
        ledgers = [turn.load(_ledger(number)) for number in range(self.count)]
        self.merged.left = sum(ledger.left for ledger in ledgers)
        for ledger in ledgers:
            self.merged.take(ledger)


def _route(read: SharedFolder, uri: str, firsts: list[int], count: int, piece: int) -> None:
    """Reads a piece of a table, and keeps each row and its place for the part that it goes to."""
    given, provenance = row_piece(uri, piece)
    rows = pl.DataFrame(pl.from_arrow(given)).with_row_index(ROW, offset=firsts[piece])
    places = pl.DataFrame(pl.from_arrow(provenance)).with_columns(rows[ROW])
    part = by_spelling(rows["item_id"], functools.partial(hashed, count=count)).to_numpy()
    read.write(f"rows-{piece}", rows, part, count)
    read.write(f"places-{piece}", places, part, count)


@dataclasses.dataclass(frozen=True)
class _Parts(Keeping[Ledger]):
    """The ledgers of parts: their rows, which are read by column, apart from what was done to them.

    Attributes:
        read: the folder of what was read: pieces of the table, by part.
        table: its name.
        pieces: how many these are.
        count: of the parts.
        rows: of the table.
    """

    read: SharedFolder
    table: str
    pieces: int
    count: int
    rows: int

    def load(self, folder: SharedFolder | None, number: int, reads: Collection[str] | None) -> Ledger:
        """See `Keeping.load`."""
        columns = None if reads is None else {ROW, *reads}
        if folder is None:
            ledger, rows = (
                Ledger(self.table, pl.DataFrame(), pl.DataFrame(), 0),
                self._piece("rows", number, columns),
            )
        else:
            ledger, rows = folder.load(_ledger(number)), folder.read([_rows(number)], columns=columns)
            # The process that asks has written down what was done.
            ledger.forget()
        ledger.rows = rows
        if reads is None:
            places = self._piece("places", number)
            ledger.numbers = places[ROW]
            ledger.places = places.select(pl.col("file").cast(pl.Categorical), "line")
        return ledger

    def store(self, folder: SharedFolder, number: int, state: Ledger) -> None:
        """See `Keeping.store`."""
        folder.write(_rows(number), state.rows)
        self._tell(folder, number, state)

    def end(self, folder: SharedFolder, number: int, state: Ledger) -> None:
        """Keeps what is left of a part's rows by the range of their numbers."""
        ranges = state.rows[ROW].cast(pl.UInt64) * self.count // self.rows
        folder.write(_rows(number), state.rows, ranges.to_numpy(), self.count)
        self._tell(folder, number, state)

    def _tell(self, folder: SharedFolder, number: int, state: Ledger) -> None:
        """Keeps a ledger without its rows."""
        none = pl.DataFrame()
        told = dataclasses.replace(state, rows=none, places=none, numbers=None, left=len(state.rows))
        folder.store(_ledger(number), told)

    def _piece(self, kind: str, number: int, columns: Collection[str] | None = None) -> pl.DataFrame:
        return self.read.read([f"{kind}-{piece}" for piece in range(self.pieces)], number, columns)


def _rows(number: int) -> str:
    return f"rows-{number}"


def _ledger(number: int) -> str:
    return f"ledger-{number}"
