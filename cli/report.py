"""`aisle report`: a line for each report of a run, its verdict and its path."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aisle.components.reports import ads, experiment, inventory, labels, pictures, reviews
from aisle.components.reports.losses import headline, severe
from aisle.components.reports.page import counted, visible
from aisle.schema.errors import InputError

GOOD, BAD, CAREFUL = "green", "bold red", "yellow"


def _anomalies(report: dict[str, Any]) -> tuple[str, str]:
    errors, warnings = report["counts"]["ERROR"], report["counts"]["WARNING"]
    colour = BAD if report["verdict"] == "blocked" else CAREFUL if warnings else GOOD
    return f"{report['verdict']}, {counted(errors, 'error')}, {counted(warnings, 'warning')}", colour


def _cleaning(report: dict[str, Any]) -> tuple[str, str]:
    tables = report["tables"].values()
    read, used = (sum(table[count] for table in tables) for count in ("read", "used"))
    accounted = used + sum(table["quarantined"] + table["merged"] for table in tables)
    if accounted != read:
        return f"does not add up, {read:,} rows read, {accounted:,} accounted for", BAD
    said, losses = f"adds up, {used:,} of {read:,} rows used", report.get("losses")
    if not losses or not severe(losses):
        return said, GOOD
    return f"{said}; {headline(losses)}", BAD if losses["verdict"] == "blocked" else CAREFUL


def _pictures(report: dict[str, Any]) -> tuple[str, str]:
    return pictures.headline(report), CAREFUL if report["findings"] else GOOD


def _labels(report: dict[str, Any]) -> tuple[str, str]:
    return labels.headline(report), CAREFUL if labels.notes(report) else GOOD


def _evaluation(report: dict[str, Any]) -> tuple[str, str]:
    blessing = report["blessing"]
    if blessing["blessed"]:
        checks = blessing.get("checks")
        unjudged = bool(checks) and all(check["passed"] is None for check in checks)
        word = f"pushed unjudged: {blessing['reasons'][0]}" if unjudged else "blessed"
        return "".join((word, *map(_taken, report.get("transfer", ())))), CAREFUL if unjudged else GOOD
    reason = "; ".join(visible(" ".join(str(reason).split())) for reason in blessing["reasons"][:1])
    return f"not blessed{': ' + reason if reason else ''}", BAD


def _taken(part: dict[str, Any]) -> str:
    """What became of a part of another shop's models."""
    won = f"nDCG {part['gain']:+.4f}, at least {part['low']:+.4f}, on {part['questions']:,} questions"
    return f"; the other shop's {part['part']} is {'on' if part['on'] else 'off'} ({part['why'] or won})"


def _inventory(report: dict[str, Any]) -> tuple[str, str]:
    orders = report["orders"]
    return inventory.headline(report), CAREFUL if orders and orders["out"] else GOOD


def _experiment(report: dict[str, Any]) -> tuple[str, str]:
    colours = {"better": GOOD, "no difference": CAREFUL}
    return visible(" ".join(experiment.headline(report).split())), colours.get(report["outcome"], BAD)


def _ads(report: dict[str, Any]) -> tuple[str, str]:
    return visible(" ".join(ads.headline(report).split())), BAD if report["spend"]["over_budget"] else GOOD


def _reviews(report: dict[str, Any]) -> tuple[str, str]:
    return reviews.headline(report), CAREFUL if report["rises"] else GOOD


VERDICTS: dict[str, Callable[[dict[str, Any]], tuple[str, str]]] = {
    "anomalies": _anomalies,
    "cleaning": _cleaning,
    "pictures": _pictures,
    "labels": _labels,
    "evaluation": _evaluation,
    "inventory": _inventory,
    "experiment": _experiment,
    "ads": _ads,
    "reviews": _reviews,
}
"""The reports in the order a run writes them; each JSON to its verdict and the verdict's colour."""


@click.command()
@click.option("--out", default="out", show_default=True, help="The folder a run wrote to.")
def report(out: str) -> None:
    """Say where the reports of a run are, and what each found."""
    folder = pathlib.Path(out) / "reports"
    found = [name for name in VERDICTS if (folder / f"{name}.json").is_file()]
    if not found:
        raise InputError(
            f"no report in {folder}; run `aisle run DATA --out {out}` first, or name a run's folder by --out"
        )
    table = Table(box=None, pad_edge=False, show_header=False)
    # A path that is cut or wrapped can't be clicked or copied.
    for wrap in (True, False, True):
        table.add_column(no_wrap=wrap, overflow="fold")
    for name in found:
        verdict, colour = _verdict(name, folder / f"{name}.json")
        table.add_row(name, Text(verdict, style=colour), str(folder / f"{name}.html"))
    console = Console()
    if console.is_terminal:
        console.print(table)
        return
    for name in found:
        verdict, _ = _verdict(name, folder / f"{name}.json")
        click.echo(f"{name}: {verdict}\t{folder / f'{name}.html'}")


def line_of(name: str, folder: str) -> str:
    """Returns what one report in a folder found, without its path."""
    return _verdict(name, pathlib.Path(folder) / f"{name}.json")[0]


def _verdict(name: str, path: pathlib.Path) -> tuple[str, str]:
    try:
        return VERDICTS[name](json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is not a report this version reads ({error!r}); run `aisle run` again"
        ) from error
