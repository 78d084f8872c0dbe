"""Cells of text to typed values, strictly: what isn't exactly a value of its kind is not one."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pyarrow as pa

from aisle.components.example_gen.cells.numbers import NOT_NUMBER, numbers
from aisle.components.example_gen.cells.timestamps import NOT_TIMESTAMP, timestamps
from aisle.schema.tables import Kind

NOT_INTEGER = "not an integer"
INTEGER_RANGE = "integer beyond 64 bits"
NOT_BOOLEAN = "neither true nor false"
MISSING = "missing required value"

ARROW_TYPES: dict[Kind, pa.DataType] = {
    Kind.STRING: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.TIMESTAMP: pa.int64(),
    Kind.BOOLEAN: pa.int64(),
}
_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "1.0"), 1),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0"), 0),
}

# Digits are spelled out: \d would also take the digits of other scripts.
INTEGER_SHAPE = r"^-?[0-9]+(\.0*)?$"
"""A whole float is an integer, as pandas writes integers with gaps."""


def parse(column: pa.ChunkedArray, kind: Kind, form: str = "") -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Turns cells of text into values.

    Args:
        column: [n] text; null is a missing cell.
        kind: what the values are.
        form: how the settings say that they are written; "" is the usual way.

    Returns:
        [n] the values, null where missing or wrong, and [n] what is wrong with a cell, null where nothing.
    """
    if kind is Kind.STRING:
        return column, pa.chunked_array([pa.nulls(len(column), pa.string())])
    # Columns repeat their values, timestamps most of all: each distinct one is parsed once.
    cells = pl.DataFrame({"cell": pl.from_arrow(column)})
    distinct = cells.select(pl.col("cell").unique()).filter(pl.col("cell").is_not_null())
    value, wrong = _PARSERS[kind](pl.col("cell"), form)
    parsed = cells.join(
        distinct.with_columns(value=value, wrong=wrong), on="cell", how="left", maintain_order="left"
    )
    values = arrow_of(parsed["value"], ARROW_TYPES[kind])
    return values, arrow_of(parsed["wrong"], pa.string())


def arrow_of(series: pl.Series, type_: pa.DataType) -> pa.ChunkedArray:
    """A series as an Arrow column of a type."""
    return pa.chunked_array([series.to_arrow().cast(type_)])


def _integer(cell: pl.Expr, form: str) -> tuple[pl.Expr, pl.Expr]:
    if form:
        number = numbers(cell, form)
        value = number.cast(pl.Int64, strict=False)
        value = pl.when(value.cast(pl.Float64) == number).then(value)
        return value, pl.when(value.is_null()).then(pl.lit(NOT_INTEGER))
    digits = pl.when(cell.str.contains(INTEGER_SHAPE)).then(cell.str.extract("^(-?[0-9]+)"))
    value = digits.cast(pl.Int64, strict=False)
    wrong = (
        pl.when(digits.is_null()).then(pl.lit(NOT_INTEGER))
        .when(value.is_null()).then(pl.lit(INTEGER_RANGE))
    )  # fmt: skip
    return value, wrong


def _number(cell: pl.Expr, form: str) -> tuple[pl.Expr, pl.Expr]:
    value = numbers(cell, form)
    return value, pl.when(value.is_null()).then(pl.lit(NOT_NUMBER))


def _timestamp(cell: pl.Expr, form: str) -> tuple[pl.Expr, pl.Expr]:
    value = timestamps(cell, form)
    return value, pl.when(value.is_null()).then(pl.lit(NOT_TIMESTAMP))


def _boolean(cell: pl.Expr, form: str) -> tuple[pl.Expr, pl.Expr]:
    value = cell.str.to_lowercase().replace_strict(_BOOLEANS, default=None, return_dtype=pl.Int64)
    return value, pl.when(value.is_null()).then(pl.lit(NOT_BOOLEAN))


_PARSERS: dict[Kind, Callable[[pl.Expr, str], tuple[pl.Expr, pl.Expr]]] = {
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.TIMESTAMP: _timestamp,
    Kind.BOOLEAN: _boolean,
}
