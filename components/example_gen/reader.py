"""The strict reader: typed rows, where each came from, and a quarantine of the rest."""

from __future__ import annotations

import dataclasses
import io
import os
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from aisle.components.example_gen.discovery import table_files
from aisle.components.example_gen.parse import REASONS, parse
from aisle.components.tables import PROVENANCE_SCHEMA, QUARANTINE_SCHEMA
from aisle.schema.errors import InputError
from aisle.schema.tables import Kind, Table

_LINE = "__line__"
_FILE = "__file__"
_VALUE_LIMIT, _ROW_LIMIT = 200, 500
RAGGED, NOT_UTF8, MISSING = "ragged row", "not UTF-8", "missing required value"


@dataclasses.dataclass(frozen=True)
class ReadResult:
    """What reading a table gave; rows.num_rows + quarantine.num_rows is what was read.

    Attributes:
        rows: typed columns; timestamps are int64 microseconds UTC.
        provenance: file and line of each row (`PROVENANCE_SCHEMA`).
        quarantine: the rows that did not fit (`QUARANTINE_SCHEMA`).
    """

    rows: pa.Table
    provenance: pa.Table
    quarantine: pa.Table


@dataclasses.dataclass(frozen=True)
class _File:
    """One file's cells as text (null: missing), and its rows that are not even cells."""

    cells: pl.DataFrame
    bad: list[dict[str, Any]]


def read_table(folder: str, table: Table) -> ReadResult:
    """Reads a table's files strictly.

    Args:
        folder: the data folder.
        table: the canonical table; columns it does not name pass through as text.

    Raises:
        InputError: no file, an unreadable one, different headers, a required column missing, or
            no row in any file.
    """
    paths = table_files(folder, table.name)
    if not paths:
        raise InputError(f"the table {table.name} is missing in {folder}; add {table.name}.csv")
    files = [_read_file(path, os.path.relpath(path, folder), table) for path in paths]
    _same_headers(files, paths, table)
    cells = pl.concat([file.cells for file in files])
    bad = [record for file in files for record in file.bad]
    if not len(cells) and not bad:
        raise InputError(f"no data: the table {table.name} in {folder} has no rows; export it again")
    typed, wrong = _typed(cells, table)
    kept = ~wrong.select(pl.any_horizontal(pl.all())).to_series() if wrong.width else pl.Series([True] * len(cells))
    records = [*bad, *_records(cells.filter(~kept), wrong.filter(~kept), table)]
    rows = typed.filter(kept)
    where = cells.filter(kept).select(pl.col(_FILE).alias("file"), pl.col(_LINE).alias("line"))
    return ReadResult(
        rows=_arrow(rows),
        provenance=_arrow(where).cast(PROVENANCE_SCHEMA),
        quarantine=pa.Table.from_pylist(records, QUARANTINE_SCHEMA),
    )


def _read_file(path: str, name: str, table: Table) -> _File:
    try:
        if path.endswith(".parquet"):
            return _read_parquet(path, name)
        with open(path, "rb") as file:
            return _read_csv(file.read(), name, table)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"the file {path} can't be read: {reason}; check its type and permissions") from error
    except pa.ArrowException as error:
        first = str(error).splitlines()[0]
        raise InputError(f"the file {path} can't be read: {first}; export it again") from error


def _read_parquet(path: str, name: str) -> _File:
    frame = pl.DataFrame(pl.from_arrow(pq.read_table(path)))
    text = frame.with_columns(
        pl.when(pl.col(column).dtype == pl.String).then(pl.col(column)).otherwise(pl.col(column).cast(pl.String))
        if not dtype.is_temporal()
        else pl.col(column).dt.strftime("%Y-%m-%d %H:%M:%S%.f").alias(column)
        for column, dtype in frame.schema.items()
    )
    lines = pl.int_range(1, len(frame) + 1, eager=True).alias(_LINE)
    return _File(_without_empty(text).with_columns(pl.lit(name).alias(_FILE), lines), [])


def _read_csv(content: bytes, name: str, table: Table) -> _File:
    content = content.removeprefix(b"\xef\xbb\xbf")
    header = _header(content, name, table)
    if content.count(b'"') % 2:
        raise InputError(f"{name} has an unbalanced quote; the last one opens a value that never closes: export it again")
    ragged: list[pc.InvalidRow] = []

    def keep(row: pc.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    read = pc.read_csv(
        io.BytesIO(content),
        read_options=pc.ReadOptions(use_threads=False, column_names=header, skip_rows=1, block_size=max(1 << 20, len(content) + 1)),
        parse_options=pc.ParseOptions(newlines_in_values=True, invalid_row_handler=keep),
        convert_options=pc.ConvertOptions(
            column_types={column: pa.binary() for column in header}, strings_can_be_null=False, quoted_strings_can_be_null=False
        ),
    )
    lines, numbers = _lines(read, content, ragged)
    cells, undecodable = _decode(read)
    bad = [
        _record(table, name, number, "", "", RAGGED, row.text or "")
        | {"value": f"{row.actual_columns} values, expected {row.expected_columns}"}
        for row, number in zip(ragged, numbers)
    ]
    cells = cells.with_columns(pl.lit(name).alias(_FILE), pl.Series(_LINE, lines, pl.Int64))
    for row, column, value in undecodable:
        bad.append(_record(table, name, lines[row], column, value, NOT_UTF8, value))
    good = pl.Series([True] * len(cells)).scatter([row for row, _, _ in undecodable], False) if undecodable else None
    return _File(_without_empty(cells if good is None else cells.filter(good)), bad)


def _header(content: bytes, name: str, table: Table) -> list[str]:
    first = content.split(b"\n", 1)[0].rstrip(b"\r")
    try:
        text = first.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"the header of {name} is not UTF-8; save the file as UTF-8") from error
    if not text.strip():
        raise InputError(f"no data: {name} of the table {table.name} is empty; export it again")
    import csv

    header = [column.strip() for column in next(csv.reader([text]))]
    missing = [column.name for column in table.columns if column.required and column.name not in header]
    if missing:
        raise InputError(
            f"{name} lacks the column {missing[0]} that {table.name} needs; its header is: {', '.join(header)[:200]}"
        )
    if len(set(header)) < len(header):
        raise InputError(f"{name} names a column twice in its header: {', '.join(header)[:200]}")
    return header


