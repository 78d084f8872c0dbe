"""The options that several commands of `aisle ads` share: how places are sold."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from aisle.cli.finite import FiniteRange

if TYPE_CHECKING:
    from aisle.ads.requests import Pace, Rule, Terms

Command = TypeVar("Command", bound=Callable[..., None])
OUT = click.option(
    "--out", default="out", show_default=True, type=click.Path(), help="The folder to write to."
)
SEED = click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of all that is drawn."
)


def of_windows(command: Command) -> Command:
    """What belongs to a show: the parameters `click_minutes` and `purchase_days`."""
    for option in (
        click.option(
            "--purchase-days", type=FiniteRange(0, min_open=True), default=7.0, show_default=True,
            help="After a show, in which a purchase belongs to it.",
        ),
        click.option(
            "--click-minutes", type=FiniteRange(0, min_open=True), default=30.0, show_default=True,
            help="After a show, in which a click belongs to it.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def of_terms(command: Command) -> Command:
    """How places are sold: the parameters `rule`, `reserve`, `pacing`, `floor` and `places`."""
    for option in (
        click.option("--places", default="2,6", show_default=True, help="Of a page, from 1, that are sold."),
        click.option(
            "--floor", type=FiniteRange(0, 1), default=0.5, show_default=True,
            help="What isn't sold a place: what is clicked less likely than this share of the item there without ads.",
        ),
        click.option(
            "--pacing", type=click.Choice(["auction", "slot", "none"]), default="auction", show_default=True,
            help="When each campaign's bids are moved, so that its budget lasts.",
        ),
        click.option(
            "--reserve", type=click.IntRange(0, 10**18), default=0, show_default=True,
            help="The least that a million shows must bring, in micros.",
        ),
        click.option(
            "--rule", type=click.Choice(["gsp", "vcg", "second-price"]), default="gsp", show_default=True,
            help="What winners pay; second-price sells the first place alone.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def terms_of(
    rule: Rule, reserve: int, pacing: Pace, floor: float, places: str, looks: tuple[int, ...]
) -> Terms:
    """The terms that the options come to.

    Args:
        rule: what winners pay.
        reserve: in micros for a million shows.
        pacing: when bids move.
        floor: a share.
        places: as they are written, `2,6`.
        looks: of each place of a page, see `Terms`.

    Raises:
        InputError: the places are none.
    """
    from aisle.ads.requests import Terms
    from aisle.schema.errors import InputError

    try:
        sold = tuple(int(place) for place in places.split(","))
    except ValueError:
        raise InputError(f"--places is {places!r}, expected places from 1 on, such as 2,6") from None
    return Terms(rule, reserve, pacing, floor, sold, looks)
