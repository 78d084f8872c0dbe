"""What the Cleaner may be told."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from aisle.components.cleaner.steps.rules import parse_rule
from aisle.schema.options import Amount, AtLeastOne, AtLeastZero, Days, Factor, Options, Positive, Share
from aisle.schema.tables import TABLES


def _column(name: str) -> str:
    table, dot, column = name.partition(".")
    tables = [table.name for table in TABLES]
    if table not in tables or not column or "." in column:
        raise ValueError(f"expected TABLE.COLUMN of a table of {', '.join(tables)}")
    return name


def _pattern(text: str) -> str:
    import polars as pl

    try:
        # The Cleaner's own engine, whose syntax is not Python's.
        pl.Series([""]).str.contains(f"^(?:{text})$")
    except pl.exceptions.ComputeError as error:
        why = str(error).split("error: ")[-1].splitlines()[0]
        raise ValueError(f"expected a regular expression (of Rust's crate regex): {why}") from error
    return text


def _rule(text: str) -> str:
    parse_rule(text)
    return text


Column = Annotated[str, pydantic.AfterValidator(_column)]
"""`table.column`."""
Pattern = Annotated[str, pydantic.AfterValidator(_pattern)]
"""A regular expression."""
Filling = Annotated[str, pydantic.AfterValidator(_rule)]
"""How missing cells are filled, as `parse_rule` reads it."""
AUTO = "auto"
"""Stands for what is found in the shop's own data."""
Policy = Literal["note", "clip", "quarantine"]
Seconds = Annotated[float, pydantic.Field(strict=True, ge=0, le=86_400)]
"""Of a day at most: what is further apart is not one event, nor one visit."""
Rating = Annotated[float, pydantic.Field(strict=True, ge=-1000, le=1000)]


class CleanerOptions(Options):
    """Options of the Cleaner.

    Attributes:
        non_product: item ids that match one of these patterns in full are no products, whatever they look like.
        odd_sales: an id sold at least so often may be told from a product (postage, fees, corrections) by how it
            sells (0 = never) ...
        odd_factor: ... if its dearest sales cost at least so many times its cheapest ones (leaving out a
            twentieth at either end), two in five sales have a price of their own, and nobody clicked it; an id of
            a form that hardly any item has also by what else sets it apart from the shop's products.
        stock_notes: titles that are one of these words, whatever the case, look like notes of the staff. They are
            if the item has another title, or was neither sold nor looked at.
        uppercase_share: where at least this share of titles is in capitals, a title with words in small
            letters only looks like a note too.
        category_levels: the sign between the levels of a category's path, such as `>`; `auto` finds it, and ""
            stands for none but `/`.
        category_lists: the sign between several categories of an item, such as `|`; `auto` finds it, and ""
            stands for none.
        max_title: characters; a longer title or query is cut.
        max_description: characters; a longer description or review is cut.
        units: spellings of units behind a number in titles, descriptions and queries, and what each becomes, such
            as `{gr = "g", g = "g"}`, which writes `500gr` and `500G` as `500 g`.
        max_future_days: a timestamp further than this after now is wrong.
        isolated_spans: a timestamp before nearly all others, by so many times the time they span and at
            least a year, is that of a clock which was never set (0 = keep such).
        near_duplicate_seconds: an event repeated within so many seconds is the same event (0 = keep all).
        near_duplicate_columns: what must be equal for that; other cells may be missing in one of the two.
        bot_clicks: a session or user of at least so many clicks, and of nothing but looking, may be a bot.
        bot_seconds: it is one if its clicks are on average at most so far apart ...
        bot_regularity: ... or if the time between them varies by less than this share (0 = don't look). Clicks of
            nobody, each in a session of its own, are a bot's if ten times `bot_clicks` follow each other so.
        outlier_deviations: a quantity or price is an outlier if it is so many deviations away from the
            median of its item (median absolute deviation of the logarithm, scaled to a standard deviation).
        outlier_sales: an item sold less often is judged by its category, and that by the whole shop.
        quantity_outliers: `note` them and use them, `clip` them to the limit, or `quarantine` their rows.
        price_outliers: the same; in the catalogue, what isn't only noted becomes the median of the sales.
        max_age: years; a user's age outside 1 to this is unknown.
        ratings: the lowest and the highest rating; others are unknown.
        keep_undone_purchases: whether a purchase that a return undoes in full still counts as interest.
        part_rows: events of more rows are cleaned in parts of about so many, which lie on disk by turns (docs/scale.md);
            what comes out is the same.
        numbers: columns of text such as `items.rrp` to read as numbers, whatever their currency sign,
            decimal comma or thousands separators.
        rates: what a unit of each currency is worth in the shop's own, which is worth 1; where given, prices
            with a `currency` beside them are converted, and those in a currency without a rate are unknown.
        missing: how to fill a column's missing cells, by `table.column`: `delete` (quarantine the row),
            `constant:VALUE`, `median` or `mode` (of the column), `median:GROUP` or `mode:GROUP` (of the rows
            that agree in the column GROUP; then of all), or `interpolate` (events: by time, within the item).
    """

    non_product: tuple[Pattern, ...] = ()
    odd_sales: AtLeastZero = 20
    odd_factor: Factor = 10.0
    stock_notes: tuple[str, ...] = (
        "damaged",
        "damages",
        "check",
        "found",
        "lost",
        "missing",
        "test",
        "adjustment",
        "do not use",
        "wrong label",
    )
    uppercase_share: Share = 0.9
    category_levels: str = AUTO
    category_lists: str = AUTO
    max_title: AtLeastOne = 500
    max_description: AtLeastOne = 5000
    units: dict[str, str] = {}
    max_future_days: Days = 1.0
    isolated_spans: Amount = 5.0
    near_duplicate_seconds: Seconds = 5.0
    near_duplicate_columns: tuple[str, ...] = (
        "event",
        "item_id",
        "user_id",
        "session_id",
        "quantity",
        "price",
        "rating",
    )
    bot_clicks: AtLeastOne = 60
    bot_seconds: Seconds = 1.0
    bot_regularity: Share = 0.25
    outlier_deviations: Positive = 6.0
    outlier_sales: AtLeastOne = 10
    quantity_outliers: Policy = "note"
    price_outliers: Policy = "clip"
    max_age: AtLeastOne = 120
    ratings: tuple[Rating, Rating] = (1.0, 5.0)
    keep_undone_purchases: bool = True
    part_rows: Annotated[int, pydantic.Field(strict=True, ge=1_000)] = 2_000_000
    numbers: tuple[Column, ...] = ()
    rates: dict[str, Positive] = {}
    missing: dict[Column, Filling] = {}

    @pydantic.field_validator("ratings")
    @classmethod
    def _lowest_first(cls, ratings: tuple[float, float]) -> tuple[float, float]:
        if ratings[0] >= ratings[1]:
            raise ValueError("expected the lowest rating, then the highest")
        return ratings
