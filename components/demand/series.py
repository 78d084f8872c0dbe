"""Sales as series: a row an item, a column a period, and what isn't known left open."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl

from aisle.components.demand.options import DemandOptions
from aisle.components.demand.stockouts import out_of_stock
from aisle.schema.demand import Series
from aisle.schema.errors import InputError
from aisle.schema.tables import MICROSECONDS_PER_DAY

_SUMS = ("quantity", "revenue", "usual", "orders")


def series(
    sold: pl.DataFrame,
    options: DemandOptions,
    end: datetime.date | None = None,
    stock: pl.DataFrame | None = None,
    within: tuple[int, int] | None = None,
) -> Series:
    """The demand of each item in each whole period before a day.

    What isn't known is NaN, not 0: what came before an item's first sale; periods in which the whole shop sold nothing,
    though it sells often; days on which an item was out of stock. A week of which some days are known is scaled up to seven.

    Args:
        sold: of `sales`.
        options: the length of a period, and when a shop counts as closed.
        end: the first day that isn't known; that after the last sale if None. Later sales are left out.
        stock: counts, `item_id`, `on_hand` and `as_of` in microseconds; None where there are none.
        within: the first and the one after the last of the items, ascending by id, that are wanted: a shop of a million
            items is read in parts, whose memory is that of a part.

    Raises:
        InputError: there is no whole period with a sale before `end`.
    """
    sold, begin, periods = _in_whole_periods(sold, options.days, end)
    items = sold["item_id"].unique().sort()[slice(*within) if within else slice(None)]
    width = periods * options.days
    closed = _closed(sold["day"].to_numpy() - begin, periods, options)
    sold = sold.filter(pl.col("item_id").is_in(items.implode()))
    row = items.search_sorted(sold["item_id"]).to_numpy()
    column = sold["day"].to_numpy() - begin
    grids = {name: _grid(row, column, sold[name].to_numpy(), (len(items), width)) for name in _SUMS}
    unknown = np.zeros((len(items), width), bool)
    if stock is not None:
        unknown = out_of_stock(items, grids["quantity"] > 0, stock, begin)
    known = _sum((~unknown).astype(float), options.days) / options.days
    summed = {name: _sum(grid, options.days) for name, grid in grids.items()}
    started = np.maximum.accumulate(summed["quantity"] > 0, axis=1)
    # A day or two left of a week say too little of it.
    hidden = ~started | closed | (known < 0.5)
    scaled = {
        name: np.where(hidden, np.nan, values / np.maximum(known, 0.5)) for name, values in summed.items()
    }
    return Series(
        items.to_numpy().astype(str),
        np.datetime64(begin, "D") + options.days * np.arange(periods),
        options.days,
        scaled["quantity"],
        np.nan_to_num(scaled["revenue"]),
        scaled["orders"],
        scaled["usual"],
    )


def _in_whole_periods(
    sold: pl.DataFrame, days: int, end: datetime.date | None
) -> tuple[pl.DataFrame, int, int]:
    """The sales of whole periods, the first of their days, and how many periods; raises InputError where there are none."""
    day = (pl.col("timestamp") // MICROSECONDS_PER_DAY).cast(pl.Int64)
    sold = sold.with_columns(day=day, orders=pl.lit(1.0))
    last = _day(end) if end else int(sold["day"].max()) + 1  # type: ignore[arg-type]
    sold = sold.filter(pl.col("day") < last)
    periods = 0 if sold.is_empty() else (last - int(sold["day"].min())) // days  # type: ignore[arg-type]
    begin = last - periods * days
    sold = sold.filter(pl.col("day") >= begin)
    if sold.is_empty():
        before = datetime.date(1970, 1, 1) + datetime.timedelta(days=last)
        raise InputError(
            f"no sale lies in a whole period of {days} days before {before}; expected some: give a later day, or "
            "shorter periods"
        )
    return sold, begin, periods


def _day(date: datetime.date) -> int:
    return (date - datetime.date(1970, 1, 1)).days


def _closed(days: np.ndarray, periods: int, options: DemandOptions) -> np.ndarray:
    """Which periods have no sale of any item, in a shop that has too many for that to be chance: bool [t]."""
    lines = np.bincount(days // options.days, minlength=periods)
    return (lines == 0) & (lines.mean() >= options.closed)


def _grid(row: np.ndarray, column: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return np.bincount(row * shape[1] + column, values, shape[0] * shape[1]).reshape(shape)


def _sum(grid: np.ndarray, days: int) -> np.ndarray:
    return grid.reshape(len(grid), -1, days).sum(2)
