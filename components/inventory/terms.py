"""How each item is ordered: what the tables say, and the settings where they say nothing."""

from __future__ import annotations

import dataclasses
import datetime

import numpy as np
import polars as pl
import pyarrow as pa

from aisle.components.inventory.distributions import Floats
from aisle.components.inventory.options import InventoryOptions
from aisle.schema.tables import SUPPLY


@dataclasses.dataclass(frozen=True)
class Terms:
    """The terms of n items.

    Attributes:
        lead_days: from an order to its arrival.
        lead_sd: the standard deviation of that, in days.
        review_days: between one look at the stock and the next.
        pack: orders are multiples of it.
        minimum: and at least so large.
        price: what a unit sells for.
        unit_cost: what it costs.
        holding: what keeping a unit for a day costs.
        season_days: the days left to sell it, 0 after its season; NaN where it is sold all year.
        defaulted: by column, of how many items the settings say it.
    """

    lead_days: Floats
    lead_sd: Floats
    review_days: Floats
    pack: Floats
    minimum: Floats
    price: Floats
    unit_cost: Floats
    holding: Floats
    season_days: Floats
    defaulted: dict[str, int]

    @property
    def horizon_days(self) -> Floats:
        """What an order must last for: until the next one arrives, or for the rest of the season."""
        return np.where(np.isfinite(self.season_days), self.season_days, self.lead_days + self.review_days)

    def of(self, items: np.ndarray) -> Terms:
        """The items at these places, or where a mask is true."""
        parts = {
            field.name: getattr(self, field.name)[items]
            for field in dataclasses.fields(self)
            if field.name != "defaulted"
        }
        return dataclasses.replace(self, **parts)


def read_terms(
    item_ids: np.ndarray,
    items: pa.Table,
    supply: pa.Table | None,
    options: InventoryOptions,
    today: datetime.date,
) -> Terms:
    """Returns the terms of items.

    Args:
        item_ids: which items, [n].
        items: the cleaned items: `item_id`, and `price` and `category` where there are.
        supply: the cleaned table; None where there is none.
        options: the defaults.
        today: the first day to come.
    """
    names = [column.name for column in SUPPLY.columns[1:]]
    rows = pl.DataFrame({"item_id": item_ids.astype(str)})
    rows = _joined(rows, items, ["price", "category"])
    rows = _joined(rows, supply, names)
    usual = {
        "lead_time_days": options.lead_time_days,
        "lead_time_sd": options.lead_time_sd,
        "pack_size": options.pack_size,
        "min_order": options.min_order,
        "holding_rate": options.holding_rate,
        "review_days": options.review_days,
    }
    defaulted = {name: rows[name].null_count() for name in [*usual, "unit_cost", "price"]}
    rows = rows.with_columns(pl.col(name).fill_null(value) for name, value in usual.items())
    cost, price = pl.col("unit_cost"), pl.col("price")
    rows = rows.with_columns(price=pl.coalesce(price, cost / options.cost_share, price.median(), 1.0))
    rows = rows.with_columns(unit_cost=pl.coalesce(cost, price * options.cost_share))
    rows = rows.with_columns(
        holding=pl.col("unit_cost") * pl.col("holding_rate") / 365, season=_season(options, today)
    )
    column = {
        name: rows[name].cast(pl.Float64).to_numpy()
        for name in rows.columns
        if name not in ("item_id", "category")
    }
    return Terms(
        **{"lead_days": column["lead_time_days"], "lead_sd": column["lead_time_sd"]},
        **{"review_days": column["review_days"], "pack": column["pack_size"], "minimum": column["min_order"]},
        **{"price": column["price"], "unit_cost": column["unit_cost"], "holding": column["holding"]},
        season_days=column["season"],
        defaulted={name: count for name, count in defaulted.items() if count},
    )


def _joined(rows: pl.DataFrame, table: pa.Table | None, names: list[str]) -> pl.DataFrame:
    """The rows with a table's columns beside them; null where it has no such item or column."""
    if table is not None:
        there = [name for name in names if name in table.column_names]
        found = pl.DataFrame(pl.from_arrow(table.select(["item_id", *there]))).unique("item_id", keep="last")
        rows = rows.join(found, on="item_id", how="left", maintain_order="left")
    lacking = [
        pl.lit(None, pl.String if name == "category" else pl.Float64).alias(name)
        for name in names
        if name not in rows.columns
    ]
    return rows.with_columns(lacking)


def _season(options: InventoryOptions, today: datetime.date) -> pl.Expr:
    """The days that are left of an item's season, 0 after it: by its id, or by its category or one above it."""
    days = pl.lit(None, pl.Float64)
    for name, last in options.seasons.items():
        left = float(max((last - today).days + 1, 0))
        within = (pl.col("category") == name) | pl.col("category").str.starts_with(f"{name}/")
        days = pl.when((pl.col("item_id") == name) | within.fill_null(False)).then(left).otherwise(days)
    return days.fill_null(float("nan"))
