"""Online Retail as weekly demand, and how forecasts of it are measured."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib

import numpy as np
import polars as pl

from aisle.components.demand.options import DemandOptions
from aisle.components.demand.sales import sales
from aisle.components.demand.series import series
from aisle.schema.demand import Series

END = datetime.date(2011, 11, 6)
"""Weeks are counted back from here: they start on Sundays, the first on 2010-12-05."""
ORIGIN, HORIZON = 44, 4
"""Weeks before 2011-10-09, and weeks forecast."""
YOUNGEST = 8
"""Weeks since its first sale of the youngest item that is measured."""
LEVELS = (0.5, 0.75, 0.9, 0.95, 0.99)


def read(source: pathlib.Path) -> tuple[Series, list[str]]:
    """The weekly demand of each product, and its title before the origin ("" where it had none).

    Exact duplicates are out; codes are of five digits and what follows them, in capitals; prices and quantities above 0.
    A return takes off the latest earlier sale of the same customer, item and quantity.
    """
    lines = pl.concat([pl.read_csv(path, infer_schema_length=0) for path in sorted(source.glob("*.csv"))])
    time, price = pl.col("InvoiceDate").str.to_datetime(), pl.col("UnitPrice").cast(pl.Float64)
    returned = pl.col("InvoiceNo").str.starts_with("C")
    events = lines.unique(maintain_order=True).select(
        "Description",
        timestamp=time.dt.epoch("us"),
        event=pl.when(returned).then(pl.lit("return")).otherwise(pl.lit("purchase")),
        item_id=pl.col("StockCode").str.to_uppercase(),
        user_id="CustomerID",
        quantity=pl.col("Quantity").cast(pl.Float64),
        price=price,
    )
    events = events.filter(pl.col("item_id").str.contains(r"^\d{5}") & (pl.col("price") > 0))
    weekly = series(sales(events, DemandOptions()), DemandOptions(), END)
    origin = END - datetime.timedelta(weeks=HORIZON)
    named = events.filter(pl.from_epoch("timestamp", "us").dt.date() < origin).drop_nulls("Description")
    often = (
        named.group_by("item_id", "Description")
        .len()
        .sort("len", "Description")
        .unique("item_id", keep="last")
    )
    titles = dict(often.select("item_id", "Description").iter_rows())
    return weekly, [titles.get(item, "") for item in weekly.item_ids]


@dataclasses.dataclass(frozen=True)
class Origin:
    """What is known at an origin of n items, and what came.

    Attributes:
        items: places in the series, [n]: of items first sold long enough before.
        history: float64 [n, t], 0 where the shop was closed and before the first sale.
        first: the week of the first sale, [n].
        came: float64 [n, HORIZON].
        absolute: the mean absolute change from week to week since the first sale, [n]: the scale of MASE and pinball.
        squared: the mean squared one, the scale of RMSSE.
        worth: the share of the items' revenue of the last four weeks, [n].
    """

    items: np.ndarray
    history: np.ndarray
    first: np.ndarray
    came: np.ndarray
    absolute: np.ndarray
    squared: np.ndarray
    worth: np.ndarray

    @classmethod
    def of(cls, weekly: Series, week: int) -> Origin:
        """The origin before a week."""
        sold = np.nan_to_num(weekly.quantity)
        first = np.where((sold > 0).any(1), (sold > 0).argmax(1), sold.shape[1])
        items = np.flatnonzero(first <= week - YOUNGEST)
        history, began = sold[items, :week], first[items]
        since = np.arange(week - 1) >= began[:, None]
        steps = np.where(since, np.diff(history, axis=1), np.nan)
        worth = weekly.revenue[items, week - 4 : week].sum(1)
        return cls(
            items,
            history,
            began,
            sold[items, week : week + HORIZON],
            np.nanmean(np.abs(steps), 1),
            np.nanmean(steps**2, 1),
            worth / worth.sum(),
        )

    def points(self, forecast: np.ndarray) -> dict[str, float]:
        """RMSSE, the same by worth, MASE and the bias of forecasts [n, HORIZON]."""
        errors = self.came - forecast
        rmsse = np.sqrt((errors**2).mean(1) / self.squared)
        return {
            "rmsse": float(rmsse.mean()),
            "wrmsse": float(self.worth @ rmsse),
            "mase": float((np.abs(errors).mean(1) / self.absolute).mean()),
            "bias": float(forecast.sum() / self.came.sum() - 1),
        }

    def quantiles(self, forecast: np.ndarray) -> dict[str, float]:
        """Scaled pinball loss, the same by worth, and coverage of quantiles [n, HORIZON, LEVELS]."""
        over = self.came[:, :, None] - forecast
        levels = np.array(LEVELS)
        loss = np.maximum(levels * over, (levels - 1) * over).mean((1, 2)) / self.absolute
        cover = (over <= 0).mean((0, 1))
        covers = {f"cover_{level:g}": float(share) for level, share in zip(LEVELS, cover, strict=True)}
        return {"pinball": float(loss.mean()), "weighted": float(self.worth @ loss), **covers}
