"""A folder of curated schemas, `TABLE.pbtxt` each, beside a data folder."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence

from tensorflow_metadata.proto.v0 import schema_pb2

from aisle.components.anomaly_gate.evidence import Finding, TableEvidence, without_bookkeeping
from aisle.components.anomaly_gate.infer_schema import infer_table_schema
from aisle.components.anomaly_gate.options import WARNING
from aisle.components.anomaly_gate.statistics import table_statistics
from aisle.components.curated_schema.changes import (
    Changes,
    accept,
    changes,
    read_schema,
    schema_text,
    statistics_of,
)
from aisle.components.example_gen.discovery import USUAL, find_tables
from aisle.components.example_gen.options import TableReading
from aisle.components.example_gen.reader import read_table
from aisle.schema.errors import InputError
from aisle.schema.tables import TABLE_BY_NAME
from aisle.schema.whole_files import whole_file

NEW_TABLE = "SCHEMA_NEW_TABLE"

Readings = Mapping[str, TableReading]
"""How each table is read, by name."""


@dataclasses.dataclass(frozen=True)
class TableDifference:
    """A table, its curated schema (None where there is no file), and what sets them apart."""

    table: TableEvidence
    schema: schema_pb2.Schema | None
    changes: Changes


def infer(data: str, folder: str, overwrite: bool, readings: Readings | None = None) -> dict[str, str]:
    """Writes a schema for each table of a data folder.

    Args:
        data: the data folder.
        folder: where to; made if it isn't there.
        overwrite: whether schemas that are there are replaced.
        readings: how each table is read, by name.

    Returns:
        The files written, by table.

    Raises:
        InputError: the data can't be read, or there is a schema already.
    """
    names = list(find_tables(data, readings))
    files = {name: schema_path(folder, name) for name in names}
    there = [path for path in files.values() if os.path.exists(path)]
    if there and not overwrite:
        raise InputError(
            f"{there[0]} exists; `aisle schema accept` changes it, and --overwrite writes it anew"
        )
    for name, path in files.items():
        _write(path, infer_table_schema(name, statistics_of(_evidence(data, name, readings))))
    return files


def differences(data: str, folder: str, readings: Readings | None = None) -> list[TableDifference]:
    """Compares each table of a data folder, read as `readings` says, with its curated schema.

    Raises:
        InputError: the data or a schema can't be read, or the folder holds no schema at all.
    """
    if not any(os.path.exists(schema_path(folder, name)) for name in TABLE_BY_NAME):
        raise InputError(f"no schema in {folder}; write it with: aisle schema infer DATA --schema {folder}")
    return [
        _difference(_evidence(data, name, readings), schema_path(folder, name))
        for name in find_tables(data, readings)
    ]


def accept_into(folder: str, difference: TableDifference, findings: Sequence[Finding]) -> str:
    """Changes a table's schema so that it allows some findings; returns its file."""
    path = schema_path(folder, difference.table.name)
    if difference.schema is None:
        schema = infer_table_schema(difference.table.name, statistics_of(difference.table))
    else:
        schema = accept(difference.table, difference.schema, findings)
    _write(path, schema)
    return path


def schema_path(folder: str, table: str) -> str:
    """Returns the file of a table's schema."""
    return os.path.join(folder, f"{table}.pbtxt")


def _difference(table: TableEvidence, path: str) -> TableDifference:
    if not os.path.exists(path):
        new = Finding(table.name, "", NEW_TABLE, WARNING, what="The table has no schema yet.")
        return TableDifference(table, None, Changes((new,), {}))
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the schema {path} can't be read: {error}") from error
    schema = read_schema(text, path)
    return TableDifference(table, schema, changes(table, schema))


def _evidence(data: str, name: str, readings: Readings | None) -> TableEvidence:
    read = read_table(data, TABLE_BY_NAME[name], reading=(readings or {}).get(name, USUAL))
    counts = {"read": read.read, "kept": read.rows.num_rows, "quarantined": read.quarantine.num_rows}
    statistics = without_bookkeeping(name, table_statistics(read.rows))
    return TableEvidence(name, counts, statistics=statistics, rows=read.rows, provenance=read.provenance)


def _write(path: str, schema: schema_pb2.Schema) -> None:
    file = pathlib.Path(path)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as partial:
            partial.write_text(schema_text(schema), encoding="utf-8")
    except OSError as error:
        raise InputError(f"the schema {path} can't be written: {error}") from error
