"""`aisle ads calibrate`: what the scores of sponsored places mean."""

from __future__ import annotations

import os
import pathlib

import click

from aisle.cli.ads.options import of_windows
from aisle.cli.run import CONFIG, SET


@click.command()
@click.argument("shop", type=click.Path())
@click.option("--out", default="out", show_default=True, type=click.Path(), help="Folder of the run; the calibration goes to OUT/ads/calibration.json.")  # fmt: skip
@of_windows
@CONFIG
@SET
def calibrate(
    shop: str, out: str, click_minutes: float, purchase_days: float, config_file: str | None, assignments: tuple[str, ...],
) -> None:  # fmt: skip
    """Learn from the events of SHOP how often what is sold is clicked and bought, for `aisle gateway --calibration`."""
    from aisle.ads.calibration import SURFACES
    from aisle.cli.ads.sold import Windows, learn
    from aisle.cli.ads.tables import read
    from aisle.pipeline.paths import Layout
    from aisle.schema.whole_files import whole_file

    events, advertisers = read(shop, config_file, assignments, Layout(out).ads)
    learnt = learn(events, advertisers, Windows(click_minutes * 60, purchase_days * 86_400))
    path = pathlib.Path(Layout(out).ads, "calibration.json")
    os.makedirs(path.parent, exist_ok=True)
    with whole_file(path) as partial:
        partial.write_text(learnt.calibration.to_json() + "\n", encoding="utf-8")
    for surface in SURFACES:
        if surface in learnt.counts:
            shows, clicks, bought = learnt.counts[surface]
            click.echo(
                f"{surface}: learnt from {shows:,} sold places, {clicks:,} clicks, {bought:,} purchases"
            )
        else:
            click.echo(f"{surface}: nothing was sold, a score stands for itself")
    click.echo(f"calibration: {path}")
