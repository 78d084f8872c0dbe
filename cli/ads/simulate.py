"""`aisle ads simulate`: sponsored places sold in a made-up shop, where it is known what people click."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aisle.cli.ads.options import OUT, SEED, of_terms, terms_of
from aisle.cli.finite import FiniteRange

if TYPE_CHECKING:
    from aisle.ads.requests import Pace, Rule


@click.command()
@click.option("--users", type=click.IntRange(10, 1_000_000), default=500, show_default=True, help="Users.")
@click.option("--items", type=click.IntRange(50, 1_000_000), default=400, show_default=True, help="Items.")
@click.option("--days", type=click.IntRange(1, 1_460), default=60, show_default=True, help="Days of pages.")
@click.option(
    "--campaigns", type=click.IntRange(1, 100_000), default=60, show_default=True, help="Campaigns."
)
@click.option(
    "--error", type=FiniteRange(0, 10), default=0.3, show_default=True,
    help="Of the chances that the auction believes, as a standard deviation of the logarithm of the odds.",
)  # fmt: skip
@SEED
@of_terms
@OUT
def simulate(
    users: int, items: int, days: int, campaigns: int, error: float, seed: int, rule: Rule, reserve: int,
    pacing: Pace, floor: float, places: str, out: str,
) -> None:  # fmt: skip
    """Sell the places of a made-up shop's pages; whether what is shown is clicked and bought is drawn by what its users like."""
    from aisle.ads.market import Market
    from aisle.ads.selling import sell
    from aisle.cli.ads.files import sales_of, write_sales
    from aisle.cli.ads.told import tell
    from aisle.datasets.simulator.auctions import LOOKS, make_requests
    from aisle.datasets.simulator.options import SimulatorOptions
    from aisle.pipeline.output_folder import check_out
    from aisle.pipeline.paths import Layout

    terms = terms_of(rule, reserve, pacing, floor, places, LOOKS)
    check_out(out)
    options = SimulatorOptions(users=users, items=items, days=days, seed=seed, campaigns=campaigns)
    requests, asked = make_requests(options, error)
    market = Market(asked)
    sales = sales_of("simulation", market, terms, sell(market, requests, terms, seed))
    tell(sales, write_sales(sales, Layout(out).ads), out)
