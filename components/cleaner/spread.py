"""A table that is cleaned in parts by Beam's workers, in a folder that all of them see."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.merging import Merged
from aisle.components.cleaner.parts import Apart, Pieces, spelled_alike
from aisle.components.plans.on_beam import OnBeam, on_workers
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
        """Args: `table`: its name; `pieces`: its rows, which are parted by the workers now."""
        count = -(-pieces.rows // pieces.part_rows)
        self._rows_read = pieces.rows
        self._read = SharedFolder(os.path.join(pieces.shared, "read"))
        sizes = piece_rows(pieces.uri)
        firsts = [0, *itertools.accumulate(sizes)]
        route = functools.partial(_route, self._read.path, pieces.uri, firsts, count)
        on_workers(self._read, pieces.pipeline, len(sizes), route)
        begin = functools.partial(_begin, self._read.path, table, len(sizes))
        super().__init__(pieces.shared, count, pieces.pipeline, begin)
        rows, _ = row_piece(pieces.uri, 0)
        self.columns = tuple(rows.column_names)
        self.merged = Merged(table, pieces.folder / "merged", pieces.rows, count)

    def enter_into(self, whole: Ledger) -> None:
        """See `parts.Apart`."""
        for ledger in self.states():
            self.merged.left += len(ledger.rows)
            self.merged.take(ledger)
        self.merged.enter_into(whole)

    def in_order(self) -> Iterator[pl.DataFrame]:
        """See `parts.Apart`."""
        ordered = SharedFolder(os.path.join(self._read.path, "ordered"))
        sort = functools.partial(_sort, self.kept, ordered.path, self.count, self._rows_read)
        on_workers(ordered, self._pipeline, self.count, sort)
        for number in range(self.count):
            yield ordered.read([str(part) for part in range(self.count)], number).drop(ROW)


def _route(folder: str, uri: str, firsts: list[int], count: int, piece: int) -> None:
    """Reads a piece of a table, and keeps each row and its place for the part that it goes to."""
    given, provenance = row_piece(uri, piece)
    rows = pl.DataFrame(pl.from_arrow(given)).with_row_index(ROW, offset=firsts[piece])
    places = pl.DataFrame(pl.from_arrow(provenance)).with_columns(rows[ROW])
    part = hashed(rows["item_id"], count, spelled_alike)
    read = SharedFolder(folder)
    read.write(f"rows-{piece}", rows, part, count)
    read.write(f"places-{piece}", places, part, count)


def _begin(folder: str, table: str, pieces: int, number: int) -> Ledger:
    """Opens the ledger of a part."""
    read = SharedFolder(folder)
    rows, places = (
        read.read([f"{kind}-{piece}" for piece in range(pieces)], number) for kind in ("rows", "places")
    )
    where = places.select(pl.col("file").cast(pl.Categorical), "line")
    return Ledger(table, rows, where, 0, numbers=places[ROW])


def _sort(folder: str, ordered: str, count: int, rows_read: int, number: int) -> None:
    """Keeps what is left of a part's rows by the range of their numbers."""
    rows = SharedFolder(folder).load(f"part-{number}").rows
    ranges = rows[ROW].cast(pl.UInt64) * count // rows_read
    SharedFolder(ordered).write(str(number), rows, np.asarray(ranges.to_numpy()), count)
