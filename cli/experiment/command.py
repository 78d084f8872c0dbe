"""`aisle experiment plan`, `replay` and `analyze`, beside `power`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from aisle.cli.experiment.power import power
from aisle.cli.finite import FiniteRange
from aisle.cli.run import CONFIG, SET

if TYPE_CHECKING:
    from aisle.experiments.analysis.analyze import Analysis
    from aisle.experiments.analysis.events import Events
    from aisle.experiments.analysis.measures import Declared
    from aisle.experiments.assignment.experiment import Experiment

Command = TypeVar("Command", bound=Callable[..., None])
DAYS = click.option(
    "--days",
    type=FiniteRange(min=0, min_open=True),
    default=28.0,
    show_default=True,
    help="The newest days that are rehearsed.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _of_a_shop(command: Command) -> Command:
    """What all take: the shop, the file, and which experiment of it."""
    for option in (
        SET,
        CONFIG,
        click.option("--name", help="Which experiment of the file; needed where it holds several."),
        click.argument("file", type=click.Path()),
        click.argument("shop", type=click.Path()),
    ):
        command = option(command)
    return command


@click.group()
def experiment() -> None:
    """Plan, rehearse and judge A/B tests on a shop's events."""


experiment.add_command(power)


@experiment.command()
@_of_a_shop
@DAYS
@click.option(
    "--effect", type=float, default=0.05, show_default=True, help="To be seen, over the metric's value."
)
@click.option(
    "--power",
    "wanted",
    type=FiniteRange(0, 1, True, True),
    default=0.8,
    show_default=True,
    help="The chance to see it.",
)
@click.option(
    "--looks",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="How often it is looked at, by O'Brien and Fleming.",
)
@JSON
def plan(
    shop: str, file: str, name: str | None, config_file: str | None, assignments: tuple[str, ...],
    days: float, effect: float, wanted: float, looks: int, as_json: bool,
) -> None:  # fmt: skip
    """Say how many users the experiment of FILE takes in SHOP, by what users did in its newest days."""
    from aisle.cli.experiment.shop import read_events, read_file
    from aisle.experiments.analysis import rehearsal
    from aisle.experiments.statistics.group_sequential import Looks

    asked, metrics = read_file(file, name)
    events = read_events(shop, asked.unit, config_file, assignments)
    shares, several = (
        (asked.arms[0].share, asked.arms[1].share),
        Looks.obrien_fleming(looks) if looks > 1 else None,
    )
    start = float(events.day.max()) - days
    plans = [
        rehearsal.plan(metric, events, start, days, effect, shares, wanted, looks=several)
        for metric in metrics
    ]
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in plans]))
        return
    head = ("metric", "value", "users it takes", f"users in {days:g} days", "smallest effect of these")
    _table(
        head,
        (
            (one.metric, f"{one.value:.4g}", f"{one.users:,}", f"{one.seen:,}", f"{one.detectable:.2%}")
            for one in plans
        ),
    )


@experiment.command()
@_of_a_shop
@DAYS
@click.option("--times", type=click.IntRange(1), default=1_000, show_default=True, help="How many replays.")
@JSON
def replay(
    shop: str, file: str, name: str | None, config_file: str | None, assignments: tuple[str, ...],
    days: float, times: int, as_json: bool,
) -> None:  # fmt: skip
    """Assign the users of SHOP's newest days to the arms of FILE again and again, and count what is found though nothing happened."""
    from aisle.cli.experiment.shop import read_events, read_file
    from aisle.experiments.analysis import rehearsal

    asked, metrics = read_file(file, name)
    events = read_events(shop, asked.unit, config_file, assignments)
    start = float(events.day.max()) - days
    found = [rehearsal.replay(asked, metric, events, start, days, times) for metric in metrics]
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in found]))
        return
    head = ("metric", "found", "95 % interval", "sample-ratio alarms")
    _table(
        head,
        (
            (
                one.metric,
                f"{one.false_positives:.2%}",
                f"{one.interval[0]:.2%} to {one.interval[1]:.2%}",
                f"{one.alarms:.2%}",
            )
            for one in found
        ),
    )


