"""Numbers that came as text with a currency, and prices in a currency that isn't the shop's."""

from __future__ import annotations

import polars as pl

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.options import CleanerOptions

_PLAIN = r"^-?\d+(?:\.\d+)?$"
_CURRENCY = "currency"


def settle_money(ledger: Ledger, options: CleanerOptions) -> None:
    """Reads the declared columns of text as numbers, and converts prices to the shop's currency."""
    for name in options.numbers:
        table, _, column = name.partition(".")
        if table == ledger.table and ledger.rows.schema.get(column) == pl.String:
            _read(ledger, column)
    if options.rates and {_CURRENCY, "price"} <= set(ledger.rows.columns):
        currency = pl.col(_CURRENCY).str.strip_chars().str.to_uppercase()
        rates = {code.upper(): rate for code, rate in options.rates.items()}
        rate = currency.replace_strict(rates, default=None, return_dtype=pl.Float64)
        foreign = rate.is_null() & currency.is_not_null()
        price = pl.col("price")
        known = pl.when(~foreign | price.is_null()).then(price)
        ledger.change("normalise", "price in a currency without a rate: unknown", "price", known)
        converted = pl.when(rate.is_not_null()).then(price * rate).otherwise(price)
        ledger.change("normalise", "price: converted to the shop's currency", "price", converted)


def number_of(text: pl.Expr) -> pl.Expr:
    """Returns the number in texts such as `£1,234.50`, `12,50 EUR` or `1.234`; null where there is none.

    Of a point and a comma the last one is the decimal mark; a mark that is alone is one unless exactly
    three digits follow, as they do behind thousands.
    """
    bare = text.str.replace_all(r"[\s\u00a0']|[\p{Sc}]|^\p{L}{1,3}\.?|\p{L}{1,3}\.?$", "")
    bare = bare.str.replace_all(r"^\p{L}{1,3}|\p{L}{1,3}$", "")
    thousands = bare.str.contains(r"^-?[1-9]\d{0,2}(?:[.,]\d{3})+$") & ~(
        bare.str.contains(",", literal=True) & bare.str.contains(".", literal=True)
    )
    comma_last = bare.str.contains(r",\d*$")
    plain = (
        pl.when(thousands)
        .then(bare.str.replace_all(r"[.,]", ""))
        .when(comma_last)
        .then(bare.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True))
        .otherwise(bare.str.replace_all(",", "", literal=True))
    )
    return pl.when(plain.str.contains(_PLAIN)).then(plain).cast(pl.Float64, strict=False)


def _read(ledger: Ledger, column: str) -> None:
    """Turns a column of text into numbers; what is none is missing."""
    number = ledger.rows.select(number_of(pl.col(column))).to_series()
    known = pl.col(column).is_not_null()
    ledger.note("normalise", f"{column}: not a number, unknown", known & number.is_null())
    written = known & number.is_not_null() & ~pl.col(column).str.contains(_PLAIN)
    ledger.note("normalise", f"{column}: read as a number", written)
    ledger.rows = ledger.rows.with_columns(number.alias(column))
