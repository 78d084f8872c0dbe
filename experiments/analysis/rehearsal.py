"""An experiment tried on a shop's past: how many users it needs, and whether it finds nothing where nothing happened."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from aisle.experiments.analysis.events import Events
from aisle.experiments.analysis.exposures import Exposures
from aisle.experiments.analysis.measures import Declared, measure
from aisle.experiments.assignment.experiment import Experiment
from aisle.experiments.statistics import power
from aisle.experiments.statistics.effect import compare
from aisle.experiments.statistics.group_sequential import Looks
from aisle.experiments.statistics.metric import Part
from aisle.experiments.statistics.proportions import wilson
from aisle.experiments.statistics.sample import Sample
from aisle.experiments.statistics.sample_ratio import sample_ratio
from aisle.schema.errors import InputError


@dataclasses.dataclass(frozen=True)
class Plan:
    """What an experiment on a metric takes.

    Attributes:
        metric: its name.
        value: of the metric in the past.
        deviation: of one user, with what CUPED leaves of it.
        variance_kept: by CUPED, over the variance without.
        effect: that is to be seen, over the value.
        users: that it takes, of all arms together; rounded up.
        seen: the users of the rehearsed days who would take part.
        detectable: the smallest effect that so many show, over the value.
    """

    metric: str
    value: float
    deviation: float
    variance_kept: float
    effect: float
    users: int
    seen: int
    detectable: float

    @property
    def enough(self) -> bool:
        """Whether the rehearsed days have the users."""
        return self.seen >= self.users


def newest(events: Events) -> float:
    """The last moment of the days that are as busy as others: a few events of a wrong clock lie after them.

    A day is busy that has a twentieth of the events of the day that an event is of, in the middle.

    Raises:
        InputError: there are no events.
    """
    if not len(events):
        raise InputError("there are no events; expected those of some weeks")
    days, day, counts = np.unique(np.floor(events.day), return_inverse=True, return_counts=True)
    busy = counts >= np.median(counts[day]) / 20
    return float(events.day[day <= np.flatnonzero(busy)[-1]].max())


def rehearsed(events: Events, start: float, days: float) -> Exposures:
    """The users of some days as an experiment of one arm would have met them, from their first event in these days on.

    Raises:
        InputError: there are none.
    """
    seen = events.where((events.day >= start) & (events.day < start + days) & (events.unit != ""))
    if not len(seen):
        first = np.datetime64("1970-01-01") + int(start)
        raise InputError(f"no event of a known user from {first} on, for {days:g} days; take more days")
    units, user = np.unique(seen.unit, return_inverse=True)
    since = np.full(len(units), np.inf)
    np.minimum.at(since, user, seen.day)
    return Exposures(units, np.zeros(len(units), dtype=np.int64), since, {})


def plan(
    declared: Declared,
    events: Events,
    start: float,
    days: float,
    effect: float,
    shares: tuple[float, float] = (0.5, 0.5),
    power_wanted: float = 0.8,
    alpha: float = 0.05,
    looks: Looks | None = None,
    part: float = 1.0,
) -> Plan:
    """How many users it takes to see a relative effect, by what users did in some days of the past.

    Args:
        declared: the metric.
        events: of the past, from some weeks before `start`.
        start: the first rehearsed day.
        days: how long the experiment is to last.
        effect: over the metric's value, such as 0.02.
        shares: of all users, of the control and of one treatment.
        power_wanted: the chance to see it.
        alpha: of both sides together.
        looks: that are to be taken; more of them need a few more users.
        part: of all users who take part, see `Experiment.part`.

    Raises:
        InputError: nothing happened in these days, or no number of users is enough.
    """
    ended = events.where(events.day < start + days)
    measured = measure(declared, ended, rehearsed(events, start, days))
    sample = Sample.of(measured.columns)
    metric, plain = measured.metric, dataclasses.replace(measured.metric, covariates=())
    value = _value(declared.name, metric.outcome, sample)
    deviation = math.sqrt(metric.variance(sample))
    if deviation == 0:
        raise InputError(f"{declared.name}: all users have one value, so nothing can be planned")
    ratio = shares[1] / shares[0]
    control = power.means_size(effect * value, deviation, power_wanted, alpha, ratio)
    inflation = looks.inflation(power_wanted, alpha) if looks else 1.0
    seen = round(part * sample.n)
    of_control = shares[0] * seen / inflation
    return Plan(
        declared.name,
        value,
        deviation,
        metric.variance(sample) / plain.variance(sample),
        effect,
        # What a search found to a thousandth of a user is no user more.
        math.ceil(control * inflation / shares[0] - 1e-3),
        seen,
        power.detectable(max(of_control, 2.0), deviation, power_wanted, alpha, ratio) / abs(value),
    )


def _value(name: str, outcome: Part, sample: Sample) -> float:
    value = outcome.value(sample)
    if value == 0:
        raise InputError(
            f"{name}: it is 0 in these days, so an effect over it can't be planned; take more days"
        )
    return value


@dataclasses.dataclass(frozen=True)
class Replay:
    """What replays without an effect found.

    Attributes:
        metric: its name.
        times: how many there were.
        false_positives: the share that found a difference.
        interval: of that share: α should lie in it.
        alarms: the share whose sample ratio alarmed.
        users: of each replay.
    """

    metric: str
    times: int
    false_positives: float
    interval: tuple[float, float]
    alarms: float
    users: int


def replay(
    experiment: Experiment,
    declared: Declared,
    events: Events,
    start: float,
    days: float,
    times: int = 1_000,
    alpha: float = 0.05,
) -> Replay:
    """Assigns the users of some past days to the arms anew, again and again, and counts how often a difference is found.

    Args:
        experiment: whose first two arms are compared; each replay draws by another salt.
        declared: the metric.
        events: of the past.
        start: the first rehearsed day.
        days: for how long.
        times: how often.
        alpha: below which a p-value is a finding.

    Raises:
        InputError: nothing happened in these days, or too few take part.
    """
    ended = events.where(events.day < start + days)
    found = rehearsed(events, start, days)
    measured = measure(declared, ended, found)
    units, pair = found.units.tolist(), experiment.arms[:2]
    findings, alarms = 0, 0
    for number in range(times):
        drawn = dataclasses.replace(experiment, salt=f"replay {number}", forced={})
        assigned = [drawn.assign(unit) for unit in units]
        places = np.array([-1 if one is None else experiment.arms.index(one.arm) for one in assigned])
        arms = [
            Sample.of({name: column[places == place] for name, column in measured.columns.items()})
            for place in (0, 1)
        ]
        findings += compare(measured.metric, *arms).difference.p_value < alpha
        held = {arm.name: sample.n for arm, sample in zip(pair, arms, strict=True)}
        alarms += sample_ratio(held, {arm.name: arm.share for arm in pair}).alarm
    interval = wilson(findings, times)
    return Replay(declared.name, times, findings / times, interval, alarms / times, len(units))
