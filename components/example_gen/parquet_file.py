"""Parquet files to typed rows."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow_hotfix  # noqa: F401  refuses the malicious extension types of CVE-2023-47248
from numpy.typing import NDArray

from aisle.components.example_gen.cells.column import form_of, typed_text
from aisle.components.example_gen.cells.nested import flattened, root_of
from aisle.components.example_gen.cells.parquet import (
    as_text,
    convert,
    holds,
    is_list_of_text,
    is_text,
    joined,
    plain,
)
from aisle.components.example_gen.cells.rows import RowRules
from aisle.components.example_gen.layout import Layout, arranged
from aisle.components.example_gen.options import TableReading, how_to_say
from aisle.components.example_gen.shard import Shard, Typed, provenance_of, sift, skipped_notes
from aisle.components.example_gen.values import ARROW_TYPES
from aisle.components.pictures.places import cell_place
from aisle.schema.errors import InputError
from aisle.schema.tables import Kind, Table

_BATCH_ROWS = 1 << 17
_PICTURE_ROWS = 32
"""Of a file that holds pictures."""
_LISTED = {"category": "|", "description": "\n"}
"""Columns of which a row may have several texts, and what parts them; the cleaner tells levels from categories by their use."""


def read_parquet_file(
    layout: Layout,
    file: IO[bytes],
    table: Table,
    columns: Sequence[str],
    reading: TableReading,
    rules: RowRules,
) -> Iterator[Shard]:
    """Reads a Parquet file piece by piece; a row's "line" is its number, from 1.

    Args:
        layout: of the file.
        file: the open file.
        table: whose file it is.
        columns: of the table, by our names.
        reading: how the table is read.
        rules: for whole rows.

    Raises:
        InputError: the file is broken or refused, or a column's type doesn't fit.
    """
    line = 1
    for batch, rows in _batches(layout, file, table):
        raw, skipped = rules.apply(batch)
        places = provenance_of([layout.name], [line + rows])
        line += int(rows[-1]) + 1
        kept = pa.array(~np.logical_or.reduce([np.zeros(raw.num_rows, bool), *skipped.values()]))
        notes = skipped_notes(raw, skipped, places)
        if skipped:
            raw, places = raw.filter(kept), places.filter(kept)
        cells = arranged(raw, layout, columns)
        typed = {name: _typed(layout.name, table, name, cells.column(name), reading) for name in columns}
        shard = sift(table, typed, places, functools.partial(_texts, raw))
        yield dataclasses.replace(shard, notes=(*shard.notes, *notes))


def read_columns(
    name: str, file: IO[bytes], table: Table, wanted: Sequence[str]
) -> tuple[dict[str, pa.DataType], int]:
    """Reads which columns a Parquet file has, with the type of each as an extra one once it is read, and its rows' number.

    Columns that no table of ours can hold (lists, structs, maps) are left out, unless they are called as one of ours, or
    a path that is wanted goes into them; so are bytes that nobody named.

    Raises:
        InputError: the file is broken.
    """
    with _named(name):
        parquet = pq.ParquetFile(file)
        schema = parquet.schema_arrow
    kinds = {field.name: _extra_kind(_plain_type(field.type)) for field in schema}
    roots = {root_of(path) for path in wanted}
    declared = {column.name for column in table.columns} - table.bookkeeping
    columns = {
        field.name: ARROW_TYPES[kinds[field.name]]
        for field in schema
        if field.name in roots
        or field.name in declared
        or (field.name in {*table.pictures, *wanted} and is_text(_plain_type(field.type)))
        or _is_kept(_plain_type(field.type), kinds[field.name])
    }
    return columns, parquet.metadata.num_rows


def _is_kept(type_: pa.DataType, kind: Kind) -> bool:
    """Whether an extra column passes through; bytes may be pictures."""
    return holds(type_, kind) and not (is_text(type_) and not _is_string(type_))


def _is_string(type_: pa.DataType) -> bool:
    return pa.types.is_string(type_) or pa.types.is_large_string(type_)


def _plain_type(type_: pa.DataType) -> pa.DataType:
    """The type without a dictionary; booleans are read as 0 and 1."""
    type_ = type_.value_type if pa.types.is_dictionary(type_) else type_
    return pa.int8() if pa.types.is_boolean(type_) else type_


def _batches(layout: Layout, file: IO[bytes], table: Table) -> Iterator[tuple[pa.Table, NDArray[np.int64]]]:
    """The columns that are read of a file, text as plain strings, and which row of the batch each row is of."""
    name = layout.name
    with _named(name):
        parquet = pq.ParquetFile(file)
    pictures = _pictures(layout, parquet.schema_arrow, table)
    size = _PICTURE_ROWS if pictures else _BATCH_ROWS
    batches, first = parquet.iter_batches(size, columns=list(layout.header)), 1
    while True:
        with _named(name):
            batch = next(batches, None)
            if batch is None:
                return
            batch.validate(full=True)  # Text that is not UTF-8, offsets out of range.
            whole = _placed(pa.Table.from_batches([batch]), name, pictures, first)
            first += batch.num_rows
            flat, rows = flattened(whole, layout.paths)
            cells = (plain(flat.column(column)) for column in flat.column_names)
            texts = [as_text(column) if is_text(column.type) else column for column in cells]
            flat = pa.table(texts, names=flat.column_names)
        if len(rows):
            yield flat, rows


def _pictures(layout: Layout, schema: pa.Schema, table: Table) -> list[str]:
    """The file's columns whose bytes are pictures."""
    named = {header for ours in table.pictures for header in layout.picked.get(ours, ())}
    kinds = (pa.types.is_binary, pa.types.is_large_binary)
    return [field.name for field in schema if field.name in named and any(kind(field.type) for kind in kinds)]


