"""`aisle replenish`: what to order now, and why."""

from __future__ import annotations

import click

from aisle.cli.finite import FiniteRange
from aisle.cli.inventory.options import BACKTEST, CONFIG, OUT, SET, SHOP, WEEKS, folder_of


@click.command()
@SHOP
@OUT
@click.option(
    "--service",
    type=FiniteRange(0, 1, min_open=True, max_open=True),
    help="The share of the demand to meet from stock [default: of inventory.service, 0.95].",
)
@click.option(
    "--output", default="orders.csv", show_default=True, type=click.Path(), help="The CSV file of the orders."
)
@WEEKS
@BACKTEST
@CONFIG
@SET
def replenish(
    shop: str, out: str, service: float | None, output: str, weeks: int, backtest: bool,
    config_file: str | None, assignments: tuple[str, ...],
) -> None:  # fmt: skip
    """Propose what to order for the shop whose tables lie in SHOP, each order with its reason."""
    from aisle.cli.ask.files import check_writable
    from aisle.cli.quiet import quieten_tensorflow
    from aisle.pipeline.config import load_config
    from aisle.pipeline.inventory.ahead import learnt, learnt_before, spans_of
    from aisle.pipeline.inventory.files import write_low_stock, write_orders
    from aisle.pipeline.inventory.replenish import order_spans, plan, replayed
    from aisle.pipeline.inventory.report import Asked, report
    from aisle.pipeline.inventory.shop import read_shop
    from aisle.pipeline.output_folder import check_out
    from aisle.pipeline.paths import Layout

    told = assignments if service is None else (*assignments, f"inventory.service={service}")
    config = load_config(config_file, told)
    check_out(out)
    check_writable(output)
    folder = folder_of(out)
    read = read_shop(shop, folder, config)
    quieten_tensorflow()
    spans = [*order_spans(read, config), *spans_of(weeks)]
    now = learnt(read, config.demand, spans)
    back = replayed(read, config, weeks, backtest)
    before = learnt_before(read, config.demand, spans, back)
    made = plan(read, config, now, before, weeks)
    asked = Asked(weeks, now, before, backtest, made.items, made.expected)
    page = report(read, config, asked, made, Layout(out).reports)
    count = write_orders(made, output)
    low = write_low_stock(made, folder)
    for column, items in made.defaulted.items():
        click.echo(f"{column} of {items:,} items: by the settings", err=True)
    reached = made.calibration.reached if made.calibration else None
    if reached is not None and reached < config.inventory.service:
        click.echo(
            f"past weeks sold {100 * reached:.1f} % at most, {100 * config.inventory.service:g} % is asked: as much is stocked "
            "as was tried",
            err=True,
        )
    if made.uncounted:
        click.echo(
            f"{made.uncounted:,} items that sell have no count: nothing is proposed for them", err=True
        )
    click.echo(f"{count:,} items to order, in {output}; low stock in {low}; report: {page}")
