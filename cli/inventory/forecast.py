"""`aisle forecast`: how much of each item will be asked for."""

from __future__ import annotations

import os

import click

from aisle.cli.inventory.options import BACKTEST, CONFIG, OUT, SET, SHOP, WEEKS, folder_of


@click.command()
@SHOP
@OUT
@WEEKS
@BACKTEST
@CONFIG
@SET
def forecast(
    shop: str, out: str, weeks: int, backtest: bool, config_file: str | None, assignments: tuple[str, ...]
) -> None:
    """Forecast the demand for the items of the tables in SHOP: means and quantiles, by week and for all weeks."""
    from aisle.cli.quiet import quieten_tensorflow
    from aisle.pipeline.config import load_config
    from aisle.pipeline.inventory.ahead import learnt, learnt_before, looked_back, most_sold, spans_of
    from aisle.pipeline.inventory.files import FORECASTS, write_forecasts
    from aisle.pipeline.inventory.report import CHOSEN, Asked, report
    from aisle.pipeline.inventory.shop import read_shop
    from aisle.pipeline.output_folder import check_out
    from aisle.pipeline.paths import Layout

    config = load_config(config_file, assignments)
    check_out(out)
    folder = folder_of(out)
    read = read_shop(shop, folder, config)
    quieten_tensorflow()
    spans = spans_of(weeks)
    now = learnt(read, config.demand, spans)
    back = looked_back(most_sold(read, config.demand, CHOSEN), weeks) if backtest else 0
    before = learnt_before(read, config.demand, spans, back)
    items, expected = write_forecasts(read, weeks, config, now, folder)
    asked = Asked(weeks, now, before, backtest, items, expected)
    page = report(read, config, asked, None, Layout(out).reports)
    click.echo(f"{expected:,.0f} units of {items:,} items expected in {weeks} weeks from {read.end}")
    click.echo(f"forecasts in {os.path.join(folder, FORECASTS)}; report: {page}")
