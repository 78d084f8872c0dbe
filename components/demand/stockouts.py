"""When an item could not be sold: a day without stock says nothing of what was asked for."""

from __future__ import annotations

import numpy as np
import polars as pl

from aisle.schema.tables import MICROSECONDS_PER_DAY


def out_of_stock(items: pl.Series, sold: np.ndarray, stock: pl.DataFrame, begin: int) -> np.ndarray:
    """The days on which an item was out of stock: bool [n, days].

    It is from the day of a count of nothing until the day of the next count that finds something, or of the next sale: what
    is sold was there. A day on which it sold is never among them.

    Args:
        items: ids, ascending, [n].
        sold: whether the item sold on that day, bool [n, days].
        stock: counts, `item_id`, `on_hand` and `as_of` in microseconds; several of a day: the last holds.
        begin: the first day, since 1970.
    """
    counts = (
        stock.with_columns(day=pl.col("as_of") // MICROSECONDS_PER_DAY - begin)
        .filter(pl.col("item_id").is_in(items.implode()) & (pl.col("day") < sold.shape[1]))
        .sort("as_of", maintain_order=True)
        # One before the first day still tells how it began.
        .with_columns(pl.col("day").clip(0))
        .unique(["item_id", "day"], keep="last", maintain_order=True)
    )
    there = np.where(sold, 1, 0).astype(np.int8)
    row = items.search_sorted(counts["item_id"]).to_numpy()
    column = counts["day"].to_numpy()
    empty = (counts["on_hand"] <= 0).to_numpy() & ~sold[row, column]
    there[row, column] = np.where(empty, -1, 1)
    told = np.where(there != 0, np.arange(there.shape[1]), 0)
    latest = np.maximum.accumulate(told, axis=1)
    return np.take_along_axis(there, latest, axis=1) < 0
