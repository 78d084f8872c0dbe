"""Parquet files to typed rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow_hotfix  # noqa: F401  refuses the malicious extension types of CVE-2023-47248

from aisle.components.example_gen.shard import Shard, Typed, check_columns, provenance_of, sift
from aisle.components.example_gen.values import convert
from aisle.schema.errors import InputError
from aisle.schema.tables import Kind, Table


def read_parquet_file(name: str, content: bytes, table: Table) -> Shard:
    """Reads a Parquet file; a row's "line" is its number, from 1.

    Args:
        name: the file's name, for messages and provenance.
        content: its bytes.
        table: whose file it is.

    Raises:
        InputError: the file is broken or refused, or a column's type doesn't fit.
    """
    try:
        raw = pq.read_table(pa.BufferReader(content))
        raw.validate(full=True)  # Text that is not UTF-8, offsets out of range.
    except (pa.ArrowException, OSError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise InputError(f"{name} can't be read as Parquet: {reason}") from error
    check_columns(name, raw.column_names, table, None)
    if raw.num_rows == 0:
        raise InputError(f"no data: {name} of the table {table.name} has no rows; remove or mend it")
    typed = {column: _typed(name, table, column, raw.column(column)) for column in raw.column_names}
    provenance = provenance_of([name], [np.arange(1, raw.num_rows + 1)])
    return sift(table, typed, provenance, lambda row: str(raw.slice(row, 1).to_pylist()[0]))


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
