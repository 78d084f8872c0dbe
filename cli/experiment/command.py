"""`aisle experiment`: `plan` and `replay`, beside `power`, `analyze` and `offpolicy`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

import click

from aisle.cli.experiment.analyze import analyze
from aisle.cli.experiment.offpolicy import offpolicy
from aisle.cli.experiment.options import DAYS, JSON, KEEP_BOTS, POWER, of_a_shop, print_table
from aisle.cli.experiment.power import power
from aisle.cli.finite import FiniteRange
from aisle.schema.errors import InputError

if TYPE_CHECKING:
    from aisle.cli.experiment.shop import Asked
    from aisle.experiments.analysis.events import Events
    from aisle.experiments.analysis.measures import Declared

Told = TypeVar("Told")


@click.group()
def experiment() -> None:
    """Plan, rehearse and judge A/B tests and interleaved answers on a shop's events."""


for command in (power, analyze, offpolicy):
    experiment.add_command(command)


@experiment.command()
@of_a_shop
@DAYS
@click.option(
    "--effect", type=float, default=0.05, show_default=True, help="To be seen, over the metric's value."
)
@POWER
@click.option(
    "--looks",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="How often it is looked at, by O'Brien and Fleming.",
)
@click.option(
    "--credited",
    type=FiniteRange(0, 1, min_open=True),
    help="Of interleaved answers: the share of what is taken that one ranking alone has given.  [default: 1]",
)
@KEEP_BOTS
@JSON
def plan(
    shop: str, file: str, name: str | None, config_file: str | None, assignments: tuple[str, ...],
    days: float, effect: float, wanted: float, looks: int, credited: float | None, keep_bots: bool, as_json: bool,
) -> None:  # fmt: skip
    """Say how many users the experiment of FILE takes in SHOP, by what users did in its newest days."""
    from aisle.cli.experiment.shop import read_file
    from aisle.experiments.analysis import rehearsal
    from aisle.experiments.statistics.group_sequential import Looks

    asked = read_file(file, name)
    arms = asked.experiment.arms
    if asked.experiment.interleaved and looks > 1:
        raise InputError(
            f"{asked.experiment.name!r} is interleaved: plan it with one look; it takes few users"
        )
    if credited is not None and not asked.experiment.interleaved:
        raise InputError(
            f"--credited is of interleaved answers; {asked.experiment.name!r} gives each user one arm"
        )
    events, start = _newest(shop, asked, config_file, assignments, days, keep_bots)
    if asked.experiment.interleaved:
        _plan_interleaved(asked, events, start, days, effect, credited or 1.0, wanted, as_json)
        return
    shares, several = (arms[0].share, arms[1].share), Looks.obrien_fleming(looks) if looks > 1 else None
    part = asked.experiment.part
    plans = _of_each(
        asked.metrics,
        lambda metric: rehearsal.plan(
            metric, events, start, days, effect, shares, wanted, looks=several, part=part
        ),
    )
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in plans]))
        return
    head = ("metric", "value", "users it takes", f"users in {days:g} days", "smallest effect of these")
    print_table(
        head,
        (
            (one.metric, f"{one.value:.4g}", f"{one.users:,}", f"{one.seen:,}", f"{one.detectable:.2%}")
            for one in plans
        ),
    )


def _plan_interleaved(
    asked: Asked, events: Events, start: float, days: float, effect: float, credited: float, wanted: float, as_json: bool
) -> None:  # fmt: skip
    """By each kind of event that a metric measures; of sessions, where these are assigned."""
    from aisle.experiments.analysis.rehearsed_interleaving import plan_interleaved

    part = asked.experiment.part
    plans = [
        plan_interleaved(kind, events, start, days, effect, credited, wanted, part=part)
        for kind in asked.kinds
    ]
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in plans]))
        return
    who = "users" if asked.experiment.unit == "user_id" else "sessions"
    head = (
        "taken",
        "by each",
        "who decide",
        f"{who} it takes",
        f"{who} in {days:g} days",
        "smallest effect of these",
    )
    print_table(
        head,
        (
            (
                one.event,
                f"{one.taken:.4g}",
                f"{one.deciding:.1%}",
                f"{one.users:,}",
                f"{one.seen:,}",
                "none" if one.detectable is None else f"{one.detectable:.2%}",
            )
            for one in plans
        ),
    )


@experiment.command()
@of_a_shop
@DAYS
@click.option("--times", type=click.IntRange(1), default=1_000, show_default=True, help="How many replays.")
@KEEP_BOTS
@JSON
def replay(
    shop: str, file: str, name: str | None, config_file: str | None, assignments: tuple[str, ...],
    days: float, times: int, keep_bots: bool, as_json: bool,
) -> None:  # fmt: skip
    """Assign the users of SHOP's newest days to the arms of FILE again and again, and count what is found though nothing happened."""
    from aisle.cli.experiment.shop import read_file
    from aisle.experiments.analysis import rehearsal

    asked = read_file(file, name)
    if asked.experiment.interleaved:
        raise InputError(
            f"{asked.experiment.name!r} is interleaved: each user sees both rankings, so there are no arms to draw anew; "
            "`plan` says how many users it takes"
        )
    events, start = _newest(shop, asked, config_file, assignments, days, keep_bots)
    found = _of_each(
        asked.metrics,
        lambda metric: rehearsal.replay(asked.experiment, metric, events, start, days, times),
    )
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in found]))
        return
    head = ("metric", "found", "95 % interval", "sample-ratio alarms")
    print_table(
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


def _of_each(metrics: Iterable[Declared], tell: Callable[[Declared], Told]) -> list[Told]:
    """What is told of each metric; of one that the past can't tell of, why, beside the others.

    Raises:
        InputError: it can tell of none.
    """
    found, refused = [], []
    for metric in metrics:
        try:
            found.append(tell(metric))
        except InputError as error:
            refused.append(error)
    if refused and not found:
        raise refused[0]
    for reason in refused:
        click.echo(f"left out: {reason}", err=True)
    return found


def _newest(
    shop: str, asked: Asked, config_file: str | None, assignments: tuple[str, ...], days: float, keep_bots: bool
) -> tuple[Events, float]:  # fmt: skip
    """The shop's events, without the bots of its newest days, and the first of these days."""
    from aisle.cli.experiment.shop import read_events
    from aisle.experiments.analysis.bots import bots
    from aisle.experiments.analysis.rehearsal import newest, rehearsed

    events, _ = read_events(shop, asked.experiment.unit, config_file, assignments).timely()
    events, _ = events.distinct()
    end = newest(events)
    start = end - days
    if (told := end - float(events.day.min())) < days - 1:
        click.echo(
            f"the events are of {told:.1f} days, and so are the users told, not of {days:g} days", err=True
        )
    if keep_bots:
        return events, start
    return bots(events, rehearsed(events, start, days).units).people(events), start
