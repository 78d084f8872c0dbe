"""The quarantined rows as files that a person opens."""

from __future__ import annotations

import os
from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from aisle.components.storage import make_folder, open_file
from aisle.components.tables import write_parquet
from aisle.schema.csv_cells import FORMULA

PEOPLE_FOLDER = "tables"
"""Of these files, below the Cleaner's Quarantine."""


def write_for_people(quarantine: pa.Table, tables: Sequence[str], folder: str) -> None:
    """Writes a Parquet and a CSV file for each table, an empty one where nothing was quarantined.

    In the CSV a cell that a spreadsheet would run as a formula starts with an apostrophe (`csv_cells`).
    """
    make_folder(folder)
    frame = pl.DataFrame(pl.from_arrow(quarantine))
    text = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    safe = frame.with_columns(pl.col(name).str.replace(FORMULA, "'$0") for name in text)
    for table in tables:
        chosen = frame["table"] == table
        write_parquet(
            os.path.join(folder, f"{table}.parquet"), quarantine.filter(pa.array(chosen.to_numpy()))
        )
        with open_file(os.path.join(folder, f"{table}.csv"), "wb") as file:
            file.write(safe.filter(chosen).write_csv().encode())
