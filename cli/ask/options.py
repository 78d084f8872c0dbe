"""What the asking commands have in common on the command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from aisle.schema.errors import InputError
from aisle.schema.events import CLICK, names

if TYPE_CHECKING:
    from aisle.serving.client.recents import RecentEvent

DEFAULT_TARGET = "127.0.0.1:8500"
DEFAULT_OUT = "out"
MAX_K = 1000

_Command = Callable[..., Any]


def options(*chosen: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """Several click options as one decorator, shown in their order."""

    def decorate(command: _Command) -> _Command:
        for option in reversed(chosen):
            command = option(command)
        return command

    return decorate


K = click.option("-k", "k", default=10, show_default=True, type=int, help=f"Items at most, up to {MAX_K}.")
TARGET = click.option(
    "--target", metavar="HOST:PORT", help=f"The server to ask. [default: {DEFAULT_TARGET}, without --out]"
)
FILE_TARGET = click.option("--target", metavar="HOST:PORT", help="The server to ask, in the place of --out.")
OUT = click.option(
    "--out",
    type=click.Path(),
    help="Output folder of `aisle run`, whose pushed model answers without a server. "
    f"[default for a file, without --target: {DEFAULT_OUT}]",
)
OUTPUT = click.option("--output", metavar="FILE.csv", type=click.Path(), help="Where a file's answers go.")
RECENT = click.option(
    "--recent",
    "recent",
    multiple=True,
    metavar="ITEM[:KIND[:SECONDS]]",
    help="What the user just did, added to what is known: an item, the kind of event (click), and how long ago (0). Repeatable.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def check_k(k: int) -> None:
    """Raises InputError where nobody can be answered so many items."""
    if not 1 <= k <= MAX_K:
        raise InputError(f"-k is {k}; expected 1 to {MAX_K}")


def check_one(
    what: str, value: str | None, option: str, file: str | None, output: str | None, as_json: bool
) -> None:
    """Raises InputError unless there is either one question, or a file of them and where they go."""
    if (value is None) == (file is None):
        raise InputError(f"expected {what}, or {option} FILE with --output FILE.csv")
    if (file is None) != (output is None):
        raise InputError(f"{option} FILE and --output FILE.csv go together")
    if file is not None and as_json:
        raise InputError(f"--json prints one answer; with {option} the answers go to --output as CSV")


def read_recents(said: Sequence[str]) -> list[RecentEvent]:
    """The events of `--recent`; what ends with no kind of event is an item's id, which may have colons itself.

    Example:
        >>> read_recents(["sku:1:cart:30"])
        [RecentEvent(item_id='sku:1', event='cart', age=30.0)]
    """
    from aisle.serving.client.recents import RecentEvent

    form = re.compile(rf"(.+?):({'|'.join(names())})(?::(\d+(?:\.\d+)?))?")
    found = ((text, form.fullmatch(text)) for text in said)
    return [
        RecentEvent(match[1], match[2], float(match[3] or 0)) if match else RecentEvent(text, CLICK.name)
        for text, match in found
    ]
