"""`aisle experiment power`: sizes by hand, without a shop's tables."""

from __future__ import annotations

import json
import math

import click

from aisle.cli.experiment.options import JSON, POWER
from aisle.cli.finite import FiniteRange


@click.command()
@click.argument("value", type=float)
@click.option(
    "--effect", type=float, default=0.05, show_default=True, help="To be seen, over the metric's value."
)
@click.option(
    "--deviation",
    type=FiniteRange(min=0, min_open=True),
    help="Standard deviation of a user; without it VALUE is a share of users, such as those who buy.",
)
@click.option("--users", type=click.IntRange(2), help="Of each arm: say their power, not how many it takes.")
@POWER
@click.option(
    "--alpha",
    type=FiniteRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="The chance to find something where nothing is, both sides together.",
)
@JSON
def power(
    value: float, effect: float, deviation: float | None, users: int | None, wanted: float, alpha: float, as_json: bool
) -> None:  # fmt: skip
    """Say how many users of each arm show an EFFECT on a metric of VALUE, or what so many show."""
    from aisle.experiments.statistics import power as sizes

    other = value * (1 + effect)
    if users is None:
        needed = (
            sizes.shares_size(value, other, wanted, alpha)
            if deviation is None
            else sizes.means_size(other - value, deviation, wanted, alpha)
        )
        said, users = wanted, max(math.ceil(needed), 1)
    elif deviation is None:
        said = sizes.shares_power(users, value, other, alpha)
    else:
        said = sizes.means_power(users, other - value, deviation, alpha)
    if as_json:
        click.echo(json.dumps({"users": users, "power": said, "value": value, "other": other}))
    else:
        click.echo(
            f"{users:,} users of each arm show {value:g} against {other:g} with a chance of {said:.1%}"
        )
