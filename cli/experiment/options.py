"""What several of the commands take, and how they print."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from aisle.cli.finite import FiniteRange
from aisle.cli.run import CONFIG, SET

Command = TypeVar("Command", bound=Callable[..., None])
DAYS = click.option(
    "--days",
    type=FiniteRange(min=0, min_open=True),
    default=28.0,
    show_default=True,
    help="The newest days that are rehearsed.",
)
POWER = click.option(
    "--power",
    "wanted",
    type=FiniteRange(0, 1, min_open=True, max_open=True),
    default=0.8,
    show_default=True,
    help="The chance to see it.",
)
KEEP_BOTS = click.option(
    "--keep-bots", is_flag=True, help="Leave those in who do more, or faster, than people can."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def of_a_shop(command: Command) -> Command:
    """What all take that read a shop: its folder, the file, and which experiment of it."""
    for option in (
        SET,
        CONFIG,
        click.option("--name", help="Which experiment of the file; needed where it holds several."),
        click.argument("file", type=click.Path()),
        click.argument("shop", type=click.Path()),
    ):
        command = option(command)
    return command


def print_table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    """Prints rows below their titles."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for title in head:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console().print(table)
