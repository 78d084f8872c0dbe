"""What `aisle ads` prints of what was sold."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aisle.cli.ads.files import Sales


def tell(sales: Sales, path: pathlib.Path, out: str) -> None:
    """Prints what was sold, and where it is."""
    from aisle.cli.ads.summary import summarise
    from aisle.components.reports.ads import headline

    click.echo(f"{headline(summarise(sales))}; each show is in {path}; report: aisle ads report --out {out}")