@experiment.command()
@_of_a_shop
@click.option("--look", "looks", type=FiniteRange(0, 1, True), multiple=True, help="The looks so far, as shares of the planned users, rising; none: this is the only one.")  # fmt: skip
@click.option("--out", default="out", show_default=True, type=click.Path(), help="Folder for the report.")
@JSON
def analyze(
    shop: str, file: str, name: str | None, config_file: str | None, assignments: tuple[str, ...],
    looks: tuple[float, ...], out: str, as_json: bool,
) -> None:  # fmt: skip
    """Judge the experiment of FILE by the events of SHOP; ends with 3 where they can't be trusted, with 4 where a guardrail is harmed."""
    from aisle.cli.experiment.shop import read_events, read_file
    from aisle.components.reports.experiment import report_of, write_experiment
    from aisle.components.reports.publish import as_json as as_text
    from aisle.experiments.analysis.analyze import analyze as judged
    from aisle.experiments.statistics.group_sequential import Looks
    from aisle.experiments.statistics.spending import obrien_fleming
    from aisle.pipeline.output_folder import check_out
    from aisle.pipeline.paths import Layout
    from aisle.schema.errors import ExperimentUntrusted, GuardrailHarmed

    check_out(out)
    asked, metrics = read_file(file, name)
    events = read_events(shop, asked.unit, config_file, assignments)
    if asked.interleaved:
        _print_preferred(asked, events, metrics, as_json)
        return
    compared = max(sum(not metric.guardrail for metric in metrics), 1)
    several = Looks.spent(looks, obrien_fleming, 0.05 / compared) if looks else None
    found = judged(asked, events, metrics, several)
    report = report_of(found)
    page = write_experiment(report, Layout(out).reports)
    if as_json:
        click.echo(as_text(report))
    else:
        _print(found)
        click.echo(f"report: {page}")
    if found.outcome in ("untrusted", "harmed"):
        raise (ExperimentUntrusted if found.outcome == "untrusted" else GuardrailHarmed)(found.verdict)


def _print_preferred(asked: Experiment, events: Events, metrics: tuple[Declared, ...], as_json: bool) -> None:
    """Which ranking users prefer, by each kind of event that a metric measures."""
    from aisle.experiments.analysis.interleaved import preferred

    kinds = dict.fromkeys(metric.measure.event for metric in metrics)
    found = [preferred(asked, events, kind) for kind in kinds]
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in found]))
        return
    for one in found:
        click.echo(f"{one.experiment}, {one.event}: {one.verdict}")


def _print(found: Analysis) -> None:
    """The verdict, then the metrics, then who was left out."""
    click.echo(f"{found.experiment}: {found.verdict}\n")
    head = ("metric", "arm", "control", "arm's", "difference", "p", "Holm")
    _table(
        head,
        (
            (
                row.declared.name,
                row.arm,
                f"{row.effect.control:.4g}",
                f"{row.effect.treatment:.4g}",
                f"{row.effect.difference.value:+.4g} [{row.interval[0]:+.4g}, {row.interval[1]:+.4g}]",
                f"{row.effect.difference.p_value:.2g}",
                "guardrail" if row.holm is None else f"{row.holm:.2g}",
            )
            for row in found.rows
        ),
    )
    for metric, reason in found.refused.items():
        click.echo(f"{metric}: not judged: {reason}")
    said = ", ".join(f"{reason} {count:,}" for reason, count in found.left_out.items() if count)
    users = ", ".join(f"{arm} {count:,}" for arm, count in found.sample_ratio.users.items())
    click.echo(f"users: {users}" + (f"; left out: {said}" if said else ""))
    if noted := ", ".join(f"{count:,} {what}" for what, count in found.noted.items() if count):
        click.echo(f"kept: {noted}")


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for title in head:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console().print(table)
