"""`aisle ads`: what sponsored places bring, what they cost the answers, and what their scores mean."""

from __future__ import annotations

import click

from aisle.cli.ads.calibrate import calibrate
from aisle.cli.ads.replay import replay
from aisle.cli.ads.report import report
from aisle.cli.ads.simulate import simulate


@click.group()
def ads() -> None:
    """Simulate, replay, calibrate and report on sponsored places."""


for command in (simulate, replay, calibrate, report):
    ads.add_command(command)
