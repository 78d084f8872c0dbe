"""Sales, line by line: net of what was cancelled, and without the excess of one-off bulk lines."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from aisle.components.cleaner.steps.returns import undone
from aisle.components.demand.options import DemandOptions
from aisle.schema import events as kinds
from aisle.schema.errors import InputError

_TEXTS = ("user_id",)
_NUMBERS = ("quantity", "price")


def sales(
    events: pl.DataFrame, options: DemandOptions, renamed: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """The purchases that stand.

    Args:
        events: cleaned; `timestamp` in microseconds.
        options: what counts.
        renamed: the item that another one became, by its old id: their sales are one series.

    Returns:
        item_id, timestamp, quantity, revenue and usual (the quantity, at most `options.bulk` times the geometric mean of the
        item's lines so far: no line of the future says what was usual), oldest first.

    Raises:
        InputError: there is no purchase.
    """
    lines = events.with_columns(
        *(pl.lit(None, pl.String).alias(name) for name in _TEXTS if name not in events.columns),
        *(pl.lit(None, pl.Float64).alias(name) for name in _NUMBERS if name not in events.columns),
    )
    lines = lines.with_columns(pl.col("quantity").cast(pl.Float64).fill_null(1.0))
    bought = pl.col("event") == kinds.PURCHASE.name
    if not options.settled:
        lines = lines.filter(~undone(lines))
    lines = lines.filter(bought & (pl.col("quantity") > 0))
    if lines.is_empty():
        raise InputError(
            f"there is no purchase among {len(events):,} events that isn't undone; expected some to forecast demand from"
        )
    lines = lines.sort("timestamp", maintain_order=True).select(
        pl.col("item_id").replace(renamed or {}),
        "timestamp",
        "quantity",
        revenue=pl.col("quantity") * pl.col("price").fill_null(1.0),
    )
    size = pl.col("quantity").log()
    usual = (size.cum_sum() / pl.int_range(1, pl.len() + 1)).exp().over("item_id")
    return lines.with_columns(usual=pl.min_horizontal("quantity", usual * options.bulk))
