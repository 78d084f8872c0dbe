"""`aisle ads replay`: what would have been sold of the pages that a shop showed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aisle.cli.ads.options import OUT, SEED, of_terms, terms_of
from aisle.cli.run import CONFIG, SET

if TYPE_CHECKING:
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
    from aisle.cli.ads.tables import campaigns_of, read_cleaned
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