def _placed(cells: pa.Table, name: str, pictures: Sequence[str], first: int) -> pa.Table:
    """The cells of a file from a row on, with the places of pictures instead of their bytes."""
    for column in pictures:
        filled = cells.column(column).is_valid().to_pylist()
        places = [cell_place(name, column, first + n) if there else None for n, there in enumerate(filled)]
        at = cells.column_names.index(column)
        cells = cells.set_column(at, column, pa.array(places, pa.string()))
    return cells


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    """Names the file in an error that reading it raises."""
    try:
        yield
    except (pa.ArrowException, OSError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise InputError(f"{name} can't be read as Parquet: {reason}") from error


def _texts(raw: pa.Table, rows: NDArray[np.int64]) -> list[str]:
    return [str(row) for row in raw.take(pa.array(rows)).to_pylist()]


def _typed(name: str, table: Table, column: str, cells: pa.ChunkedArray, reading: TableReading) -> Typed:
    if _is_string(cells.type):
        return typed_text(cells, table, column, reading)
    declared = table.column(column)
    if declared is not None and declared.bookkeeping:
        # A shop may have a column of that name for a use of its own.
        return typed_text(cells.cast(pa.string()), table, column, reading)
    if declared is not None and declared.name in _LISTED and is_list_of_text(cells.type):
        return typed_text(joined(cells, _LISTED[declared.name]), table, column, reading)
    kind, form = _extra_kind(cells.type), form_of(column, reading)
    if declared is not None:
        kind = declared.kind
    converted = convert(cells, kind, form)
    if converted is None:
        counts = kind is Kind.TIMESTAMP and (
            pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type)
        )
        hint = ""
        if counts:
            unit = how_to_say("timestamps", table.name, column, "seconds")
            hint = f"; if it counts since 1970, say its unit by {unit}"
        elif fields := _fields(cells.type, column):
            hint = f'; say what of it is meant by [columns.{table.name}], as in {column} = "{fields[0]}" (it has {", ".join(fields)})'
        raise InputError(
            f"{name}: the column {column} is of type {cells.type}, which can't hold {kind.value}{hint}"
        )
    values, wrong = converted
    return Typed(values, cells, wrong)


def _fields(type_: pa.DataType, column: str) -> list[str]:
    """The paths to what is in a column of structs, or of lists of them."""
    if pa.types.is_struct(type_):
        return [f"{column}.{field.name}" for field in type_]
    return _fields(type_.value_type, f"{column}[]") if pa.types.is_list(type_) else []


def _extra_kind(type_: pa.DataType) -> Kind:
    """The kind that keeps an extra column's values as they are."""
    if pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return Kind.NUMBER
    if pa.types.is_integer(type_) or pa.types.is_boolean(type_):
        return Kind.INTEGER
    if pa.types.is_timestamp(type_) or pa.types.is_date(type_):
        return Kind.TIMESTAMP
    return Kind.STRING
