"""`aisle ads replay`: what would have been sold of the pages that a shop showed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aisle.cli.ads.options import OUT, SEED, of_terms, terms_of
from aisle.cli.run import CONFIG, SET

if TYPE_CHECKING:
    import polars as pl

    from aisle.ads.campaign import Campaign
    from aisle.ads.requests import Pace, Rule


@click.command()
@click.argument("shop", type=click.Path())
@click.option(
    "--campaigns", type=click.Path(),
    help="A file of campaigns as a run exports them [default: those of SHOP, else OUT/ads/campaigns.parquet].",
)  # fmt: skip
@SEED
@of_terms
@OUT
@CONFIG
@SET
def replay(
    shop: str, campaigns: str | None, seed: int, rule: Rule, reserve: int, pacing: Pace, floor: float, places: str,
    out: str, config_file: str | None, assignments: tuple[str, ...],
) -> None:  # fmt: skip
    """Sell the places of the pages that SHOP's events tell of: a gateway's log, or any shop's impressions and clicks."""
    import polars as pl

    from aisle.ads.market import Market
    from aisle.ads.selling import sell
    from aisle.cli.ads.files import sales_of, write_sales
    from aisle.cli.ads.logged import logged_requests
    from aisle.cli.ads.told import tell
    from aisle.pipeline.output_folder import check_out
    from aisle.pipeline.paths import Layout
    from aisle.schema.tables import EVENTS, ITEMS

    # Refused before anything is read.
    terms_of(rule, reserve, pacing, floor, places, (1_000_000,))
    check_out(out)
    tables = read_cleaned(shop, config_file, assignments)
    items = tables[ITEMS.name]
    if "category" not in items.columns:
        items = items.with_columns(pl.lit("").alias("category"))
    categories = dict(items.select("item_id", pl.col("category").fill_null("")).iter_rows())
    requests, looks = logged_requests(tables[EVENTS.name], categories)
    market = Market(campaigns_of(tables, campaigns, Layout(out).ads))
    terms = terms_of(rule, reserve, pacing, floor, places, looks)
    sales = sales_of("replay", market, terms, sell(market, requests, terms, seed))
    tell(sales, write_sales(sales, Layout(out).ads), out)


def read_cleaned(shop: str, config_file: str | None, assignments: tuple[str, ...]) -> dict[str, pl.DataFrame]:
    """The tables of a shop, read and cleaned as a run does it.

    Raises:
        InputError: there are none, or they can't be read.
    """
    import polars as pl

    from aisle.components.cleaner.clean import clean
    from aisle.components.example_gen.discovery import find_tables
    from aisle.components.example_gen.reader import read_table
    from aisle.pipeline.config import load_config
    from aisle.schema.errors import InputError
    from aisle.schema.tables import CAMPAIGNS, EVENTS, ITEMS, TABLE_BY_NAME

    config = load_config(config_file, assignments)
    readings = config.readings()
    there = find_tables(shop, readings)
    if EVENTS.name not in there:
        raise InputError(
            f"{shop} holds no events: nothing tells what was shown; expected events.csv, .parquet or events/"
        )
    wanted = [name for name in (ITEMS.name, EVENTS.name, CAMPAIGNS.name) if name in there]
    read = {name: read_table(shop, TABLE_BY_NAME[name], reading=readings[name]) for name in wanted}
    cleaned = clean(
        {name: one.rows for name, one in read.items()},
        {name: one.provenance for name, one in read.items()},
        {name: one.quarantine for name, one in read.items()},
        config.cleaner,
    )
    return {name: pl.DataFrame(pl.from_arrow(table)) for name, table in cleaned.tables.items()}


def campaigns_of(tables: dict[str, pl.DataFrame], given: str | None, folder: str) -> list[Campaign]:
    """The campaigns of a file, of the shop, or of a run.

    Raises:
        InputError: there are none, or the file can't be read.
    """
    import pathlib

    from aisle.ads.table import campaigns
    from aisle.gateway.ads.files import read_campaigns
    from aisle.schema.errors import InputError
    from aisle.schema.tables import CAMPAIGNS

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
