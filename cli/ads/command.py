"""`aisle ads`: what sponsored places bring, and what they cost the answers."""

from __future__ import annotations

import click

from aisle.cli.ads.calibrate import calibrate
from aisle.cli.ads.campaigns import campaigns
from aisle.cli.ads.replay import replay
from aisle.cli.ads.report import report
from aisle.cli.ads.simulate import simulate


@click.group()
def ads() -> None:
    """Calibrate, simulate, replay and report on sponsored places."""


for command in (campaigns, calibrate, simulate, replay, report):
    ads.add_command(command)
