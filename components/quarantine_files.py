"""The quarantined rows as files that a person opens."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from typing import IO, Any

import polars as pl
import pyarrow as pa

from aisle.components.storage import make_folder, open_file
from aisle.components.tables import QUARANTINE_SCHEMA, PiecesWriter
from aisle.schema.csv_cells import FORMULA

PEOPLE_FOLDER = "tables"
"""Of these files, below the Cleaner's Quarantine."""


def write_for_people(pieces: Iterable[pa.Table], tables: Sequence[str], folder: str) -> None:
    """Writes a Parquet and a CSV file for each table, an empty one where nothing was quarantined.

    In the CSV a cell that a spreadsheet would run as a formula starts with an apostrophe (`csv_cells`).

    Args:
        pieces: the quarantined rows of all tables (`tables.QUARANTINE_SCHEMA`), of which one is held at a time.
        tables: whose files are written.
        folder: made if it isn't there.
    """
    make_folder(folder)
    with contextlib.ExitStack() as opened:
        files = {table: _Files(os.path.join(folder, table), opened) for table in tables}
        for piece in pieces:
            of = pl.Series(pl.from_arrow(piece["table"]))
            for table in of.unique(maintain_order=True):
                if table in files:
                    files[table].write(piece.filter(pa.array((of == table).to_numpy())))


class _Files:
    """The two files of a table."""

    def __init__(self, path: str, opened: contextlib.ExitStack) -> None:
        self._parquet = opened.enter_context(PiecesWriter(f"{path}.parquet"))
        self._csv: IO[Any] = opened.enter_context(open_file(f"{path}.csv", "wb"))
        nothing = QUARANTINE_SCHEMA.empty_table()
        self._parquet.write(nothing)
        self._csv.write(pl.DataFrame(pl.from_arrow(nothing)).write_csv().encode())

    def write(self, rows: pa.Table) -> None:
        self._parquet.write(rows)
        frame = pl.DataFrame(pl.from_arrow(rows))
        text = [name for name, dtype in frame.schema.items() if dtype == pl.String]
        safe = frame.with_columns(pl.col(name).str.replace(FORMULA, "'$0") for name in text)
        self._csv.write(safe.write_csv(include_header=False).encode())
