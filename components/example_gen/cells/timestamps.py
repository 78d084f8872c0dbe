"""Times as text, to microseconds since the epoch: ISO 8601, or a form that the settings name."""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl

NOT_TIMESTAMP = "not a timestamp (ISO 8601; other forms by the setting reading.timestamps)"

NANOSECONDS = "nanoseconds"
OR_DAY = "ISO 8601, or a day of it"
"""A form of ours: a day is its first moment, as a column of dates is in Parquet."""
# Digits are spelled out: \d would also take the digits of other scripts.
_ISO = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?"
    r" ?([Zz]|UTC|GMT|[+-][0-9]{2}(:?[0-5][0-9])?)?$"
)
_ISO_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_COUNT = r"^([+-]?)([0-9]{1,19})(?:\.([0-9]*))?$"
_MICROSECONDS = {"seconds": 1_000_000, "milliseconds": 1_000, "microseconds": 1}
_TIME_OF_DAY = re.compile("%[HIMSTRXkls]")
_LARGEST = 1 << 62
_OF_DIGITS = {
    8: "%Y%m%d",
    10: "seconds",
    13: "milliseconds",
    14: "%Y%m%d%H%M%S",
    16: "microseconds",
    19: NANOSECONDS,
}
"""What a cell of digits alone may be, by their number."""


def timestamps(cell: pl.Expr, form: str = "") -> pl.Expr:
    """The microseconds since the epoch that cells of text say, null where they don't.

    Args:
        cell: text.
        form: as `ReadingOptions.timestamps` has it; "" is ISO 8601.
    """
    if not form:
        return _iso(cell)
    if form == OR_DAY:
        return pl.coalesce(
            _iso(cell), timestamps(pl.when(cell.str.contains(_ISO_DAY)).then(cell), "%Y-%m-%d")
        )
    if form == NANOSECONDS:
        return _nanoseconds(cell)
    if form in _MICROSECONDS:
        return _counted(cell, _MICROSECONDS[form])
    if _TIME_OF_DAY.search(form):
        return cell.str.to_datetime(form, time_unit="us", strict=False).cast(pl.Int64)
    return cell.str.to_date(form, strict=False).cast(pl.Datetime("us")).cast(pl.Int64)


def of_counts(count: pl.Expr, form: str) -> pl.Expr:
    """The microseconds that numbers of a clock's units say; null where they are beyond any time."""
    if form == NANOSECONDS:
        return count.cast(pl.Int64, strict=False) // 1000
    unit = _MICROSECONDS[form]
    small = pl.when(count.abs() < _LARGEST // unit).then(count)
    return (small * unit).round(0).cast(pl.Int64, strict=False)


def guess(cell: str) -> str:
    """The form that a cell may have, "" where there is no guess.

    Whether the day or the month is first can't be known from one cell: the day is before a dot or a hyphen, the month
    before a slash.
    """
    digits = re.fullmatch(r"([0-9]+)(\.[0-9]*)?", cell)
    form = _OF_DIGITS.get(len(digits[1]), "") if digits else _translated(cell)
    read = form and pl.DataFrame({"cell": [cell]}).select(timestamps(pl.col("cell"), form)).item() is not None
    return form if read else ""


def swapped(form: str) -> str:
    """The form with the day for the month, and the month for the day."""
    return re.sub(r"%([md])([./-])%([md])", r"%\3\2%\1", form)


def _translated(cell: str) -> str:
    """A cell with its parts replaced by the signs of a form, "" where letters are left whose meaning isn't known."""
    form = cell
    for part, sign in _PARTS:
        form = re.sub(part, sign, form, count=1)
    left = re.sub(r"%\.?[a-zA-Z]|T|Z|UTC|GMT", "", form)
    return (
        ""
        if "%" not in form or re.search(r"[^\W_]", left.translate({ord(sign): None for sign in "年月日"}))
        else form
    )


def _day_and_month(found: re.Match[str]) -> str:
    separator, year = found[2], "%Y" if len(found[3]) == 4 else "%y"
    first = "%m{0}%d" if separator == "/" and int(found[1]) <= 12 else "%d{0}%m"
    return first.format(separator) + separator + year


def _clock(found: re.Match[str]) -> str:
    seconds, fraction, half = found.groups()
    form = ("%I" if half else "%H") + ":%M" + (":%S" if seconds else "") + ("%.f" if fraction else "")
    return form + (f"{half[:-2]}%p" if half else "")


_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_PARTS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b", "%a"),
    (r"^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b", "%A"),
    (rf"\b{_MONTH}\b", "%b"),
    (rf"\b{_MONTH}[a-z]+\b", "%B"),
    (r"(%[bB][ -])[0-9]{1,2}(,? )[0-9]{4}\b", r"\1%d\2%Y"),
    (r"\b[0-9]{1,2}([ /-])(%[bB])([ /-])[0-9]{4}(?![0-9])", r"%d\1\2\3%Y"),
    (r"\b[0-9]{4}([./-])[0-9]{1,2}\1[0-9]{1,2}(?![0-9])", r"%Y\1%m\1%d"),
    (r"\b[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日", "%Y年%m月%d日"),
    (r"\b([0-9]{1,2})([./-])[0-9]{1,2}\2([0-9]{4}|[0-9]{2})(?![0-9])", _day_and_month),
    (r"\b[0-9]{8}T[0-9]{6}", "%Y%m%dT%H%M%S"),
    (r"(?<![0-9])[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?(\.[0-9]+)?( ?[AaPp][Mm]\b)?", _clock),
    (r"[+-][0-9]{2}:?[0-9]{2}$", "%z"),
)
"""What times are made of, and the signs of forms for it, in the order in which they are looked for."""


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


def _nanoseconds(cell: pl.Expr) -> pl.Expr:
    return pl.when(cell.str.contains(r"^[0-9]{1,19}$")).then(cell).cast(pl.Int64, strict=False) // 1000


def _counted(cell: pl.Expr, unit: int) -> pl.Expr:
    shaped = pl.when(cell.str.contains(_COUNT)).then(cell)
    whole = shaped.str.extract(r"^[+-]?([0-9]+)").cast(pl.Int64)
    fraction = ("0." + shaped.str.extract(r"\.([0-9]+)$")).cast(pl.Float64).fill_null(0.0)
    bounded = pl.when(whole < _LARGEST // unit).then(whole)
    moment = bounded * unit + (fraction * unit).round(0).cast(pl.Int64)
    return pl.when(cell.str.starts_with("-")).then(-moment).otherwise(moment)
