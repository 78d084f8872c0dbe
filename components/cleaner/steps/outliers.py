"""Quantities and prices that are far from what is usual, by medians that the outliers can't move."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from aisle.components.cleaner.ledger import Ledger, flags
from aisle.components.cleaner.options import CleanerOptions
from aisle.schema import events as kinds

_SCALE = 1.4826
"""Makes the median absolute deviation of a normal distribution its standard deviation."""
_FLOOR = {"quantity": 0.5, "price": 0.25}
"""The least median absolute deviation of the logarithm: an item that always sold at one price has none."""
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
    # What is given away costs what it should.
    rows = items.rows.with_columns(x=pl.when(pl.col("price") > 0).then(pl.col("price").log()), **{_SHOP: 0})
    rows = _first_limits(rows, [_limits(rows, level, "price", options) for level in _levels(rows, ())])
    own = _own_limits(items.rows["item_id"], events, options)
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


def _own_limits(ids: pl.Series, events: pl.DataFrame, options: CleanerOptions) -> pl.DataFrame:
    """Returns for each item how many `sales` had a price, their centre `sold`, and its reach `sold_reach`."""
    if not {"price", "event", "item_id"} <= set(events.columns):
        nothing = pl.lit(None, pl.Float64)
        return ids.to_frame().with_columns(sold=nothing, sold_reach=nothing, sales=nothing)
    sales = events.filter(pl.col("event").is_in(kinds.sales()) & pl.col("price").is_not_null())
    sales = sales.select("item_id", x=pl.col("price").log())
    own = _limits(sales, "item_id", "price", options, least=1).rename(
        {"centre": "sold", "reach": "sold_reach"}
    )
    own = own.join(sales.group_by("item_id").agg(sales=pl.len()), on="item_id")
    return ids.to_frame().join(own, on="item_id", how="left", maintain_order="left")


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
    sales = frame.filter(pl.col("event").is_in(kinds.sales()))
    limits = [_limits(sales, level, column, options) for level in _levels(frame, ("item_id",))]
    away = pl.col("x") - pl.col("centre")
    far = _first_limits(frame, limits).filter(away.abs() > pl.col("reach"))
    bound = (pl.col("centre") + away.sign() * pl.col("reach")).exp() * pl.col("value").sign()
    # Where all are sold in whole pieces, so is the limit.
    whole = (rows[column].drop_nulls() % 1 == 0).all() and column == "quantity"
    clipped = far.select(bound.round() if whole else bound).to_series()
    moved = rows[column].clone().scatter(far["row"], clipped.cast(rows.schema[column]))
    return flags(len(rows), far["row"]), moved


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
