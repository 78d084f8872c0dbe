"""The group `aisle ads`."""

from __future__ import annotations

import click

from aisle.cli.ads.calibrate import calibrate


@click.group()
def ads() -> None:
    """Sponsored places: what they are worth, and what they brought."""


ads.add_command(calibrate)
