"""`aisle demo`: a simulated shop, from raw tables to answers, in one command."""

from __future__ import annotations

import pathlib
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import click

from aisle.cli.ask.options import DEFAULT_TARGET
from aisle.cli.finished import cleaned, embedded_server
from aisle.cli.tables import LANGUAGE, Language

if TYPE_CHECKING:
    from aisle.cli.demo.questions import Questions

DEMO_SETTINGS = (
    "retrieval.steps=400",
    "retrieval.batch=512",
    "ranker.layers=2",
    "ranker.epochs=1",
    "candidates.users=200",
    "ranker.text_rows=2000",
)
"""Smaller than the defaults, so that a first look takes minutes."""


@click.command()
@click.option(
    "--out",
    type=click.Path(),
    help="Folder of the shop and the output.  [default: demo; demo-LANGUAGE of another language than English]",
)
@LANGUAGE
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
def demo(
    out: str | None, language: Language, users: int, items: int, days: int, assignments: tuple[str, ...]
) -> None:
    """Simulate a shop with dirty data, run the pipeline, serve the model and ask it."""
    from aisle.pipeline.config import load_config

    load_config(None, [*DEMO_SETTINGS, *assignments])  # What is wrong there is told before the shop is made.
    folder = pathlib.Path(out or ("demo" if language == "en" else f"demo-{language}"))
    shop, output = folder / "shop", folder / "out"
    if not shop.exists():
        size = ("--users", str(users), "--items", str(items), "--days", str(days), "--dirt", "0.02")
        _aisle("simulate", str(shop), "--language", language, *size)
    settings = [word for setting in (*DEMO_SETTINGS, *assignments) for word in ("--set", setting)]
    _aisle("run", str(shop), "--out", str(output), *settings)
    questions = _ask(output)
    _print_faults(shop, output)
    _aisle("report", "--out", str(output))
    print_next(output, questions)
    offer_shop(output)


def _aisle(*arguments: str) -> None:
    """Runs one command as a user would; its failure is ours."""
    done = subprocess.run([sys.executable, "-m", "aisle.cli.main", *arguments], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def _ask(output: pathlib.Path) -> Questions:
    """Asks the served model about its shop; above each answer stands what shows whether it is right."""
    from aisle.cli.demo.questions import make_questions, print_items

    questions = make_questions(cleaned(output, "tables"))
    with embedded_server(output) as target:
        _question(target, "search", questions.query)
        click.secho(f"\nthe last purchases of {questions.user}", bold=True)
        print_items(questions.purchases)
        _question(target, "recommend", questions.user)
        click.secho("\nthe best seller", bold=True)
        print_items(questions.item)
        _question(target, "similar", questions.item["item_id"][0])
    return questions


def _question(target: str, command: str, what: str) -> None:
    click.secho(f"\naisle {command} {shlex.quote(what)}", bold=True)
    _aisle(command, what, "-k", "5", "--target", target)


def _print_faults(shop: pathlib.Path, output: pathlib.Path) -> None:
    """Says what was planted and what was found; nothing of a shop that was there before and tells of no faults."""
    from aisle.cli.demo.planted import print_table, read_families
    from aisle.datasets.simulator import GROUND_TRUTH

    if not (shop / GROUND_TRUTH).exists():
        return
    click.secho(
        "\nthe faults that were planted in the shop, and those that were found, row by row", bold=True
    )
    print_table(read_families(shop, cleaned(output, "ledger")))
    click.echo()


def print_next(output: pathlib.Path, questions: Questions) -> None:
    """Says how the shop can be asked on."""
    aisle, out = _command(), shlex.quote(str(output))
    click.secho("\nGo on asking: serve the shop, and ask it from another terminal", bold=True)
    click.echo(f"  {aisle} serve --out {out}")
    for command, what in (("search", questions.query), ("recommend", questions.user)):
        click.echo(f"  {aisle} {command} {shlex.quote(what)} --target {DEFAULT_TARGET}")
    click.secho("or look at it in a browser", bold=True)
    click.echo(f"  {aisle} shop --out {out}")


def offer_shop(output: pathlib.Path) -> None:
    """Opens the shop in a browser for who says so; who isn't at a terminal isn't asked."""
    if sys.stdin.isatty() and sys.stdout.isatty() and click.confirm("\nOpen the shop in a browser?", True):
        _aisle("shop", "--out", str(output))


def _command() -> str:
    """How this `aisle` is typed: by its name where the shell finds it, else by its path from here."""
    script = pathlib.Path(sys.executable).with_name("aisle")
    if not script.exists():
        return f"{shlex.quote(sys.executable)} -m aisle.cli.main"
    found = shutil.which("aisle")
    if found and pathlib.Path(found).samefile(script):
        return "aisle"
    here = pathlib.Path.cwd()
    return shlex.quote(str(script.relative_to(here) if script.is_relative_to(here) else script))
