"""Numbers as text: plainly written, or as the settings say, with thousands parted and a currency beside them."""

from __future__ import annotations

import polars as pl

NOT_NUMBER = "not a number"

# Digits are spelled out: \d would also take the digits of other scripts.
_PLAIN = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_NOT_FINITE = r"^[+-]?(?i:nan|inf|infinity)$"
_CURRENCY = r"(?:\p{L}{0,4}\p{Sc}|\p{L}{1,6}\.?)"
_BLANKS = r" \u00a0\u202f\u2009"
_THREE_DIGITS = r"^[1-9][0-9]{0,2}\.[0-9]{3}$"
_FEW, _NEARLY = 10, 0.9
_LAKHS = r"[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}"
"""As India parts them: `1,23,456`."""
_MARKS = {"point": (r"\.", ","), "comma": (",", r"\.")}


def numbers(cell: pl.Expr, form: str = "") -> pl.Expr:
    """The numbers that cells of text say, null where they don't; NaN and infinity are numbers too.

    Args:
        cell: text.
        form: the decimal mark, `point` or `comma`; "" takes only what is plainly written.
    """
    infinity = pl.when(cell.str.starts_with("-")).then(pl.lit(-float("inf"))).otherwise(pl.lit(float("inf")))
    not_finite = pl.when(cell.str.to_lowercase().str.contains("nan")).then(float("nan")).otherwise(infinity)
    finite = _formed(cell, form) if form else pl.when(cell.str.contains(_PLAIN)).then(cell)
    return pl.when(cell.str.contains(_NOT_FINITE)).then(not_finite).otherwise(
        finite.cast(pl.Float64, strict=False)
    )  # fmt: skip


def other_currencies(cells: pl.Series) -> pl.Series:
    """Which cells name a currency that isn't the one that most of them name: [n] booleans."""
    named = cells.str.replace_all(rf"[0-9+\-.,'’{_BLANKS}]", "").str.to_uppercase()
    named = named.set(named == "", None)
    usual = named.drop_nulls().mode().sort().head(1)
    return (named != usual.item()).fill_null(False) if len(usual) else named.is_not_null()


def like_thousands(cells: pl.Series) -> pl.Series:
    """Which cells may mean a thousandfold: [n] booleans, true where nearly all that have a point have three digits behind it.

    `1.250` is 1250 in many countries, and such a column can be read either way.
    """
    pointed, three = (
        cells.str.contains(r"\.").fill_null(False),
        cells.str.contains(_THREE_DIGITS).fill_null(False),
    )
    share = int(three.sum()) / max(int(pointed.sum()), 1)
    return three & (int(three.sum()) >= _FEW and share >= _NEARLY)


def _formed(cell: pl.Expr, form: str) -> pl.Expr:
    """The number as it is plainly written, null where the cell isn't one of that form."""
    decimal, thousands = _MARKS[form]
    lakhs = f"{_LAKHS}|" if thousands == "," else ""
    parted = rf"[0-9]{{1,3}}(?:[{thousands}{_BLANKS}'’][0-9]{{3}})+|{lakhs}[0-9]+"
    blank = rf"[{_BLANKS}]*"
    shape = (
        rf"^{blank}([+-]?){blank}(?:{_CURRENCY})?{blank}([+-]?)({parted}){_decimals(decimal)}{blank}"
        rf"(?:{_CURRENCY})?{blank}$"
    )
    sign = cell.str.extract(shape, 1) + cell.str.extract(shape, 2)
    whole = cell.str.extract(shape, 3).str.replace_all("[^0-9]", "")
    return pl.when(sign.str.len_chars() < 2).then(
        sign + whole + "." + cell.str.extract(shape, 4).fill_null("0")
    )


def _decimals(mark: str) -> str:
    """A dash stands for none: `12,-`."""
    return rf"(?:{mark}(?:([0-9]*)|[-–—]{{1,2}}))?"
