"""What an experiment found: whether its data can be trusted, what each metric did, and a verdict in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from aisle.experiments.analysis.bots import Bots, bots
from aisle.experiments.analysis.events import Events
from aisle.experiments.analysis.exposures import (
    MOST_DOUBLE,
    Exposures,
    exposed,
    exposures,
    known_later,
    otherwise_assigned,
    settled,
)
from aisle.experiments.analysis.measures import STANDARD, Declared
from aisle.experiments.analysis.rows import Judge, Row, compared, measured
from aisle.experiments.analysis.slices import Differing, Part, Slice, Users, sliced
from aisle.experiments.analysis.verdict import Outcome, verdict
from aisle.experiments.assignment.experiment import Experiment
from aisle.experiments.statistics.group_sequential import Looks
from aisle.experiments.statistics.sample_ratio import SampleRatio, sample_ratio
from aisle.schema.errors import InputError


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
        bots: who they are, and by which rule.
        rows: of each metric and treatment.
        refused: why a metric can't be judged, by its name.
        parts: of the slices, exploratory.
        differing: whether the effects differ among a slice's parts.
    """

    experiment: str
    outcome: Outcome
    verdict: str
    distrust: list[str]
    sample_ratio: SampleRatio
    left_out: dict[str, int]
    late: int
    noted: dict[str, int]
    bots: Bots
    rows: list[Row]
    refused: dict[str, str]
    parts: list[Part]
    differing: list[Differing]


def analyze(
    experiment: Experiment,
    events: Events,
    metrics: Sequence[Declared] = STANDARD,
    looks: Looks | None = None,
    alpha: float = 0.05,
    *,
    slices: Sequence[Slice] = (),
    users: Users | None = None,
    keep_bots: bool = False,
) -> Analysis:
    """Judges an experiment by the events of its users.

    Args:
        experiment: as it ran; its first arm is the control.
        events: all of its users', of before the exposure, too: they are what CUPED adjusts by.
        metrics: what is compared.
        looks: where this is one of several looks; the last of its bounds is of this one. Of several metrics, plan them with
            `alpha` over the number of metrics.
        alpha: of all metrics together that aren't guardrails (Holm), and of each interval.
        slices: in which it is looked at, too.
        users: the columns that the slices take of the table `users`.
        keep_bots: count them, and leave them in.

    Raises:
        InputError: nobody saw the experiment, an arm isn't planned, two metrics have one name, or a slice has no column.
    """
    if len({declared.name for declared in metrics}) != len(metrics):
        raise InputError(f"metrics {[declared.name for declared in metrics]}; expected names that differ")
    if experiment.interleaved:
        raise InputError(
            f"{experiment.name!r} is interleaved: who took part saw both arms; ask for its credits"
        )
    events, uncounted, later = settled(experiment, events)
    robots = bots(events, exposed(experiment, events), keep_bots)
    counted = robots.people(events)
    found = exposures(experiment, counted)
    ratio = sample_ratio(found.counts(experiment), experiment.shares)
    judge = Judge(alpha, looks)
    columns, unmeasured = measured(metrics, counted, found)
    rows, refused = compared(experiment, columns, found.arm, judge.level)
    rows, refused = judge.together(rows, "holm"), {**unmeasured, **refused}
    distrust = _distrust(experiment, found, ratio, rows, refused)
    outcome, said = verdict(distrust, rows, refused, looks is not None)
    parts, differing = sliced(experiment, slices, counted, found, columns, judge, users or {})
    return Analysis(
        experiment=experiment.name,
        outcome=outcome,
        verdict=said,
        distrust=distrust,
        sample_ratio=ratio,
        left_out={**found.left_out, **robots.left_out, **uncounted},
        late=found.late,
        noted={**_noted(experiment, events, later, found), **robots.noted},
        bots=robots,
        rows=rows,
        refused=refused,
        parts=parts,
        differing=differing,
    )


def _noted(experiment: Experiment, events: Events, later: np.ndarray, found: Exposures) -> dict[str, int]:
    """What is kept and worth knowing."""
    other = "sessions" if experiment.unit == "user_id" else "users by their sessions"
    return {
        "first seen before they were known": known_later(experiment, events, later, found.units),
        f"{other} in two arms": found.other_double,
    }


def _distrust(
    experiment: Experiment, found: Exposures, ratio: SampleRatio, rows: Sequence[Row], refused: dict[str, str]
) -> list[str]:
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
    other = otherwise_assigned(experiment, found)
    if other > MOST_DOUBLE * len(found.units):
        share = other / len(found.units)
        reasons.append(
            f"{share:.1%} of the users saw another arm than theirs: it was edited midway, or isn't this one"
        )
    if refused and not rows:
        metric, reason = next(iter(refused.items()))
        reasons.append(f"no metric can be judged ({metric}: {reason})")
    return reasons
