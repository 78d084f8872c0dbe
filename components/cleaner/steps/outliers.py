"""Quantities and prices that are far from what is usual, by medians that the outliers can't move."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Collection, Sequence

import polars as pl

from aisle.components.cleaner.ledger import Ledger, flags
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.plans.plan import Question, Stage, Told, nothing
from aisle.schema import events as kinds

_SCALE = 1.4826
"""Makes the median absolute deviation of a normal distribution its standard deviation."""
_FLOOR = {"quantity": 0.5, "price": 0.25}
"""The least median absolute deviation of the logarithm: an item that always sold at one price has none."""
_SHOP = "__shop__"
_REASON = "outlier: far from what is usual for the item"


def outlier_stages(
    columns: Collection[str], categories: pl.DataFrame, options: CleanerOptions
) -> list[Stage[Ledger]]:
    """Treats the events' prices and quantities that are outliers as the options say.

    What is usual for an item is told from its part; for a category and the shop all parts are asked how often each value
    was there: of both at once, unless rows go for their price.

    Args:
        columns: of the events.
        categories: `item_id` and, where the shop has them, `category`.
        options: limits and policies.
    """
    treated = [column for column in ("price", "quantity") if column in columns]
    asks = [(_ask_usual(column, categories, options), _ask_whole(column)) for column in treated]
    treats = [Stage(functools.partial(_treat, column, categories, options)) for column in treated]
    if options.price_outliers == "quarantine":
        return [
            stage
            for questions, treat in zip(asks, treats, strict=True)
            for stage in (Stage(nothing, questions), treat)
        ]
    return [Stage(nothing, tuple(itertools.chain(*asks))), *treats] if treated else []


def _ask_usual(column: str, categories: pl.DataFrame, options: CleanerOptions) -> Question[Ledger]:
    """Asks for the limits of each category, and of the shop."""

    def show(ledger: Ledger, _: Told) -> pl.DataFrame:
        sales = _sizes(ledger.rows.filter(pl.col("event").is_in(kinds.sales())), column, categories)
        levels = [
            sales.group_by(pl.lit(level).alias("level"), pl.col(level).alias("key"), "x").agg(count=pl.len())
            for level in _levels(sales, ())
        ]
        return pl.concat(levels)

    def answer(shown: pl.DataFrame) -> dict[str, pl.DataFrame]:
        counts = shown.group_by("level", "key", "x").agg(pl.col("count").cast(pl.Int64).sum())
        return {
            level: counted_limits(counts.filter(pl.col("level") == level), column, options).rename(
                {"key": level}
            )
            for level in ("category", _SHOP)
        }

    return Question(f"usual {column}", show, answer)


def _ask_whole(column: str) -> Question[Ledger]:
    """Asks whether all is sold in whole pieces."""

    def show(ledger: Ledger, _: Told) -> pl.DataFrame:
        return ledger.rows.select(whole=(pl.col(column).drop_nulls() % 1 == 0).all())

    return Question(f"whole {column}", show, lambda shown: bool(shown["whole"].all()))


def _treat(
    column: str, categories: pl.DataFrame, options: CleanerOptions, ledger: Ledger, told: Told
) -> None:
    policy = options.price_outliers if column == "price" else options.quantity_outliers
    wrong, clipped = _event_outliers(ledger.rows, column, categories, options, told)
    reason = f"{column} {_REASON}"
    if policy == "note":
        ledger.note("note", reason, wrong)
    elif policy == "clip":
        ledger.change("denoise", f"{reason}: clipped", column, clipped)
    else:
        ledger.take_out("denoise", reason, column, wrong)


def treat_catalogue_prices(items: Ledger, prices: pl.DataFrame, options: CleanerOptions) -> None:
    """Finds catalogue prices that are outliers beside the item's sales or its category's prices.

    Where outliers aren't only noted such a price becomes unknown, and is then imputed as others are.

    Args:
        items: the cleaned items.
        prices: what each was sold for, see `sold_prices`; without a sale, only categories are compared.
        options: limits and policies.
    """
    if "price" not in items.rows.columns:
        return
    # What is given away costs what it should.
    rows = items.rows.with_columns(x=pl.when(pl.col("price") > 0).then(pl.col("price").log()), **{_SHOP: 0})
    rows = _first_limits(rows, [_limits(rows, level, "price", options) for level in _levels(rows, ())])
    own = items.rows.select("item_id").join(prices, on="item_id", how="left", maintain_order="left")
    rows = rows.with_columns(own["sold"], own["sold_reach"], own["sales"])
    # Where few sales contradict the catalogue, the one that is further from the category is wrong.
    x, sold, centre = pl.col("x"), pl.col("sold"), pl.col("centre")
    trusted = (pl.col("sales") >= options.outlier_sales) | ((x - centre).abs() > (sold - centre).abs())
    contradicted = ((x - sold).abs() > pl.col("sold_reach")) & trusted
    far = (x - centre).abs() > pl.col("reach")
    wrong = rows.select(pl.when(sold.is_not_null()).then(contradicted).otherwise(far)).to_series()
    reason = "price outlier: far from its sales or its category"
    if options.price_outliers == "note":
        items.note("note", reason, wrong)
    else:
        known = pl.when(~wrong.fill_null(False)).then(pl.col("price"))
        items.change("denoise", f"{reason}: unknown", "price", known)


def sold_prices(events: pl.DataFrame, options: CleanerOptions) -> pl.DataFrame:
    """Returns what items were sold for.

    Args:
        events: the cleaned events, all of an item.
        options: limits.

    Returns:
        A row for each item with a sale: `item_id`, how many `sales` had a price, the centre of their logarithms `sold`,
        its reach `sold_reach`, and the median price of its purchases, `usual`.
    """
    if not {"price", "event", "item_id"} <= set(events.columns):
        numbers = dict.fromkeys(("sold", "sold_reach", "sales", "usual"), pl.Float64)
        return pl.DataFrame(schema={"item_id": pl.String, **numbers})
    purchases = events.filter(pl.col("event") == kinds.PURCHASE.name)
    usual = purchases.group_by("item_id").agg(usual=pl.col("price").median())
    sales = events.filter(pl.col("event").is_in(kinds.sales()) & pl.col("price").is_not_null())
    sales = sales.select("item_id", x=pl.col("price").log())
    own = _limits(sales, "item_id", "price", options, least=1).rename(
        {"centre": "sold", "reach": "sold_reach"}
    )
    own = own.join(sales.group_by("item_id").agg(sales=pl.len().cast(pl.Float64)), on="item_id")
    return own.join(usual, on="item_id", how="full", coalesce=True)


def _event_outliers(
    rows: pl.DataFrame, column: str, categories: pl.DataFrame, options: CleanerOptions, told: Told
) -> tuple[pl.Series, pl.Series]:
    """Returns which values of a column are outliers, and the column with them moved to the limit."""
    frame = _sizes(rows, column, categories)
    own = _limits(frame.filter(pl.col("event").is_in(kinds.sales())), "item_id", column, options)
    usual = told[f"usual {column}"]
    limits = [own, *(usual[level] for level in _levels(frame, ()))]
    away = pl.col("x") - pl.col("centre")
    far = _first_limits(frame, limits).filter(away.abs() > pl.col("reach"))
    bound = (pl.col("centre") + away.sign() * pl.col("reach")).exp() * pl.col("value").sign()
    # Where all are sold in whole pieces, so is the limit.
    whole = told[f"whole {column}"] and column == "quantity"
    clipped = far.select(bound.round() if whole else bound).to_series()
    moved = rows[column].clone().scatter(far["row"], clipped.cast(rows.schema[column]))
    return flags(len(rows), far["row"]), moved


def _sizes(rows: pl.DataFrame, column: str, categories: pl.DataFrame) -> pl.DataFrame:
    """Returns the values of a column and the logarithms `x` of their sizes, beside what they are compared by."""
    value = pl.col(column)
    # Returns of some feeds count pieces below zero: their size is what can be an outlier.
    size = pl.when(value.is_finite() & (value != 0)).then(value.cast(pl.Float64).abs().log())
    frame = rows.select("event", "item_id", value.alias("value"), size.alias("x"), pl.lit("").alias(_SHOP))
    # Most events of a click log have neither a price nor a quantity.
    frame = frame.with_row_index("row").filter(pl.col("x").is_not_null())
    if "category" in categories.columns:
        known = categories.select("item_id", "category").unique("item_id")
        frame = frame.join(known, on="item_id", how="left", maintain_order="left")
    return frame


def _levels(rows: pl.DataFrame, first: Sequence[str]) -> list[str]:
    """Returns the columns that say what a row is compared with, the closest first."""
    return [*first, *(["category"] if "category" in rows.columns else []), _SHOP]


def _limits(
    values: pl.DataFrame, key: str, column: str, options: CleanerOptions, least: int | None = None
) -> pl.DataFrame:
    """Returns for each key the `centre` of the logarithms `x`, and the `reach` of what is usual."""
    x = pl.col("x")
    spread = (x - x.median()).abs().median()
    known = values.filter(x.is_finite() & pl.col(key).is_not_null())
    limits = known.group_by(key).agg(count=pl.len(), centre=x.median(), spread=spread)
    return _reaching(limits, key, column, options, least)


def counted_limits(counts: pl.DataFrame, column: str, options: CleanerOptions) -> pl.DataFrame:
    """Returns what `_limits` does, of logarithms that are counted.

    Args:
        counts: `key`, `x` and `count`: how often a value was there.
        column: whose values they are.
        options: limits.
    """
    x = pl.col("x")
    known = counts.filter(x.is_finite() & pl.col("key").is_not_null())
    centres = _medians(known).rename({"median": "centre"})
    away = known.join(centres.select("key", "centre"), on="key").with_columns(x=(x - pl.col("centre")).abs())
    spreads = _medians(away).select("key", spread="median")
    return _reaching(centres.join(spreads, on="key"), "key", column, options)


def _medians(counts: pl.DataFrame) -> pl.DataFrame:
    """Returns for each `key` how many values it has, and their median, between the middle two as Polars has it."""
    x, upto, total = pl.col("x"), pl.col("count").cum_sum(), pl.col("count").sum()
    middle = counts.sort("x").group_by("key").agg(
        count=total,
        low=x.filter(upto >= (total + 1) // 2).first(),
        high=x.filter(upto >= total // 2 + 1).first(),
    )  # fmt: skip
    low, high = pl.col("low"), pl.col("high")
    return middle.select("key", "count", median=low + (high - low) * 0.5)


def _reaching(
    limits: pl.DataFrame, key: str, column: str, options: CleanerOptions, least: int | None = None
) -> pl.DataFrame:
    """Returns the `centre` and `reach` of those keys that have values enough."""
    reach = options.outlier_deviations * _SCALE * pl.max_horizontal("spread", pl.lit(_FLOOR[column]))
    enough = options.outlier_sales if least is None else least
    return limits.filter(pl.col("count") >= enough).select(key, "centre", reach=reach)


def _first_limits(rows: pl.DataFrame, limits: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Returns the rows with the `centre` and `reach` of the first limits that know their key."""
    found = []
    for table in limits:
        key = table.columns[0]
        found.append(rows.select(key).join(table, on=key, how="left", maintain_order="left"))
    return rows.with_columns(
        pl.coalesce([table[name] for table in found]).alias(name) for name in ("centre", "reach")
    )