def _lines(read: pa.Table, content: bytes, ragged: list[pc.InvalidRow]) -> tuple[list[int], list[int]]:
    """The physical line, from 1, of each row read and of each ragged row."""
    total = read.num_rows + len(ragged)
    multiline = content.count(b"\n") + (not content.endswith(b"\n")) > total + 1
    numbers = sorted((row.number or 0) for row in ragged)
    if not multiline:
        bad = set(numbers)
        return [line for line in range(2, total + 2) if line not in bad], numbers
    starts = _record_starts(content)
    bad = set(numbers)
    return [line for number, line in enumerate(starts, 1) if number > 1 and number not in bad], [
        starts[number - 1] for number in numbers
    ]


def _record_starts(content: bytes) -> list[int]:
    """The physical line each record (the header is the first) starts on; blank lines are none."""
    starts, inside, fresh = [], False, True
    for line, text in enumerate(content.split(b"\n"), 1):
        if not inside and fresh and text.strip(b"\r"):
            starts.append(line)
        inside ^= text.count(b'"') % 2 == 1
        fresh = not inside
    return starts


def _decode(read: pa.Table) -> tuple[pl.DataFrame, list[tuple[int, str, str]]]:
    """The cells as text; where one is not UTF-8: its row, column and repaired value."""
    columns, wrong = {}, []
    for name, column in zip(read.column_names, read.itercolumns()):
        try:
            columns[name] = pl.Series(name, column.cast(pa.string()), pl.String)
        except pa.ArrowInvalid:
            values: list[str | None] = []
            for row, value in enumerate(column.to_pylist()):
                text = value.decode("utf-8", "replace")
                values.append(text)
                if text.encode() != value:
                    wrong.append((row, name, text))
            columns[name] = pl.Series(name, values, pl.String)
    seen: set[int] = set()
    first = [entry for entry in wrong if not (entry[0] in seen or seen.add(entry[0]))]  # type: ignore[func-returns-value]
    return pl.DataFrame(columns), first


def _without_empty(cells: pl.DataFrame) -> pl.DataFrame:
    text = [name for name, dtype in cells.schema.items() if dtype == pl.String and name != _FILE]
    return cells.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in text)


def _same_headers(files: list[_File], paths: list[str], table: Table) -> None:
    first = set(files[0].cells.columns)
    for file, path in zip(files, paths):
        other = set(file.cells.columns)
        if other != first:
            extra, gone = sorted(other - first), sorted(first - other)
            raise InputError(
                f"the files of {table.name} have different headers: {path} has extra {extra} and lacks {gone} "
                f"against {paths[0]}; give every file the same columns"
            )
    for column in table.columns:
        if column.required and column.name not in first:
            raise InputError(f"{paths[0]} lacks the column {column.name} that the table {table.name} needs")


def _typed(cells: pl.DataFrame, table: Table) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The typed columns, and per column whether the cell is wrong."""
    typed, wrong = [], []
    for name in cells.columns:
        if name in (_LINE, _FILE):
            continue
        column = table.column(name)
        values = parse(cells[name], column.kind if column else Kind.STRING).alias(name)
        typed.append(values)
        if column is None:
            continue
        unfit = values.is_null() & cells[name].is_not_null()
        wrong.append((unfit | cells[name].is_null() if column.required else unfit).alias(name))
    return pl.DataFrame(typed), pl.DataFrame(wrong)


def _records(cells: pl.DataFrame, wrong: pl.DataFrame, table: Table) -> list[dict[str, Any]]:
    """The quarantine's records of rows with a wrong cell: the first such cell of each."""
    records = []
    names = [name for name in cells.columns if name not in (_LINE, _FILE)]
    for values, flags in zip(cells.iter_rows(named=True), wrong.iter_rows(named=True)):
        column = next(name for name, flag in flags.items() if flag)
        declared = table.column(column)
        value = values[column]
        reason = MISSING if value is None or declared is None else REASONS[declared.kind]
        row = ",".join(values[name] or "" for name in names)
        records.append(_record(table, values[_FILE], values[_LINE], column, value or "", reason, row))
    return records


def _record(table: Table, file: str, line: int, column: str, value: str, reason: str, row: str) -> dict[str, Any]:
    if isinstance(row, bytes):
        row = row.decode("utf-8", "replace")
    return {
        "table": table.name,
        "file": file,
        "line": line,
        "column": column,
        "value": value[:_VALUE_LIMIT],
        "reason": reason,
        "row": row[:_ROW_LIMIT],
    }


def _arrow(frame: pl.DataFrame) -> pa.Table:
    """An Arrow table with plain strings."""
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    fields = [pa.field(f.name, pa.string() if pa.types.is_large_string(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(fields))
