"""Online Retail's customers as an experiment would meet them: what they did before a day, and what after."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib

import numpy as np
import polars as pl

from aisle.experiments.statistics.forecast import Activity, forecast
from aisle.experiments.statistics.sample import Floats
from aisle.experiments.statistics.winsorising import winsorise

START = datetime.datetime(2011, 10, 9)
"""The experiment's first day; it lasts as long as the data."""
SHARE = 0.99
"""The quantile that revenue is winsorised at."""


@dataclasses.dataclass(frozen=True)
class Customers:
    """Those who bought before the experiment.

    Attributes:
        ids: of each, [n].
        columns: what was measured of each, by name, [n] each.
    """

    ids: list[str]
    columns: dict[str, Floats]


def read(source: pathlib.Path) -> Customers:
    """The customers of the folder of UCI Online Retail.

    Exact duplicates, and lines without customer or of a quantity or price not above 0, are left out.
    """
    orders = _orders(source)
    ids = orders.filter(pl.col("day") < 0)["customer"].unique().sort().to_list()
    known = orders.join(pl.DataFrame({"customer": ids, "user": np.arange(len(ids))}), on="customer")
    days = float(np.ceil(known["day"].max()))  # type: ignore[arg-type]
    activity = Activity(
        known["user"].to_numpy(), known["day"].to_numpy(), known["money"].to_numpy(), len(ids)
    )
    revenue, bought = activity.sums(0, days)
    history = {f"{weeks} weeks": activity.sums(-7 * weeks, 0)[0] for weeks in (4, 12)}
    history["all history"] = activity.sums(-np.inf, 0)[0]
    columns = {
        "raw revenue": revenue,
        "revenue": winsorise(revenue, SHARE).values,
        "orders": bought,
        **{name: winsorise(before, SHARE).values for name, before in history.items()},
        "forecast": forecast(activity, 0.0, days),
    }
    return Customers(ids, columns)


def _orders(source: pathlib.Path) -> pl.DataFrame:
    """A row an order: customer, day (from the experiment's start, fractional) and money."""
    lines = pl.concat([pl.read_csv(path, infer_schema_length=0) for path in sorted(source.glob("*.csv"))])
    money = pl.col("Quantity").cast(pl.Float64) * pl.col("UnitPrice").cast(pl.Float64)
    time = pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S")
    return (
        lines.unique(maintain_order=True)
        .filter(pl.col("CustomerID") != "", pl.col("Quantity").cast(pl.Float64) > 0)
        .filter(pl.col("UnitPrice").cast(pl.Float64) > 0)
        .select(
            "InvoiceNo", customer="CustomerID", money=money, day=(time - START).dt.total_seconds() / 86_400
        )
        .group_by("customer", "InvoiceNo", maintain_order=True)
        .agg(pl.col("money").sum(), pl.col("day").min())
    )
