"""Quantities and prices that are far from what is usual, by medians that the outliers can't move."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from aisle.components.cleaner.ledger import Ledger, flags
from aisle.components.cleaner.options import CleanerOptions

_SCALE = 1.4826
"""Makes the median absolute deviation of a normal distribution its standard deviation."""
_FLOOR = {"quantity": 0.5, "price": 0.25}
"""The least median absolute deviation of the logarithm: an item that always sold at one price has none."""
_SALES = ("purchase", "cart")
_SHOP = "__shop__"
_REASON = "outlier: far from what is usual for the item"


def treat_outliers(ledger: Ledger, categories: pl.DataFrame, options: CleanerOptions) -> None:
    """Treats the events' prices and quantities that are outliers as the options say.

    Args:
        ledger: the events.
        categories: `item_id` and, where the shop has them, `category`.
        options: limits and policies.
    """
    policies = {"price": options.price_outliers, "quantity": options.quantity_outliers}
    for column, policy in policies.items():
        if column in ledger.rows.columns:
            wrong, clipped = _event_outliers(ledger.rows, column, categories, options)
            reason = f"{column} {_REASON}"
            if policy == "note":
                ledger.note("note", reason, wrong)
            elif policy == "clip":
                ledger.change("denoise", f"{reason}: clipped", column, clipped)
            else:
                ledger.take_out("denoise", reason, column, wrong)


def treat_catalogue_prices(items: Ledger, events: pl.DataFrame, options: CleanerOptions) -> None:
    """Finds catalogue prices that are outliers beside the item's sales or its category's prices.

    Where outliers aren't only noted such a price becomes unknown, and is then imputed as others are.

    Args:
        items: the cleaned items.
        events: the cleaned events; without a price or an event, only categories are compared.
        options: limits and policies.
    """
    if "price" not in items.rows.columns:
        return
    rows = items.rows.with_columns(x=pl.col("price").log(), **{_SHOP: 0})
    limits = [_limits(rows, level, "price", options) for level in _levels(rows, ())]
    rows = _first_limits(rows, limits)
    if {"price", "event"} <= set(events.columns):
        sales = events.filter(pl.col("event").is_in(_SALES) & pl.col("price").is_not_null())
        sold = sales.with_columns(x=pl.col("price").log())
        own = _limits(sold, "item_id", "price", options)
        joined = rows.select("item_id").join(own, on="item_id", how="left", maintain_order="left")
        centre = pl.coalesce(joined["centre"], rows["centre"])
        rows = rows.with_columns(centre=centre, reach=pl.coalesce(joined["reach"], rows["reach"]))
    wrong = rows.select((pl.col("x") - pl.col("centre")).abs() > pl.col("reach")).to_series()
    reason = "price outlier: far from its sales or its category"
    if options.price_outliers == "note":
        items.note("note", reason, wrong)
    else:
        known = pl.when(~wrong.fill_null(False)).then(pl.col("price"))
        items.change("denoise", f"{reason}: unknown", "price", known)


def _event_outliers(
    rows: pl.DataFrame, column: str, categories: pl.DataFrame, options: CleanerOptions
) -> tuple[pl.Series, pl.Series]:
    """Returns which values of a column are outliers, and the column with them moved to the limit."""
    value = pl.col(column)
    # Returns of some feeds count pieces below zero: their size is what can be an outlier.
    size = pl.when(value.is_finite() & (value != 0)).then(value.cast(pl.Float64).abs().log())
    frame = rows.select("event", "item_id", value.alias("value"), size.alias("x"), pl.lit(0).alias(_SHOP))
    # Most events of a click log have neither a price nor a quantity.
    frame = frame.with_row_index("row").filter(pl.col("x").is_not_null())
    if "category" in categories.columns:
        known = categories.select("item_id", "category").unique("item_id")
        frame = frame.join(known, on="item_id", how="left", maintain_order="left")
    sales = frame.filter(pl.col("event").is_in(_SALES))
    limits = [_limits(sales, level, column, options) for level in _levels(frame, ("item_id",))]
    away = pl.col("x") - pl.col("centre")
    far = _first_limits(frame, limits).filter(away.abs() > pl.col("reach"))
    bound = (pl.col("centre") + away.sign() * pl.col("reach")).exp() * pl.col("value").sign()
    clipped = far.select(bound.round() if rows.schema[column].is_integer() else bound).to_series()
    moved = rows[column].clone().scatter(far["row"], clipped.cast(rows.schema[column]))
    return flags(len(rows), far["row"]), moved


def _levels(rows: pl.DataFrame, first: Sequence[str]) -> list[str]:
    """Returns the columns that say what a row is compared with, the closest first."""
    return [*first, *(["category"] if "category" in rows.columns else []), _SHOP]


def _limits(values: pl.DataFrame, key: str, column: str, options: CleanerOptions) -> pl.DataFrame:
    """Returns for each key the `centre` of the logarithms `x`, and the `reach` of what is usual."""
    x = pl.col("x")
    spread = (x - x.median()).abs().median()
    known = values.filter(x.is_finite() & pl.col(key).is_not_null())
    limits = known.group_by(key).agg(count=pl.len(), centre=x.median(), spread=spread)
    reach = options.outlier_deviations * _SCALE * pl.max_horizontal("spread", pl.lit(_FLOOR[column]))
    return limits.filter(pl.col("count") >= options.outlier_sales).select(key, "centre", reach=reach)


def _first_limits(rows: pl.DataFrame, limits: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Returns the rows with the `centre` and `reach` of the first limits that know their key."""
    found = []
    for table in limits:
        key = table.columns[0]
        found.append(rows.select(key).join(table, on=key, how="left", maintain_order="left"))
    return rows.with_columns(
        pl.coalesce([table[name] for table in found]).alias(name) for name in ("centre", "reach")
    )
