"""Parses columns of text by declared type: what does not fit is named, never guessed."""

from __future__ import annotations

import polars as pl

from aisle.schema.tables import Kind

_INTEGER = r"^[+-]?[0-9]+$"
_NUMBER = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_NOT_FINITE = r"^(?i:[+-]?(nan|inf|infinity))$"
_TIMESTAMP = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})?$"

REASONS = {
    Kind.INTEGER: "not a whole number of 64 bits",
    Kind.NUMBER: "not a number",
    Kind.TIMESTAMP: "not a timestamp",
}


def parse(text: pl.Series, kind: Kind) -> pl.Series:
    """Parses a column of text.

    Args:
        text: strings; null is a missing cell.
        kind: what they should be.

    Returns:
        The values (string, int64, float64; timestamps int64 microseconds UTC), null where missing
        or where the text does not fit.
    """
    if kind is Kind.STRING:
        return text
    if kind is Kind.INTEGER:
        return _where(text, _INTEGER).str.strip_prefix("+").cast(pl.Int64, strict=False)
    if kind is Kind.NUMBER:
        finite = _where(text, _NUMBER).cast(pl.Float64, strict=False)
        other = _where(text, _NOT_FINITE).str.to_lowercase()
        if other.null_count() == len(other):
            return finite
        signed = pl.when(other.str.contains("nan")).then(float("nan"))
        signed = signed.when(other.str.starts_with("-")).then(float("-inf")).when(other.is_not_null()).then(float("inf"))
        return pl.select(pl.coalesce(pl.lit(finite), signed)).to_series()
    return _timestamp(_where(text, _TIMESTAMP))


def _timestamp(text: pl.Series) -> pl.Series:
    plain = text.str.replace("T", " ", literal=True).str.replace("Z$", "")
    zone = plain.str.extract(r"([+-]\d{2}:\d{2})$")
    local = plain.str.replace(r"[+-]\d{2}:\d{2}$", "").str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    micros = local.dt.timestamp("us")
    if zone.null_count() == len(zone):
        return micros
    minutes = zone.str.slice(1, 2).cast(pl.Int64) * 60 + zone.str.slice(4, 2).cast(pl.Int64)
    sign = pl.select(pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)).to_series()
    return micros - (minutes * sign * 60_000_000).fill_null(0)


def _where(text: pl.Series, pattern: str) -> pl.Series:
    """The text where it matches, else null."""
    return text.set(~text.str.contains(pattern).fill_null(True), None)
