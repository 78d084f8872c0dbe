"""`aisle demo`: a simulated shop, from raw tables to answers, in one command."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import click

from aisle.schema.errors import AisleError

DEMO_SETTINGS = (
    "retrieval.steps=400",
    "retrieval.batch=512",
    "ranker.layers=2",
    "ranker.epochs=1",
    "candidates.users=300",
    "ranker.text_rows=6000",
)
"""Smaller than the defaults, so that a first look takes minutes."""


@click.command()
@click.option(
    "--out", default="demo", show_default=True, type=click.Path(), help="Folder of the shop and the output."
)
@click.option("--users", default=400, show_default=True, type=click.IntRange(50), help="Users of the shop.")
@click.option("--items", default=300, show_default=True, type=click.IntRange(50), help="Items of the shop.")
@click.option("--days", default=50, show_default=True, type=click.IntRange(30), help="Days of the shop.")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    help="A setting of the run; repeatable.",
)
def demo(out: str, users: int, items: int, days: int, assignments: tuple[str, ...]) -> None:
    """Simulate a shop with dirty data, run the pipeline, serve the model and ask it."""
    from aisle.pipeline.config import load_config

    load_config(None, [*DEMO_SETTINGS, *assignments])  # What is wrong there is told before the shop is made.
    folder = pathlib.Path(out)
    shop, output = folder / "shop", folder / "out"
    if not shop.exists():
        size = ("--users", str(users), "--items", str(items), "--days", str(days), "--dirt", "0.02")
        _aisle("simulate", str(shop), *size)
    settings = [word for setting in (*DEMO_SETTINGS, *assignments) for word in ("--set", setting)]
    _aisle("run", str(shop), "--out", str(output), *settings)
    with _server(output) as target:
        for question in (
            ("search", "red cotton shirt"),
            ("recommend", _some_user(shop)),
            ("similar", _some_item(shop)),
        ):
            click.secho(f"\naisle {question[0]} {question[1]!r}", bold=True)
            _aisle(*question, "-k", "5", "--target", target, "--out", str(output))
    click.echo()
    _aisle("report", "--out", str(output))


def _aisle(*arguments: str) -> None:
    """Runs one command as a user would; its failure is ours."""
    done = subprocess.run([sys.executable, "-m", "aisle.cli.main", *arguments], check=False)
    if done.returncode:
        sys.exit(done.returncode)


@contextlib.contextmanager
def _server(output: pathlib.Path) -> Iterator[str]:
    """Serves the output's model on a free port; yields its address, ends the server after."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "aisle.serving.server",
        "--base",
        str(output / "serving" / "aisle"),
        "--port",
        "0",
    ]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=quiet) as process:
        try:
            assert process.stdout is not None
            line = next((line for line in process.stdout if "listening on" in line), "")
            if not line:
                raise AisleError("the server did not start; run `aisle serve` to see why")
            yield line.split()[-1]
        finally:
            process.terminate()


def _some_user(shop: pathlib.Path) -> str:
    """The buyer with the most purchases: someone there is much to know about."""
    import polars as pl

    purchases = pl.scan_csv(
        shop / "events" / "*.csv",
        infer_schema=False,
        ignore_errors=True,
        truncate_ragged_lines=True,
        encoding="utf8-lossy",
    )
    bought = purchases.filter((pl.col("event") == "purchase") & (pl.col("user_id") != "")).collect()
    return str(bought["user_id"].value_counts(sort=True)["user_id"][0])


def _some_item(shop: pathlib.Path) -> str:
    import polars as pl

    return str(
        pl.read_csv(
            shop / "items.csv", infer_schema=False, encoding="utf8-lossy", truncate_ragged_lines=True
        )["item_id"][0]
    )
