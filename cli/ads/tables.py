"""A shop's events and campaigns, read as a run reads them."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence

import polars as pl
import pyarrow as pa

from aisle.ads.campaign import Campaign
from aisle.ads.table import campaigns
from aisle.components.cleaner.clean import CleanResult, clean
from aisle.components.example_gen.discovery import holds
from aisle.components.example_gen.options import TableReading
from aisle.components.example_gen.reader import ReadResult, read_table
from aisle.components.tables import PROVENANCE_SCHEMA
from aisle.gateway.ads.files import read_campaigns
from aisle.pipeline.config import Config, load_config
from aisle.schema.errors import InputError
from aisle.schema.tables import CAMPAIGNS, EVENTS, ITEMS, Table


def read(
    shop: str, config_file: str | None, assignments: tuple[str, ...], folder: str
) -> tuple[pl.DataFrame, dict[str, str]]:
    """The events, timestamps in microseconds, and who pays for each campaign.

    Args:
        shop: the data folder.
        config_file: settings as TOML, of how the files are read.
        assignments: single ones.
        folder: of a run's campaigns, where the shop has none.

    Raises:
        InputError: a table isn't there, or can't be read.
    """
    readings = load_config(config_file, assignments).readings()
    read = {table.name: _read(shop, table, readings) for table in _there(shop, readings, (EVENTS, CAMPAIGNS))}
    rows = {name: pl.DataFrame(pl.from_arrow(one.rows)) for name, one in read.items()}
    events = rows[EVENTS.name].with_columns(pl.col("timestamp").cast(pl.Int64))
    if CAMPAIGNS.name in rows:
        told = rows[CAMPAIGNS.name]
        return events, dict(zip(told["campaign_id"], told["advertiser_id"], strict=True))
    return events, {one.campaign_id: one.advertiser_id for one in campaigns_of({}, None, folder)}


def read_cleaned(shop: str, config_file: str | None, assignments: tuple[str, ...]) -> dict[str, pl.DataFrame]:
    """The tables of a shop, read and cleaned as a run does it. Where none is of items, those of the events stand for them.

    Raises:
        InputError: there are no events, or a table can't be read.
    """
    config = load_config(config_file, assignments)
    readings = config.readings()
    wanted = _there(shop, readings, (ITEMS, EVENTS, CAMPAIGNS))
    read = {table.name: _read(shop, table, readings) for table in wanted}
    if ITEMS.name not in read:
        read = {ITEMS.name: _items_of(read[EVENTS.name]), **read}
    return {name: pl.DataFrame(pl.from_arrow(table)) for name, table in _cleaned(read, config).tables.items()}


def cleaned_campaigns(shop: str, config_file: str | None, assignments: tuple[str, ...]) -> CleanResult:
    """The items and the campaigns of a shop, read and cleaned as a run does it.

    Raises:
        InputError: either isn't there, or can't be read.
    """
    config = load_config(config_file, assignments)
    readings = config.readings()
    read = {table.name: _read(shop, table, readings) for table in (ITEMS, CAMPAIGNS)}
    return _cleaned(read, config)


def campaigns_of(tables: Mapping[str, pl.DataFrame], given: str | None, folder: str) -> list[Campaign]:
    """The campaigns of a file, of the shop, or of a run.

    Raises:
        InputError: there are none, or the file can't be read.
    """
    if given is None and CAMPAIGNS.name in tables:
        if tables[CAMPAIGNS.name].is_empty():
            raise InputError(
                "no campaign of the table campaigns can be used: `aisle run` says why in its report"
            )
        return campaigns(tables[CAMPAIGNS.name].to_dicts())
    path = pathlib.Path(given or pathlib.Path(folder) / f"{CAMPAIGNS.name}.parquet")
    if not path.exists():
        raise InputError(
            f"no campaigns in {path}: give SHOP a table campaigns, or name a file that a run exported by --campaigns"
        )
    found = read_campaigns(path)
    if not found:
        raise InputError(f"{path} holds no campaign: there is nothing to sell")
    return found


def _there(shop: str, readings: Mapping[str, TableReading], wanted: Sequence[Table]) -> list[Table]:
    found = [table for table in wanted if holds(shop, table, readings[table.name])]
    if EVENTS not in found:
        raise InputError(
            f"{shop} holds no events: nothing tells what was shown; expected events.csv, .parquet or events/"
        )
    return found


def _read(shop: str, table: Table, readings: Mapping[str, TableReading]) -> ReadResult:
    return read_table(shop, table, reading=readings[table.name])


def _cleaned(read: Mapping[str, ReadResult], config: Config) -> CleanResult:
    return clean(
        {name: one.rows for name, one in read.items()},
        {name: one.provenance for name, one in read.items()},
        {name: one.quarantine for name, one in read.items()},
        config.cleaner,
    )


def _items_of(events: ReadResult) -> ReadResult:
    """Items of which nothing but the ids is known."""
    ids = events.rows["item_id"].unique().drop_null()
    rows = pa.table({"item_id": ids, "title": ids})
    nowhere = pa.table([pa.nulls(len(ids), field.type) for field in PROVENANCE_SCHEMA], PROVENANCE_SCHEMA)
    return ReadResult(rows, nowhere, events.quarantine.slice(0, 0), len(ids))
