"""What an experiment found: whether its data can be trusted, what each metric did, and a verdict in words."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from aisle.experiments.analysis.events import Events
from aisle.experiments.analysis.exposures import MOST_DOUBLE, Exposures, exposures, otherwise_assigned
from aisle.experiments.analysis.identity import recognised
from aisle.experiments.analysis.measures import STANDARD, Declared, Measured, measure
from aisle.experiments.assignment.experiment import Experiment
from aisle.experiments.statistics.effect import Effect, compare
from aisle.experiments.statistics.estimate import Estimate, Interval
from aisle.experiments.statistics.group_sequential import Looks
from aisle.experiments.statistics.multiple import benjamini_hochberg, holm
from aisle.experiments.statistics.sample import Sample
from aisle.experiments.statistics.sample_ratio import SampleRatio, sample_ratio
from aisle.schema.errors import InputError

Outcome = Literal["untrusted", "harmed", "better", "worse", "no difference"]


@dataclasses.dataclass(frozen=True)
class Row:
    """A metric in an arm, beside the control.

    Attributes:
        declared: the metric.
        arm: the treatment's name.
        effect: what it did.
        interval: of the difference, wide enough for all looks where there are several.
        relative: the same over the control's value; None where that is 0.
        holm: the p-value among all metrics that aren't guardrails, and arms; None of a guardrail.
        benjamini_hochberg: the same.
        bound: what each user's measure was cut at; None where it wasn't.
    """

    declared: Declared
    arm: str
    effect: Effect
    interval: Interval
    relative: Interval | None
    holm: float | None
    benjamini_hochberg: float | None
    bound: float | None

    @property
    def toward_better(self) -> Interval:
        """The interval's ends, turned so that above 0 is better."""
        low, high = self.interval
        return (low, high) if self.declared.better == "up" else (-high, -low)


@dataclasses.dataclass(frozen=True)
class Analysis:
    """What an experiment found.

    Attributes:
        experiment: its name.
        outcome: in a word.
        verdict: in a sentence or two.
        distrust: why the data can't be trusted; nothing where it can.
        sample_ratio: the users of each arm.
        left_out: how many users or events were, by the reason.
        late: how many users did something in the experiment before it was shown to them; they are kept.
        noted: how many there are of what is kept and worth knowing, by what it is.
        rows: of each metric and treatment.
        refused: why a metric can't be judged, by its name.
    """

    experiment: str
    outcome: Outcome
    verdict: str
    distrust: list[str]
    sample_ratio: SampleRatio
    left_out: dict[str, int]
    late: int
    noted: dict[str, int]
    rows: list[Row]
    refused: dict[str, str]


def analyze(
    experiment: Experiment,
    events: Events,
    metrics: Sequence[Declared] = STANDARD,
    looks: Looks | None = None,
    alpha: float = 0.05,
) -> Analysis:
    """Judges an experiment by the events of its users.

    Args:
        experiment: as it ran; its first arm is the control.
        events: all of its users', of before the exposure, too: they are what CUPED adjusts by.
        metrics: what is compared.
        looks: where this is one of several looks; the last of its bounds is of this one. Of several metrics, plan them with
            `alpha` over the number of metrics.
        alpha: of all metrics together that aren't guardrails (Holm), and of each interval.

    Raises:
        InputError: nobody saw the experiment, an arm isn't planned, or two metrics have one name.
    """
    if len({declared.name for declared in metrics}) != len(metrics):
        raise InputError(f"metrics {[declared.name for declared in metrics]}; expected names that differ")
    if experiment.interleaved:
        raise InputError(
            f"{experiment.name!r} is interleaved: who took part saw both arms; ask for its credits"
        )
    events, twice = events.distinct()
    events, later = (
        recognised(events) if experiment.unit == "user_id" else (events, np.zeros(len(events), bool))
    )
    found = exposures(experiment, events)
    ratio = sample_ratio(found.counts(experiment), experiment.shares)
    distrust = _distrust(experiment, found, ratio)
    rows, refused = _rows(experiment, events, found, metrics, _level(looks, alpha))
    outcome, verdict = _verdict(experiment, distrust, rows, alpha, looks)
    left_out = {**found.left_out, "events told twice": twice}
    other = "sessions" if experiment.unit == "user_id" else "users by their sessions"
    noted = {
        "first seen before they were known": len(
            np.intersect1d(events.unit[later & (events.experiment == experiment.name)], found.units)
        ),
        f"{other} in two arms": found.other_double,
    }
    return Analysis(
        experiment.name,
        outcome,
        verdict,
        distrust,
        ratio,
        left_out,
        found.late,
        noted,
        _adjusted(rows),
        refused,
    )


def _level(looks: Looks | None, alpha: float) -> float:
    """The level of an interval that holds at this look among all."""
    return 1 - (math.erfc(looks.bounds[-1] / math.sqrt(2)) if looks else alpha)


