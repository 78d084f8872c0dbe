"""`aisle ads report`: revenue, spend against plan, prices, calibration, and what relevance was given up."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import click

from aisle.cli.ads.options import of_windows
from aisle.cli.run import CONFIG, SET

if TYPE_CHECKING:
    from aisle.cli.ads.files import Sales
    from aisle.cli.ads.sold import Windows


@click.command()
@click.argument("shop", type=click.Path(), required=False)
@click.option(
    "--spent", type=click.Path(),
    help="A file of what the gateway answers to GET /v1/campaigns; with SHOP.",
)  # fmt: skip
@of_windows
@click.option(
    "--out", default="out", show_default=True, type=click.Path(),
    help="The folder of the run; without SHOP, that `aisle ads simulate` or `replay` wrote to.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@CONFIG
@SET
def report(
    shop: str | None, spent: str | None, click_minutes: float, purchase_days: float, out: str, as_json: bool,
    config_file: str | None, assignments: tuple[str, ...],
) -> None:  # fmt: skip
    """Say what was sold, to whom and for how much: by a gateway, whose log the events of SHOP have, or in a simulation or a replay."""
    from aisle.cli.ads.files import read_sales
    from aisle.cli.ads.sold import Windows
    from aisle.cli.ads.summary import summarise
    from aisle.components.reports.ads import headline, write_ads
    from aisle.components.reports.publish import as_json as as_text
    from aisle.pipeline.output_folder import check_out
    from aisle.pipeline.paths import Layout

    if (shop is None) != (spent is None):
        raise click.UsageError("give SHOP and --spent FILE, or neither for what was simulated or replayed")
    check_out(out)
    windows = Windows(click_minutes * 60, purchase_days * 86_400)
    folder = Layout(out).ads
    sales = (
        _logged(shop, spent, folder, windows, config_file, assignments)
        if shop and spent
        else read_sales(folder)
    )
    found = summarise(sales)
    page = write_ads(found, Layout(out).reports)
    click.echo(as_text(found) if as_json else f"{headline(found)}; report: {page}")


def _logged(
    shop: str, spent: str, folder: str, windows: Windows, config_file: str | None, assignments: tuple[str, ...]
) -> Sales:  # fmt: skip
    """What the gateway sold, by its calibration where the run's folder has one."""
    from aisle.ads.calibration import Calibration
    from aisle.cli.ads.from_log import read_spent, sales_of_log
    from aisle.cli.ads.tables import campaigns_of, read_cleaned
    from aisle.schema.tables import EVENTS

    told = read_spent(spent)
    tables = read_cleaned(shop, config_file, assignments)
    learnt = pathlib.Path(folder, "calibration.json")
    known = learnt.is_file()
    calibration = (
        Calibration.from_json(learnt.read_text(encoding="utf-8")) if known else Calibration.identity()
    )
    return sales_of_log(tables[EVENTS.name], campaigns_of(tables, None, folder), told, calibration, windows)
