"""Times as text, to microseconds since the epoch: ISO 8601, or a form that the settings name."""

from __future__ import annotations

import re

import polars as pl

NOT_TIMESTAMP = "not a timestamp (ISO 8601; other forms by the setting reading.timestamps)"

# Digits are spelled out: \d would also take the digits of other scripts.
_ISO = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?"
    r" ?([Zz]|UTC|GMT|[+-][0-9]{2}(:?[0-5][0-9])?)?$"
)
_COUNT = r"^([+-]?)([0-9]{1,17})(?:\.([0-9]*))?$"
_MICROSECONDS = {"seconds": 1_000_000, "milliseconds": 1_000, "microseconds": 1}
_TIME_OF_DAY = re.compile("%[HIMSTRXkls]")
_LARGEST = 1 << 62
_OF_DIGITS = {8: "%Y%m%d", 10: "seconds", 13: "milliseconds", 16: "microseconds"}
"""What a cell of digits alone may be, by their number."""


def timestamps(cell: pl.Expr, form: str = "") -> pl.Expr:
    """The microseconds since the epoch that cells of text say, null where they don't.

    Args:
        cell: text.
        form: as `ReadingOptions.timestamps` has it; "" is ISO 8601.
    """
    if not form:
        return _iso(cell)
    if form in _MICROSECONDS:
        return _counted(cell, _MICROSECONDS[form])
    if _TIME_OF_DAY.search(form):
        return cell.str.to_datetime(form, time_unit="us", strict=False).cast(pl.Int64)
    return cell.str.to_date(form, strict=False).cast(pl.Datetime("us")).cast(pl.Int64)


def of_counts(count: pl.Expr, form: str) -> pl.Expr:
    """The microseconds that numbers of a clock's units say; null where they are beyond any time."""
    unit = _MICROSECONDS[form]
    small = pl.when(count.abs() < _LARGEST // unit).then(count)
    return (small * unit).round(0).cast(pl.Int64, strict=False)


def guess(cell: str) -> str:
    """The form that a cell may have, "" where there is no guess; of day and month nothing can be known from one."""
    digits = re.fullmatch(r"([0-9]+)(\.[0-9]*)?", cell)
    if digits:
        return _OF_DIGITS.get(len(digits[1]), "")
    date = re.match(r"([0-9]{4})([./-])|([0-9]{1,2})([./-])[0-9]{1,2}\4[0-9]{4}", cell)
    if date is None:
        return ""
    separator, first = date[2] or date[4], date[3]
    parts = ("%Y", "%m", "%d")
    if first:
        parts = ("%d", "%m", "%Y") if separator == "." or int(first) > 12 else ("%m", "%d", "%Y")
    clock = re.search(r"([T ])[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?", cell)
    return separator.join(parts) + (f"{clock[1]}%H:%M" + (":%S" if clock[2] else "") if clock else "")


def _iso(cell: pl.Expr) -> pl.Expr:
    shaped = pl.when(cell.str.contains(_ISO)).then(cell)
    seconds = shaped.str.slice(17, 2)
    has_seconds = shaped.str.slice(16, 1) == ":"
    # The parser would take a leap second's :60, and count it into the next minute.
    valid = pl.when(~has_seconds | (seconds < "60")).then(shaped)
    clock = valid.str.slice(0, 10) + " " + valid.str.slice(11, 5)
    clock = clock + pl.when(has_seconds).then(":" + seconds).otherwise(pl.lit(":00"))
    whole = clock.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False).cast(pl.Int64)
    digits = shaped.str.extract(r"[.,]([0-9]+)")
    fraction = digits.str.slice(0, 6).str.pad_end(6, "0").cast(pl.Int64).fill_null(0)
    sign = shaped.str.extract(r":[0-9.,]+ ?([+-])[0-9:]+$")
    hours = shaped.str.extract(r":[0-9.,]+ ?[+-]([0-9]{2}):?[0-9]*$").cast(pl.Int64)
    minutes = shaped.str.extract(r":[0-9.,]+ ?[+-][0-9]{2}:?([0-9]{2})$").cast(pl.Int64).fill_null(0)
    minutes = hours * 60 + minutes
    east = pl.when(sign == "-").then(-minutes).otherwise(minutes).fill_null(0)
    return pl.when(east.abs() < 24 * 60).then(whole + fraction - east * 60_000_000)


def _counted(cell: pl.Expr, unit: int) -> pl.Expr:
    shaped = pl.when(cell.str.contains(_COUNT)).then(cell)
    whole = shaped.str.extract(r"^[+-]?([0-9]+)").cast(pl.Int64)
    fraction = ("0." + shaped.str.extract(r"\.([0-9]+)$")).cast(pl.Float64).fill_null(0.0)
    bounded = pl.when(whole < _LARGEST // unit).then(whole)
    moment = bounded * unit + (fraction * unit).round(0).cast(pl.Int64)
    return pl.when(cell.str.starts_with("-")).then(-moment).otherwise(moment)
