"""Ids that are no products: by their pattern, and by their behaviour."""

from __future__ import annotations

import math

import polars as pl

from aisle.components.cleaner.options import CleanerOptions
from aisle.schema import events as kinds

_OWN_PRICES = 0.4
"""The share of sales with a price that no other sale has, from which on a price is typed in, not looked up."""
_MOST_ODD = 0.05
"""Where a larger share of the ids is priced so, it is how the shop sells."""


def no_product(ids: pl.Series, options: CleanerOptions) -> str:
    """Returns the pattern of ids that are no products, by the options and by this shop's own habit."""
    patterns = list(options.non_product)
    with_digits = ids.drop_nulls().str.contains(r"^[0-9]").mean()
    if isinstance(with_digits, float) and with_digits >= options.product_digits:
        patterns.append("[^0-9]*")
    return "^(?:" + "|".join(patterns or ["[^\\s\\S]"]) + ")$"


def priced_like_no_product(events: pl.DataFrame, options: CleanerOptions) -> pl.Series:
    """Returns the ids whose sales cost anything from a little to a lot, as postage, fees and corrections do.

    Args:
        events: the events as they were read.
        options: how often such an id was sold at least, and how far its prices lie apart.
    """
    none = pl.Series([], dtype=pl.String)
    if not options.odd_sales or not {"event", "item_id", "price"} <= set(events.columns):
        return none
    price = pl.col("price")
    sales = events.filter((pl.col("event") == kinds.PURCHASE.name) & price.is_finite() & (price > 0))
    prices = sales.group_by("item_id").agg(
        count=pl.len(),
        distinct=price.n_unique(),
        factor=price.log().quantile(0.95) - price.log().quantile(0.05),
    )
    odd = prices.filter(
        (pl.col("count") >= options.odd_sales)
        & (pl.col("factor") >= math.log(options.odd_factor))
        & (pl.col("distinct") >= _OWN_PRICES * pl.col("count"))
    )["item_id"]
    clicked = events.filter((pl.col("event") == kinds.CLICK.name) & pl.col("item_id").is_in(odd.implode()))
    odd = odd.filter(~odd.is_in(clicked["item_id"].implode()))
    return odd if len(odd) <= _MOST_ODD * len(prices) else none
