"""A shop's tables, read and cleaned as a run does it, of what inventory needs."""

from __future__ import annotations

import dataclasses
import datetime

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from aisle.components.demand.sales import sales
from aisle.pipeline.cleaned import read_cleaned
from aisle.pipeline.config import Config
from aisle.schema.errors import InputError
from aisle.schema.tables import EVENTS, ITEMS, STOCK, SUPPLY

NEEDED = (ITEMS.name, EVENTS.name, STOCK.name, SUPPLY.name)


@dataclasses.dataclass(frozen=True)
class Shop:
    """What is known of a shop.

    Attributes:
        items: cleaned.
        stock: cleaned; None where there is no such table.
        supply: the same.
        sold: of `components.demand.sales`, what stands of the purchases.
        end: the first day of which nothing is known.
        lost: rows that were quarantined.
        read: rows that were read.
    """

    items: pa.Table
    stock: pa.Table | None
    supply: pa.Table | None
    sold: pl.DataFrame
    end: datetime.date
    lost: int
    read: int

    def titles(self, item_ids: np.ndarray) -> list[str]:
        """The titles of items."""
        known = dict(zip(self.items["item_id"].to_pylist(), self.items["title"].to_pylist(), strict=True))
        return [known.get(str(item), "") for item in item_ids]

    def counts(self) -> pl.DataFrame | None:
        """All counts of the stock, as the demand reads them."""
        return None if self.stock is None else pl.DataFrame(pl.from_arrow(self.stock))


def read_shop(data: str, folder: str, config: Config) -> Shop:
    """Reads and cleans the tables of a data folder.

    Args:
        data: the folder.
        folder: where the report of the cleaning goes.
        config: how the files are read, and what is dirt.

    Raises:
        InputError: a table can't be read, or nobody bought anything.
        GateBlocked: too much was lost on the way; the report says what.
    """
    if config.demand.days != 7:
        raise InputError(
            f"demand.days={config.demand.days}: forecasts and orders are made of weeks; leave it out"
        )
    result = read_cleaned(data, folder, config, NEEDED, "demand is forecast from purchases")
    tables = result.tables
    options = config.demand.model_copy(update={"settled": not config.cleaner.keep_undone_purchases})
    sold = sales(pl.DataFrame(pl.from_arrow(tables[EVENTS.name])), options)
    ledger = result.ledger["tables"].values()
    return Shop(
        tables[ITEMS.name], tables.get(STOCK.name), tables.get(SUPPLY.name), sold, _end(tables[EVENTS.name]),
        sum(one["quarantined"] for one in ledger), sum(one["read"] for one in ledger),
    )  # fmt: skip


def _end(events: pa.Table) -> datetime.date:
    """The day after the last event: a shop that sold nothing that day was watched."""
    last = int(pc.max(events["timestamp"]).as_py())
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=last, days=1)).date()