def _distrust(experiment: Experiment, found: Exposures, ratio: SampleRatio) -> list[str]:
    reasons = []
    if ratio.alarm:
        held = ", ".join(f"{arm} {n:,} of {ratio.planned[arm]:,.0f}" for arm, n in ratio.users.items())
        reasons.append(f"the arms don't hold the users that were planned ({held}; p = {ratio.p_value:.2g})")
    if found.double_share > MOST_DOUBLE:
        reasons.append(f"{found.double_share:.1%} of the users saw two arms")
    if found.late > MOST_DOUBLE * len(found.units):
        reasons.append(
            f"{found.late / len(found.units):.1%} of the users acted in it before it was shown to them"
        )
    if other := otherwise_assigned(experiment, found):
        share = other / len(found.units)
        if share > MOST_DOUBLE:
            reasons.append(
                f"{share:.1%} of the users saw another arm than theirs: it was edited midway, or isn't this one"
            )
    return reasons


def _rows(
    experiment: Experiment, events: Events, found: Exposures, metrics: Sequence[Declared], level: float
) -> tuple[list[Row], dict[str, str]]:
    """Each metric in each treatment; and why one can't be judged."""
    rows: list[Row] = []
    refused: dict[str, str] = {}
    for declared in metrics:
        try:
            measured = measure(declared, events, found)
            rows += [
                _row(experiment, found, declared, measured, arm, level)
                for arm in range(1, len(experiment.arms))
            ]
        except InputError as error:
            refused[declared.name] = str(error)
    return rows, refused


def _row(
    experiment: Experiment, found: Exposures, declared: Declared, measured: Measured, arm: int, level: float
) -> Row:
    control, treatment = (
        Sample.of({name: column[found.arm == place] for name, column in measured.columns.items()})
        for place in (0, arm)
    )
    effect = compare(measured.metric, control, treatment)
    relative = effect.relative.interval(level) if effect.relative else None
    interval = effect.difference.interval(level)
    return Row(declared, experiment.arms[arm].name, effect, interval, relative, None, None, measured.bound)


def _adjusted(rows: list[Row]) -> list[Row]:
    """With the p-values of all metrics that are to become better, together."""
    asked = [place for place, row in enumerate(rows) if not row.declared.guardrail]
    if not asked:
        return rows
    p_values = [rows[place].effect.difference.p_value for place in asked]
    done = list(rows)
    for place, one, other in zip(asked, holm(p_values), benjamini_hochberg(p_values), strict=True):
        done[place] = dataclasses.replace(rows[place], holm=one, benjamini_hochberg=other)
    return done


def _verdict(
    experiment: Experiment, distrust: list[str], rows: list[Row], alpha: float, looks: Looks | None
) -> tuple[Outcome, str]:
    """In a word and in words: distrust first, then harm, then what became better or worse."""
    if distrust:
        return (
            "untrusted",
            f"The data can't be trusted: {'; '.join(distrust)}. No figure below says anything of the arms.",
        )
    harmed = [row for row in rows if row.declared.guardrail and row.toward_better[1] < 0]
    if harmed:
        return "harmed", f"A guardrail is harmed: {_said(harmed)}."
    sure = [row for row in _adjusted(rows) if row.holm is not None and _is_sure(row, alpha, looks)]
    worse = [row for row in sure if row.toward_better[1] < 0]
    better = [row for row in sure if row.toward_better[0] > 0]
    if worse:
        also = f" And better: {_said(better)}." if better else ""
        return "worse", f"Worse: {_said(worse)}.{also}"
    if better:
        return "better", f"Better: {_said(better)}."
    left = _said([row for row in rows if not row.declared.guardrail])
    return (
        "no difference",
        f"No difference was found{' at this look' if looks else ''}: {left or 'nothing was compared'}.",
    )


def _is_sure(row: Row, alpha: float, looks: Looks | None) -> bool:
    """Whether a difference stands among all metrics, and, at one of several looks, is beyond its bound."""
    if looks and not looks.ended(row.effect.difference):
        return False
    return row.holm is not None and row.holm < alpha


def _said(rows: list[Row]) -> str:
    """`revenue a user +3.1 % (+1.0 % to +5.2 %) in new`, of each."""
    return ", ".join(f"{row.declared.name} {_size(row)} in {row.arm}" for row in rows)


def _size(row: Row) -> str:
    estimate: Estimate = row.effect.relative or row.effect.difference
    interval = row.relative or row.interval
    if row.relative:
        return f"{estimate.value:+.1%} ({interval[0]:+.1%} to {interval[1]:+.1%})"
    return f"{estimate.value:+.3g} ({interval[0]:+.3g} to {interval[1]:+.3g})"
