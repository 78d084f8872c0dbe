"""A shop's tables, read and cleaned as a run does it, of what inventory needs."""

from __future__ import annotations

import dataclasses
import datetime

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from aisle.components.cleaner.clean import check_left, clean
from aisle.components.cleaner.losses.fates import NOTHING, fates
from aisle.components.cleaner.losses.judge import BLOCKED, blocking_line, weigh
from aisle.components.demand.sales import sales
from aisle.components.example_gen.reader import read_table
from aisle.components.reports import write_cleaning
from aisle.pipeline.config import Config
from aisle.pipeline.inputs import fingerprint_tables
from aisle.schema.errors import GateBlocked, InputError
from aisle.schema.tables import EVENTS, ITEMS, STOCK, SUPPLY, TABLE_BY_NAME

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
    readings = config.readings()
    found = fingerprint_tables(data, config.data.tables, readings)
    if EVENTS.name not in found:
        raise InputError(
            f"there is no table events in {data}: demand is forecast from purchases; add events.csv"
        )
    read = {
        name: read_table(data, TABLE_BY_NAME[name], reading=readings[name])
        for name in NEEDED
        if name in found
    }
    rows = {name: one.rows for name, one in read.items()}
    provenance = {name: one.provenance for name, one in read.items()}
    unread = {name: one.quarantine for name, one in read.items()}
    result = clean(rows, provenance, unread, config.cleaner)
    of_rows = {
        name: fates(name, rows[name], provenance[name], unread[name], result.taken[name], NOTHING)
        for name in rows
    }
    losses = weigh(of_rows, config.losses)
    page = write_cleaning({**result.ledger, "losses": losses}, folder)
    if losses["verdict"] == BLOCKED:
        raise GateBlocked(blocking_line(losses, page))
    check_left(result)
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
