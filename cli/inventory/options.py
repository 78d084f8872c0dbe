"""What both commands take."""

from __future__ import annotations

import click

from aisle.cli.run import CONFIG, SET
from aisle.pipeline.paths import Layout

SHOP = click.argument("shop", type=click.Path())
OUT = click.option(
    "--out", default="out", show_default=True, type=click.Path(), help="Folder for the report and the tables."
)
WEEKS = click.option(
    "--weeks",
    type=click.IntRange(1, 52),
    default=4,
    show_default=True,
    help="How many weeks to forecast, or to draw.",
)
BACKTEST = click.option("--backtest", is_flag=True, help="Say how the same forecasts did in past weeks.")

__all__ = ["BACKTEST", "CONFIG", "OUT", "SET", "SHOP", "WEEKS", "folder_of"]


def folder_of(out: str) -> str:
    """Where the tables of forecasts and stock go."""
    return Layout(out).inventory
