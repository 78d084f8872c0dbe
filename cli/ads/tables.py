"""A shop's events and campaigns, read as a run reads them."""

from __future__ import annotations

import polars as pl

from aisle.components.example_gen.discovery import find_tables
from aisle.components.example_gen.reader import read_table
from aisle.pipeline.config import load_config
from aisle.schema.errors import InputError
from aisle.schema.tables import CAMPAIGNS, EVENTS, Table


def read(
    shop: str, config_file: str | None, assignments: tuple[str, ...]
) -> tuple[pl.DataFrame, dict[str, str]]:
    """The events, timestamps in microseconds, and who pays for each campaign.

    Args:
        shop: the data folder.
        config_file: settings as TOML, of how the files are read.
        assignments: single ones.

    Raises:
        InputError: a table isn't there, or can't be read.
    """
    readings = load_config(config_file, assignments).readings()
    there = find_tables(shop, readings)

    def table(wanted: Table) -> pl.DataFrame:
        if wanted.name not in there:
            raise InputError(
                f"{shop} has no table {wanted.name}, which tells what was sold; expected {wanted.name}.csv, .parquet or a folder"
            )
        rows = read_table(shop, wanted, reading=readings[wanted.name]).rows
        return pl.DataFrame(pl.from_arrow(rows))

    campaigns = table(CAMPAIGNS)
    events = table(EVENTS).with_columns(pl.col("timestamp").cast(pl.Int64))
    return events, dict(zip(campaigns["campaign_id"], campaigns["advertiser_id"], strict=True))
