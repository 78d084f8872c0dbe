"""The columns of Parquet files to typed values, as strictly as cells of text."""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from aisle.components.example_gen.cells.timestamps import NOT_TIMESTAMP, of_counts
from aisle.components.example_gen.options import UNITS
from aisle.components.example_gen.values import (
    ARROW_TYPES,
    INTEGER_SHAPE,
    NOT_INTEGER,
    arrow_of,
    parse,
)
from aisle.schema.tables import Kind

NOT_IDENTIFIER = "not a whole number, as an identifier is"


def is_text(type_: pa.DataType) -> bool:
    """Whether a Parquet column's cells are text: `as_text` makes it Arrow's plain strings."""
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(kind(type_) for kind in kinds) or pa.types.is_fixed_size_binary(type_)


def is_list_of_text(type_: pa.DataType) -> bool:
    """Whether a column's cells are lists of text, as several categories of an item, or the paragraphs of a description."""
    return (pa.types.is_list(type_) or pa.types.is_large_list(type_)) and (
        pa.types.is_string(type_.value_type) or pa.types.is_large_string(type_.value_type)
    )


def joined(column: pa.ChunkedArray, between: str) -> pa.ChunkedArray:
    """Each list of text as one text, an empty list as null."""
    cells = pl.Series(pl.from_arrow(column)).list.drop_nulls().list.join(between)
    return arrow_of(cells.set(cells == "", None), pa.string())


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of text or of bytes in UTF-8 as text, an empty cell as null.

    Raises:
        pyarrow.ArrowException: bytes are not UTF-8.
    """
    if pa.types.is_fixed_size_binary(column.type):
        column = column.cast(pa.binary())
    return _empty_to_null(column.cast(pa.string()))


def holds(type_: pa.DataType, kind: Kind, form: str = "") -> bool:
    """Whether a Parquet column of a type, dictionaries and booleans aside, can hold values of a kind."""
    if is_text(type_) or pa.types.is_null(type_):
        return True
    number = pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_)
    if kind is Kind.TIMESTAMP:
        return pa.types.is_timestamp(type_) or pa.types.is_date(type_) or (number and form in UNITS)
    return number


def convert(
    column: pa.ChunkedArray, kind: Kind, form: str = ""
) -> tuple[pa.ChunkedArray, pa.ChunkedArray] | None:
    """Turns a Parquet file's column into values; as `parse`, but None if its type can't hold this kind.

    Text is parsed as a CSV cell is. A whole float is an integer, as pandas keeps integers with gaps, and so is an
    identifier of whole numbers its digits.
    """
    column = plain(column)
    type_ = column.type
    if not holds(type_, kind, form):
        return None
    if is_text(type_):
        return parse(as_text(column), kind, form)
    integer = pa.types.is_integer(type_)
    if kind is Kind.STRING:
        return _fine(column, pa.string()) if integer or pa.types.is_null(type_) else _digits(column)
    if kind is Kind.TIMESTAMP:
        temporal = pa.types.is_timestamp(type_) or pa.types.is_date(type_) or pa.types.is_null(type_)
        return _moments(column) if temporal else _counts(column, form)
    if kind is Kind.INTEGER and not (integer and type_ != pa.uint64()):
        return _whole(column)
    return _fine(column, ARROW_TYPES[kind])


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without a dictionary; booleans as 0 and 1."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column


def _empty_to_null(column: pa.ChunkedArray) -> pa.ChunkedArray:
    cells = pl.Series(pl.from_arrow(column))
    return arrow_of(cells.set(cells == "", None), pa.string())


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
    return arrow_of(checked["value"], pa.int64()), arrow_of(checked["wrong"], pa.string())


def _digits(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Identifiers that a database keeps as decimals or as floats, as text of whole numbers."""
    if pa.types.is_decimal(column.type):
        decimals = column.cast(pa.decimal128(38, column.type.scale))
        return _parse_digits(arrow_of(pl.Series(pl.from_arrow(decimals)).cast(pl.String), pa.string()))
    return _parse_digits(arrow_of(_floats_as_text(pl.Series(pl.from_arrow(column))), pa.string()))


def _floats_as_text(floats: pl.Series) -> pl.Series:
    """Each float as exactly its digits where it is whole and below 2^53, above which ids can't be told apart."""
    floats = floats.cast(pl.Float64).fill_nan(None)
    whole = (floats == floats.round(0)) & (floats.abs() < 2**53)
    digits = floats.cast(pl.Int64, strict=False).cast(pl.String)
    return pl.select(pl.when(whole).then(digits).otherwise(floats.cast(pl.String))).to_series()


def _parse_digits(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Text of numbers as the digits of whole ones, and what is wrong with the others."""
    cell = pl.Series("cell", pl.from_arrow(column))
    digits = pl.when(pl.col("cell").str.contains(INTEGER_SHAPE)).then(
        pl.col("cell").str.extract("^(-?[0-9]+)")
    )
    wrong = pl.when(digits.is_null() & pl.col("cell").is_not_null()).then(pl.lit(NOT_IDENTIFIER))
    read = pl.DataFrame(cell).select(value=digits, wrong=wrong)
    return arrow_of(read["value"], pa.string()), arrow_of(read["wrong"], pa.string())


def _counts(column: pa.ChunkedArray, form: str) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Numbers of a clock's units as moments."""
    whole = pa.types.is_integer(column.type)
    frame = pl.DataFrame(
        {"cell": pl.from_arrow(column.cast(pa.int64() if whole else pa.float64(), safe=False))}
    )
    value = of_counts(pl.col("cell"), form)
    read = frame.select(
        value=value, wrong=pl.when(pl.col("cell").is_not_null() & value.is_null()).then(pl.lit(NOT_TIMESTAMP))
    )
    return arrow_of(read["value"], pa.int64()), arrow_of(read["wrong"], pa.string())


def _moments(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """A time without a zone is UTC, and a date its first moment."""
    return _fine(column.cast(pa.timestamp("us"), safe=False), pa.int64())
