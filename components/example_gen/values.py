"""Cells of text to typed values, strictly: what isn't exactly a value of its kind is not one."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pyarrow as pa

from aisle.schema.tables import Kind

NOT_INTEGER = "not an integer"
INTEGER_RANGE = "integer beyond 64 bits"
NOT_NUMBER = "not a number"
NOT_TIMESTAMP = "not a timestamp (RFC 3339 or YYYY-MM-DD HH:MM:SS)"
MISSING = "missing required value"

ARROW_TYPES: dict[Kind, pa.DataType] = {
    Kind.STRING: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.TIMESTAMP: pa.int64(),
}

# Digits are spelled out: \d would also take the digits of other scripts.
_INTEGER = r"^-?[0-9]+$"
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_NOT_FINITE = r"^[+-]?(?i:nan|inf|infinity)$"
_TIMESTAMP = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-5][0-9])?$"
)
_SECOND = len("YYYY-MM-DD HH:MM:SS")


def parse(column: pa.ChunkedArray, kind: Kind) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Turns cells of text into values.

    Args:
        column: [n] text; null is a missing cell.
        kind: what the values are.

    Returns:
        [n] the values, null where missing or wrong, and [n] what is wrong with a cell, null where nothing.
    """
    if kind is Kind.STRING:
        return column, pa.chunked_array([pa.nulls(len(column), pa.string())])
    # Columns repeat their values, timestamps most of all: each distinct one is parsed once.
    cells = pl.DataFrame({"cell": pl.from_arrow(column)})
    distinct = cells.select(pl.col("cell").unique()).filter(pl.col("cell").is_not_null())
    value, wrong = _PARSERS[kind](pl.col("cell"))
    parsed = cells.join(
        distinct.with_columns(value=value, wrong=wrong), on="cell", how="left", maintain_order="left"
    )
    values = _arrow(parsed["value"], ARROW_TYPES[kind])
    return values, _arrow(parsed["wrong"], pa.string())


def _arrow(series: pl.Series, type_: pa.DataType) -> pa.ChunkedArray:
    return pa.chunked_array([series.to_arrow().cast(type_)])


def _integer(cell: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    value = pl.when(cell.str.contains(_INTEGER)).then(cell).cast(pl.Int64, strict=False)
    wrong = (
        pl.when(~cell.str.contains(_INTEGER)).then(pl.lit(NOT_INTEGER))
        .when(value.is_null()).then(pl.lit(INTEGER_RANGE))
    )  # fmt: skip
    return value, wrong


def _number(cell: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    infinity = pl.when(cell.str.starts_with("-")).then(pl.lit(-float("inf"))).otherwise(pl.lit(float("inf")))
    not_finite = pl.when(cell.str.to_lowercase().str.contains("nan")).then(float("nan")).otherwise(infinity)
    finite = pl.when(cell.str.contains(_NUMBER)).then(cell).cast(pl.Float64, strict=False)
    value = pl.when(cell.str.contains(_NOT_FINITE)).then(not_finite).otherwise(finite)
    return value, pl.when(value.is_null()).then(pl.lit(NOT_NUMBER))


def _timestamp(cell: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    shaped = pl.when(cell.str.contains(_TIMESTAMP)).then(cell)
    clock = shaped.str.slice(0, _SECOND).str.replace("[Tt]", " ")
    # The parser would take a leap second's :60, and count it into the next minute.
    clock = pl.when(clock.str.slice(_SECOND - 2, 2) < "60").then(clock)
    whole = clock.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False).cast(pl.Int64)
    fraction = (
        shaped.str.extract(r"\.([0-9]+)").str.slice(0, 6).str.pad_end(6, "0").cast(pl.Int64).fill_null(0)
    )
    offset = shaped.str.extract(r"([+-][0-9]{2}:[0-9]{2})$")
    minutes = offset.str.slice(1, 2).cast(pl.Int64) * 60 + offset.str.slice(4, 2).cast(pl.Int64)
    east = pl.when(offset.str.starts_with("-")).then(-minutes).otherwise(minutes).fill_null(0)
    value = pl.when(east.abs() < 24 * 60).then(whole + fraction - east * 60_000_000)
    return value, pl.when(value.is_null()).then(pl.lit(NOT_TIMESTAMP))


_PARSERS: dict[Kind, Callable[[pl.Expr], tuple[pl.Expr, pl.Expr]]] = {
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.TIMESTAMP: _timestamp,
}


def convert(column: pa.ChunkedArray, kind: Kind) -> tuple[pa.ChunkedArray, pa.ChunkedArray] | None:
    """Turns a Parquet file's column into values; as `parse`, but None if its type can't hold this kind.

    Text is parsed as a CSV cell is. A whole float is an integer, as pandas keeps integers with gaps.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    type_ = column.type
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return parse(_empty_to_null(column.cast(pa.string())), kind)
    integer = pa.types.is_integer(type_)
    if kind is Kind.STRING:
        return _fine(column, pa.string()) if integer or pa.types.is_null(type_) else None
    if kind is Kind.TIMESTAMP:
        return _moments(column)
    number = integer or pa.types.is_floating(type_) or pa.types.is_decimal(type_) or pa.types.is_null(type_)
    if not number:
        return None
    if kind is Kind.INTEGER and not (integer and type_ != pa.uint64()):
        return _whole(column)
    return _fine(column, ARROW_TYPES[kind])


def _empty_to_null(column: pa.ChunkedArray) -> pa.ChunkedArray:
    cells = pl.Series(pl.from_arrow(column))
    return _arrow(cells.set(cells == "", None), pa.string())


def _fine(column: pa.ChunkedArray, type_: pa.DataType) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    return column.cast(type_, safe=False), pa.chunked_array([pa.nulls(len(column), pa.string())])


def _whole(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    numbers = pl.DataFrame({"cell": pl.from_arrow(column)})
    value = pl.col("cell").cast(pl.Int64, strict=False)
    back = value.cast(pl.Float64) == pl.col("cell").cast(pl.Float64)
    checked = numbers.select(
        value=pl.when(back).then(value),
        wrong=pl.when(pl.col("cell").is_not_null() & ~back.fill_null(False)).then(pl.lit(NOT_INTEGER)),
    )
    return _arrow(checked["value"], pa.int64()), _arrow(checked["wrong"], pa.string())


def _moments(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray] | None:
    """A time without a zone is UTC, and a date its first moment; a bare number has no known unit."""
    if not (
        pa.types.is_timestamp(column.type) or pa.types.is_date(column.type) or pa.types.is_null(column.type)
    ):
        return None
    moments = column.cast(pa.timestamp("us"), safe=False)
    return _fine(moments, pa.int64())
