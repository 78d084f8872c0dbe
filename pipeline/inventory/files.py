"""What forecasts and orders leave for other programs: `inventory/` below the output folder, and the orders' file."""

from __future__ import annotations

import pathlib

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from aisle.model.demand.forecasts import Forecasts
from aisle.pipeline.config import Config
from aisle.pipeline.inventory.ahead import parts
from aisle.pipeline.inventory.forecaster import Forecaster
from aisle.pipeline.inventory.replenish import Plan
from aisle.pipeline.inventory.shop import Shop
from aisle.schema.demand import Series
from aisle.schema.whole_files import whole_file

FORECASTS, LOW_STOCK = "forecasts.parquet", "low_stock.parquet"
ORDERS = (
    "item_id", "title", "order", "value", "on_hand", "on_order", "expected", "days", "point", "order_up_to",
    "cover_days", "runs_out", "chance_out", "lacks_without", "lost_value", "reason",
)  # fmt: skip
_LOW = ("item_id", "on_hand", "on_order", "runs_out", "chance_out", "low")


def write_forecasts(
    shop: Shop, weeks: int, config: Config, model: Forecaster, folder: str
) -> tuple[int, float]:
    """Writes a row for each item and week to come, and one for all of them together, some items at a time.

    Columns: `item_id`, `first_day`, `days`, `mean`, and quantiles such as `q0.95`.

    Returns:
        How many items there are, and the units expected of all in all weeks.
    """
    items, expected = 0, 0.0
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    with whole_file(pathlib.Path(folder) / FORECASTS) as partial:
        writer: pq.ParquetWriter | None = None
        try:
            for past in parts(shop, config.demand):
                total = model.of(past, weeks)
                weekly = [model.of(past, 1, nth) for nth in range(weeks)]
                tables = [_table(one, past, nth, 1) for nth, one in enumerate(weekly)]
                table = pa.concat_tables([*tables, _table(total, past, 0, weeks)])
                writer = writer or pq.ParquetWriter(partial, table.schema)
                writer.write_table(table)
                items, expected = items + len(past), expected + float(total.mean.sum())
        finally:
            if writer is not None:
                writer.close()
    return items, expected


def write_orders(made: Plan, output: str) -> int:
    """Writes the orders as CSV, the greatest loss without them first.

    Returns:
        How many items are ordered.
    """
    wanted = made.lines.filter(pl.col("order") > 0)
    floats = pl.col(pl.Float64).round(4)
    with whole_file(pathlib.Path(output)) as partial:
        wanted.select(ORDERS).with_columns(floats).write_csv(partial)
    return len(wanted)


def write_low_stock(made: Plan, folder: str) -> str:
    """Writes what a gateway or a shop's page needs to say that little is left: every counted item.

    Returns:
        The path.
    """
    path = pathlib.Path(folder) / LOW_STOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial:
        made.lines.select(_LOW).sort("item_id").write_parquet(partial)
    return str(path)


def _table(found: Forecasts, past: Series, first: int, periods: int) -> pa.Table:
    day = past.starts[-1] + past.days * (1 + first)
    columns = {
        "item_id": pa.array(found.item_ids.astype(str).tolist(), pa.string()),
        "first_day": pa.array(np.full(len(past), day)),
        "days": pa.array(np.full(len(past), periods * past.days, np.int32)),
        "mean": pa.array(found.mean),
    }
    for nth, level in enumerate(found.levels):
        columns[f"q{level:g}"] = pa.array(np.ascontiguousarray(found.quantiles[:, nth]))
    return pa.table(columns)
