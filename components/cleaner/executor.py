"""Runs the Cleaner: raw rows to cleaned tables, the ledger, and the quarantine of all stages."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import polars as pl
import pyarrow as pa
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from aisle.components.cleaner.clean import clean
from aisle.components.cleaner.options import options_from_json
from aisle.components.reports import write_cleaning
from aisle.components.storage import make_folder, open_file
from aisle.components.tables import (
    PEOPLE_FOLDER,
    read_provenance,
    read_quarantine,
    read_rows,
    write_ledger,
    write_parquet,
    write_quarantine,
    write_tables,
)
from aisle.schema.tables import TABLE_BY_NAME

_FORMULA = r"^([=+\-@\t\r])"


def examples_key(table: str) -> str:
    """The input of a table's raw rows."""
    return f"{table}_examples"


def quarantine_key(table: str) -> str:
    """The input of a table's quarantine by the reader."""
    return f"{table}_quarantine"


class Executor(base_executor.BaseExecutor):
    """Reads Examples and Quarantines, writes Tables, a Ledger and a Quarantine."""

    def Do(
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """See `base_executor.BaseExecutor.Do`."""
        rows, provenance, unread = {}, {}, {}
        for table in TABLE_BY_NAME:
            if not input_dict.get(examples_key(table)):
                continue
            uri = artifact_utils.get_single_uri(input_dict[examples_key(table)])
            rows[table], provenance[table] = read_rows(uri), read_provenance(uri)
            unread[table] = read_quarantine(artifact_utils.get_single_uri(input_dict[quarantine_key(table)]))
        result = clean(rows, provenance, unread, options_from_json(exec_properties["options"]))
        write_tables(artifact_utils.get_single_uri(output_dict["tables"]), result.tables)
        ledger = artifact_utils.get_single_uri(output_dict["ledger"])
        write_ledger(ledger, result.ledger, result.evidence)
        everything = pa.concat_tables([*unread.values(), result.quarantine])
        counts = {"table": "all", "read": sum(t["read"] for t in result.ledger["tables"].values())}
        counts |= {"kept": counts["read"] - everything.num_rows, "quarantined": everything.num_rows}
        quarantine = artifact_utils.get_single_uri(output_dict["quarantine"])
        write_quarantine(quarantine, everything, counts)
        for folder in (os.path.join(quarantine, PEOPLE_FOLDER), exec_properties["quarantine_dir"]):
            write_for_people(everything, list(rows), folder)
        for folder in (ledger, exec_properties["reports_dir"]):
            write_cleaning(result.ledger, folder)


def write_for_people(quarantine: pa.Table, tables: Sequence[str], folder: str) -> None:
    """Writes a Parquet and a CSV file for each table, an empty one where nothing was quarantined.

    In the CSV a cell that a spreadsheet would run as a formula starts with an apostrophe.
    """
    make_folder(folder)
    frame = pl.DataFrame(pl.from_arrow(quarantine))
    text = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    safe = frame.with_columns(pl.col(name).str.replace(_FORMULA, "'$1") for name in text)
    for table in tables:
        chosen = frame["table"] == table
        write_parquet(
            os.path.join(folder, f"{table}.parquet"), quarantine.filter(pa.array(chosen.to_numpy()))
        )
        with open_file(os.path.join(folder, f"{table}.csv"), "wb") as file:
            file.write(safe.filter(chosen).write_csv().encode())
