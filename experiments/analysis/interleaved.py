"""What an interleaved experiment found: which of two rankings its users take more from, and whether that can be trusted."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import stats

from aisle.experiments.analysis.bots import Bots, bots
from aisle.experiments.analysis.credits import Counts, Shown
from aisle.experiments.analysis.events import Events
from aisle.experiments.analysis.exposures import MOST_DOUBLE, exposed, known_later, settled
from aisle.experiments.analysis.rows import Found
from aisle.experiments.analysis.verdict import Outcome, untrusted
from aisle.experiments.assignment.experiment import Experiment
from aisle.experiments.statistics.estimate import Interval
from aisle.experiments.statistics.multiple import holm
from aisle.experiments.statistics.preference import Preference, preference
from aisle.experiments.statistics.sample_ratio import ALARM
from aisle.schema.errors import InputError


@dataclasses.dataclass(frozen=True)
class Preferred:
    """Which of two interleaved rankings users took more from, by one kind of event.

    Attributes:
        event: what was credited, such as `click`.
        preference: of the users who were shown it.
        interval: of the share that prefers the treatment among those who prefer either.
        holm: the p-value among all kinds of event.
        found: whether the treatment is better, or worse.
        by_item: how many were credited by visitor and item, since they name no answer.
    """

    event: str
    preference: Preference
    interval: Interval
    holm: float
    found: Found
    by_item: int = 0


@dataclasses.dataclass(frozen=True)
class Interleaved:
    """What an interleaved experiment found.

    Attributes:
        experiment: its name.
        outcome: in a word, of the treatment.
        verdict: in a sentence or two.
        distrust: why the data can't be trusted; nothing where they can.
        arms: the control's name and the treatment's.
        users: who were shown such answers and are known.
        uneven: the answers in which the control, and those in which the treatment, gave more of the items.
        left_out: how many users or events were, by the reason.
        late: how many users took an item before it was shown to them; they are kept.
        noted: how many there are of what is kept and worth knowing, by what it is.
        bots: who they are, and by which rule.
        preferred: by each kind of event.
    """

    experiment: str
    outcome: Outcome
    verdict: str
    distrust: list[str]
    arms: tuple[str, str]
    users: int
    uneven: tuple[int, int]
    left_out: dict[str, int]
    late: int
    noted: dict[str, int]
    bots: Bots
    preferred: list[Preferred]


def preferred(
    experiment: Experiment,
    events: Events,
    kinds: Sequence[str] = ("click",),
    alpha: float = 0.05,
    *,
    keep_bots: bool = False,
) -> Interleaved:
    """Judges an interleaved experiment.

    An event is credited to the arm whose ranking gave its item in the answer that it names by `request_id`; where it names
    none, in the last one that showed its visitor the item, up to a day before. An item counts once an answer. What both
    rankings had alike is nobody's.

    Args:
        experiment: as it ran.
        events: of its users.
        kinds: of events that are credited.
        alpha: below which the sign test finds a preference, among all kinds (Holm).
        keep_bots: count them, and leave them in.

    Raises:
        InputError: it isn't interleaved, nobody was shown it, or fewer than two users.
    """
    if not experiment.interleaved:
        raise InputError(f"{experiment.name!r} isn't interleaved; compare its arms")
    events, uncounted, later = settled(experiment, events)
    robots = bots(events, exposed(experiment, events), keep_bots)
    counted = robots.people(events)
    shown = Shown.of(experiment, counted)
    control, treatment = (arm.name for arm in experiment.arms)
    found = _judged({kind: shown.credits(counted, kind) for kind in kinds}, alpha)
    late = shown.late(counted)
    distrust = _distrust(experiment, shown, late)
    outcome, said = _verdict(distrust, found, (control, treatment))
    units = events.unit[events.experiment == experiment.name]
    return Interleaved(
        experiment=experiment.name,
        outcome=outcome,
        verdict=said,
        distrust=distrust,
        arms=(control, treatment),
        users=len(shown.users),
        uneven=shown.uneven,
        left_out={
            "forced": len(np.intersect1d(units, list(experiment.forced))),
            "exposures without an id": int((units == "").sum()),
            **robots.left_out,
            **uncounted,
        },
        late=late,
        noted={
            "first seen before they were known": known_later(experiment, events, later, shown.users),
            **robots.noted,
        },
        bots=robots,
        preferred=found,
    )


def _judged(credited: dict[str, tuple[Counts, int]], alpha: float) -> list[Preferred]:
    preferences = [preference(counts) for counts, _ in credited.values()]
    adjusted = holm([one.p_value for one in preferences])
    found = []
    for (kind, (_, by_item)), one, among in zip(credited.items(), preferences, adjusted, strict=True):
        side: Found = "better" if one.wins[1] > one.wins[0] else "worse"
        sure: Found = side if among < alpha else "nothing"
        found.append(Preferred(kind, one, one.interval(1 - alpha), among, sure, by_item))
    return found


def _distrust(experiment: Experiment, shown: Shown, late: int) -> list[str]:
    reasons = []
    most = MOST_DOUBLE * len(shown.users)
    tossed = float(stats.binomtest(shown.uneven[1], sum(shown.uneven)).pvalue) if sum(shown.uneven) else 1.0
    if tossed < ALARM:
        control, treatment = (
            f"{arm.name} in {more:,}" for arm, more in zip(experiment.arms, shown.uneven, strict=True)
        )
        reasons.append(
            f"answers hold more items of {control}, of {treatment}, where a toss decides (p = {tossed:.2g})"
        )
    outside = sum(experiment.assign(user) is None for user in shown.users.tolist())
    for users, what in (
        (shown.contradicted, "have items that the log says both rankings gave"),
        (late, "took an item before it was shown to them"),
        (outside, "aren't of it: it was edited midway, or isn't this one"),
    ):
        if users > most:
            reasons.append(f"{users / len(shown.users):.1%} of the users {what}")
    return reasons


def _verdict(
    distrust: Sequence[str], found: Sequence[Preferred], arms: tuple[str, str]
) -> tuple[Outcome, str]:
    """Of the treatment: worse where it is by one kind of event, else better where it is."""
    if distrust:
        return "untrusted", untrusted(distrust)
    sides = [one.found for one in found]
    said = " ".join(told(one, arms) for one in sorted(found, key=lambda one: one.found == "nothing"))
    if "worse" in sides:
        return "worse", said
    return ("better" if "better" in sides else "no difference"), said


def told(one: Preferred, arms: tuple[str, str]) -> str:
    """A sentence of what is preferred by a kind of event."""
    control, treatment = arms
    wins, (low, high) = one.preference.wins, one.interval
    share = f"; {one.preference.share:.1%} of these, {low:.1%} to {high:.1%}" if sum(wins) else ""
    held = (
        f"{wins[1]:,} users have more {one.event} events of {treatment}, {wins[0]:,} of {control}, "
        f"{one.preference.ties:,} as many of both (p = {one.holm:.2g}{share})"
    )
    named = f" {one.by_item:,} of the events name no answer and are credited by visitor and item."
    said = f"{held}.{named if one.by_item else ''}"
    if one.found == "nothing":
        return f"No preference was found: {said}"
    return f"Users prefer {treatment if one.found == 'better' else control}: {said}"
