"""Metrics as a shop declares them: what is counted of each user's events, and how it is compared."""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np

from aisle.experiments.analysis.events import Events
from aisle.experiments.analysis.exposures import Exposures
from aisle.experiments.statistics.metric import Mean, Metric, Ratio
from aisle.experiments.statistics.sample import Floats
from aisle.experiments.statistics.winsorising import winsorise
from aisle.schema.errors import InputError


@dataclasses.dataclass(frozen=True)
class Measure:
    """What is counted of a user's events of one kind.

    Attributes:
        event: the kind, such as `click`.
        count: how many there are, whether there are any, or what they are worth.
    """

    event: str
    count: Literal["number", "any", "value"] = "number"

    def of(self, events: Events, user: np.ndarray, when: np.ndarray, users: int) -> Floats:
        """Of each user, [users].

        Args:
            events: of all of them.
            user: whose each is, [e].
            when: which of them count, [e].
            users: how many users there are.

        Raises:
            InputError: a value is no number.
        """
        chosen = (events.kind == self.event) & when
        if self.count == "value":
            worth = events.value[chosen]
            if wrong := int((~np.isfinite(worth)).sum()):
                raise InputError(
                    f"{wrong:,} of {len(worth):,} events {self.event!r} have no price or a price that is no number; "
                    "mend them, or count their number"
                )
            return np.bincount(user[chosen], worth, users).astype(float)
        number = np.bincount(user[chosen], minlength=users).astype(float)
        return np.minimum(number, 1.0) if self.count == "any" else number


@dataclasses.dataclass(frozen=True)
class Declared:
    """A metric of a shop.

    Attributes:
        name: in reports.
        measure: what is counted of each user.
        over: what it is divided by, where it is a ratio.
        winsorised: the quantile that the measure is cut at, 1 for none; a ratio's isn't cut.
        adjusted: by the same before the first exposure (CUPED).
        better: the side to which it should move.
        guardrail: it needn't become better, but must not become worse.
    """

    name: str
    measure: Measure
    over: Measure | None = None
    winsorised: float = 1.0
    adjusted: bool = True
    better: Literal["up", "down"] = "up"
    guardrail: bool = False


CTR = Declared("clicks an impression", Measure("click"), Measure("impression"))
CVR = Declared("users who buy", Measure("purchase", "any"))
REVENUE = Declared("revenue a user", Measure("purchase", "value"), winsorised=0.99)
STANDARD = (CTR, CVR, REVENUE)


@dataclasses.dataclass(frozen=True)
class Measured:
    """A metric's columns.

    Attributes:
        declared: the metric as the shop declares it.
        metric: over these columns.
        columns: of all arms' users, [n] each.
        bound: what the measure was cut at; None where it wasn't.
    """

    declared: Declared
    metric: Metric
    columns: dict[str, Floats]
    bound: float | None


def measure(
    declared: Declared,
    events: Events,
    found: Exposures,
    days_before: float = 84.0,
    places: np.ndarray | None = None,
) -> Measured:
    """What each user did from the first exposure on, and in so many days before it.

    Args:
        declared: the metric.
        events: of all users.
        found: the users.
        days_before: what adjusts it.
        places: of the events' users, where several metrics ask for them.

    Raises:
        InputError: a value is no number, or winsorising leaves nothing.
    """
    user = found.places(events.unit) if places is None else places
    ours, since = user >= 0, found.since[user]
    after = ours & (events.day >= since)
    before = ours & (events.day < since) & (events.day >= since - days_before)

    def counted(what: Measure, when: np.ndarray) -> Floats:
        return what.of(events, user, when, len(found.units))

    columns, bound = {"outcome": counted(declared.measure, after)}, None
    below = f"{declared.over.event} events" if declared.over else ""
    if declared.over:
        columns[below] = counted(declared.over, after)
    elif declared.winsorised < 1 and columns["outcome"].any():
        cut = winsorise(columns["outcome"], declared.winsorised, above_zero=True)
        columns["outcome"], bound = cut.values, cut.bound
    if declared.adjusted:
        columns["before"] = counted(declared.measure, before)
        if bound is not None:
            columns["before"] = np.minimum(
                columns["before"], np.quantile(columns["before"], declared.winsorised)
            )
    outcome = Ratio("outcome", below) if declared.over else Mean("outcome")
    covariates = (Mean("before"),) if declared.adjusted else ()
    return Measured(declared, Metric(declared.name, outcome, covariates), columns, bound)
