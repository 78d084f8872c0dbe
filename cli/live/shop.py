"""`aisle shop`."""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import click

from aisle.cli.live.ads import ad_options
from aisle.cli.live.between import stand_between

if TYPE_CHECKING:
    from aisle.gateway.pages.runs import Run

HOST = "127.0.0.1"
"""Whoever opens the shop may shop as any user, so it is for this machine alone."""


@click.command()
@click.option("--target", help="HOST:PORT of a model's server; the run's model is served here without.")
@click.option(
    "--out",
    type=click.Path(),
    help="Output folder of `aisle run`, whose items and reports are shown.  [default: out, without --target]",
)
@click.option("--store", default="memory", show_default=True, help="As of `aisle gateway`.")
@click.option(
    "--log",
    "log_folder",
    help="Data folder to write what happens to; kept nowhere without.",
    type=click.Path(),
)
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65_535), help="0: a free one."
)
@ad_options
@click.option("--key-file", type=click.Path(), help="File with the console's key; a new one is made without.")
@click.option("--name", default="", help="What the shop is called.")
@click.option("--currency", default="", help="Of the prices: a sign such as €, or a code such as EUR.")
@click.option(
    "--language",
    default="",
    help="Of the titles, such as zh or en-GB; the pages are in the browser's, or in this.  [default: by their script]",
)
@click.option(
    "--pictures", type=click.Path(), help="Folder of the files that the items' column `image` names."
)
@click.option(
    "--browser/--no-browser", default=None, help="Whether to open one; without, on a terminal of a screen."
)
def shop(
    target: str | None,
    out: str | None,
    store: str,
    log_folder: str | None,
    port: int,
    key_file: str | None,
    name: str,
    currency: str,
    language: str,
    pictures: str | None,
    browser: bool | None,
    **ads: Any,
) -> None:
    """Try a run's model in a browser: a storefront, and a console at /console.

    It is a gateway with pages, for this machine alone; see docs/gateway.md.
    """
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from aisle.cli.finished import embedded_server
    from aisle.cli.live.gateway import answer, listen
    from aisle.gateway.app import create_app
    from aisle.gateway.log import EventLog
    from aisle.gateway.pages.storefront import Shop, Storefront
    from aisle.gateway.recents.delivery import Delivery
    from aisle.gateway.recents.store import open_store
    from aisle.gateway.recording import utc_now
    from aisle.gateway.security import read_key
    from aisle.gateway.stages import StagedClient
    from aisle.schema.errors import InputError

    if pictures and not pathlib.Path(pictures).is_dir():
        raise InputError(f"--pictures {pictures} is no folder; name the one of the items' pictures")
    run = run_of(out) if target else run_of(out or "out", needed=True)
    key = read_key(key_file)
    made = "" if key else secrets.token_urlsafe(18)
    recents = Delivery(open_store(store, 7 * 86_400.0))
    with contextlib.ExitStack() as opened, listen(HOST, port) as listener:
        folder = log_folder or opened.enter_context(tempfile.TemporaryDirectory())
        log = EventLog(pathlib.Path(folder), utc_now)
        if target is None:
            click.echo("loading the model", err=True)
            target = opened.enter_context(embedded_server(pathlib.Path(out or "out")))
        client = StagedClient(target, timeout=5.0)
        between = stand_between(client, recents, log, store, pathlib.Path(folder), ads)
        shown = Shop(name, currency, language, trying=True)
        front = Storefront(
            between, client, recents, key or made, shown, run, pathlib.Path(pictures) if pictures else None
        )
        address = f"http://{HOST}:{listener.getsockname()[1]}"
        app = create_app(
            between, key or made, 0.0, on_ready=lambda: _tell(address, made, browser), storefront=front
        )
        # A page elsewhere whose name is turned to this machine's address stays outside.
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
        answer(app, listener)


def _tell(address: str, key: str, browser: bool | None) -> None:
    """Says where the shop is, and the key that was made, "" for none; opens a browser where one is wanted."""
    click.echo(f"the shop is at {address}")
    click.echo(f"its console is at {address}/console" + (f", the key is {key}" if key else ""))
    if _sees_pages() if browser is None else browser:
        click.launch(address)


def _sees_pages() -> bool:
    """Whether somebody sits at a terminal beside a screen: over SSH a browser would open in the terminal itself."""
    screen = sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    return sys.stdout.isatty() and screen


def run_of(out: str | None, needed: bool = False) -> Run | None:
    """The folders of a run's output; None where none is named.

    Raises:
        InputError: a version is needed, and none was pushed there.
    """
    from aisle.cli.finished import cleaned
    from aisle.gateway.pages.reviews.said import Reviews
    from aisle.gateway.pages.runs import LOW_STOCK, LowStock, Run
    from aisle.pipeline.paths import Layout
    from aisle.schema.errors import InputError
    from aisle.serving.releases.folders import require_version

    if out is None:
        return None
    layout = Layout(out)
    if not pathlib.Path(out).is_dir():
        raise InputError(f"--out {out} is no folder; name the output folder of an `aisle run`")
    if needed:
        require_version(pathlib.Path(layout.serving))
    try:
        tables = cleaned(pathlib.Path(out), "tables")
    except (FileNotFoundError, ValueError):  # Only what is served was copied here.
        tables = None
    low = LowStock(pathlib.Path(layout.inventory) / LOW_STOCK)
    said = Reviews(pathlib.Path(layout.reviews))
    return Run(tables, pathlib.Path(layout.reports), pathlib.Path(layout.serving), low, said)
