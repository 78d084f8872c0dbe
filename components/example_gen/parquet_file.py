"""Parquet files to typed rows."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow_hotfix  # noqa: F401  refuses the malicious extension types of CVE-2023-47248
from numpy.typing import NDArray

from aisle.components.example_gen.shard import Shard, Typed, check_columns, provenance_of, sift
from aisle.components.example_gen.values import ARROW_TYPES, convert
from aisle.schema.errors import InputError
from aisle.schema.tables import Kind, Table

_BATCH_ROWS = 1 << 17


def read_parquet_file(name: str, file: IO[bytes], table: Table) -> Iterator[Shard]:
    """Reads a Parquet file piece by piece; a row's "line" is its number, from 1.

    Args:
        name: the file's name, for messages and provenance.
        file: the open file.
        table: whose file it is.

    Raises:
        InputError: the file is broken or refused, or a column's type doesn't fit.
    """
    line = 1
    for raw in _batches(name, file, table):
        typed = {column: _typed(name, table, column, raw.column(column)) for column in raw.column_names}
        provenance = provenance_of([name], [np.arange(line, line + raw.num_rows)])
        yield sift(table, typed, provenance, functools.partial(_texts, raw))
        line += raw.num_rows


def read_columns(name: str, file: IO[bytes], table: Table) -> dict[str, pa.DataType]:
    """Reads which columns a Parquet file has, and the type that each has once it is read.

    Raises:
        InputError: the file is broken.
    """
    with _named(name):
        schema = pq.read_schema(file)
    kinds = ((field, table.column(field.name)) for field in schema)
    return {
        field.name: ARROW_TYPES[declared.kind if declared is not None else _extra_kind(field.type)]
        for field, declared in kinds
    }


def _batches(name: str, file: IO[bytes], table: Table) -> Iterator[pa.Table]:
    with _named(name):
        parquet = pq.ParquetFile(file)
        columns = parquet.schema_arrow.names
    check_columns(name, columns, table, None)
    if parquet.metadata.num_rows == 0:
        raise InputError(f"no data: {name} of the table {table.name} has no rows; remove or mend it")
    batches = parquet.iter_batches(_BATCH_ROWS)
    while True:
        with _named(name):
            batch = next(batches, None)
            if batch is None:
                return
            batch.validate(full=True)  # Text that is not UTF-8, offsets out of range.
        yield pa.Table.from_batches([batch])


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


def _typed(name: str, table: Table, column: str, cells: pa.ChunkedArray) -> Typed:
    declared = table.column(column)
    converted = convert(cells, declared.kind if declared is not None else _extra_kind(cells.type))
    if converted is None:
        expected = declared.kind.value if declared is not None else "text, numbers or times"
        raise InputError(f"{name}: the column {column} is of type {cells.type}, which can't hold {expected}")
    values, wrong = converted
    return Typed(values, cells, wrong)


def _extra_kind(type_: pa.DataType) -> Kind:
    """The kind that keeps an extra column's values as they are."""
    if pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return Kind.NUMBER
    if pa.types.is_integer(type_) or pa.types.is_boolean(type_):
        return Kind.INTEGER
    if pa.types.is_timestamp(type_) or pa.types.is_date(type_):
        return Kind.TIMESTAMP
    return Kind.STRING
