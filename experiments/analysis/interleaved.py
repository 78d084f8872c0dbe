"""What interleaved answers found: whose items each user took, and which ranking users prefer."""

from __future__ import annotations

import bisect
import collections
import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from aisle.experiments.analysis.events import Events, Texts
from aisle.experiments.analysis.identity import recognised
from aisle.experiments.assignment.experiment import Experiment
from aisle.experiments.statistics.preference import Preference, preference
from aisle.schema.errors import InputError
from aisle.schema.events import IMPRESSION

WINDOW_DAYS = 1.0
"""How long after an answer what names none may follow it."""


@dataclasses.dataclass(frozen=True)
class Preferred:
    """Which of two interleaved rankings users took more from, by one kind of event.

    Attributes:
        experiment: its name.
        event: what was credited, such as `click`.
        verdict: in a sentence.
        users: who were shown such answers and are known.
        preference: of these users.
        by_item: how many were credited by visitor and item, since they name no answer.
    """

    experiment: str
    event: str
    verdict: str
    users: int
    preference: Preference
    by_item: int = 0


def preferred(experiment: Experiment, events: Events, kind: str = "click", alpha: float = 0.05) -> Preferred:
    """Judges an interleaved experiment.

    An event is credited to the arm whose ranking gave its item in the answer that it names by `request_id`; where it names
    none, in the last one that showed its visitor the item, up to a day before. An item counts once an answer. What both
    rankings had alike is nobody's.

    Args:
        experiment: as it ran.
        events: of its users.
        kind: what is credited.
        alpha: below which the sign test finds a preference.

    Raises:
        InputError: nobody was shown it, or fewer than two users.
    """
    events, _ = events.distinct()
    if experiment.unit == "user_id":
        events, _ = recognised(events)
    users, counts, by_item = _credited(experiment, events, kind)
    found = preference(counts)
    said = _said(experiment, kind, found, alpha)
    if by_item:
        said += f" {by_item:,} of the events name no answer and are credited by visitor and item."
    return Preferred(experiment.name, kind, said, len(users), found, by_item)


def credits(experiment: Experiment, events: Events, kind: str) -> tuple[Texts, npt.NDArray[np.int64]]:
    """The users who were shown interleaved answers, and what each took of either arm, [n, 2]; testers are left out.

    Raises:
        InputError: nobody was shown it.
    """
    users, counts, _ = _credited(experiment, events, kind)
    return users, counts


def _credited(experiment: Experiment, events: Events, kind: str) -> tuple[Texts, npt.NDArray[np.int64], int]:
    """As `credits`, and how many events were credited by visitor and item."""
    known = (events.unit != "") & ~np.isin(events.unit, list(experiment.forced))
    shown = known & (events.kind == IMPRESSION.name) & (events.experiment == experiment.name)
    users = np.unique(events.unit[shown])
    if not len(users):
        raise InputError(f"no impression names the experiment {experiment.name!r}; is it that of the log?")
    names = [arm.name for arm in experiment.arms]
    given = events.where(shown & np.isin(events.arm, names) & (events.request_id != ""))
    teams = {
        (request, item): (user, names.index(arm))
        for request, item, user, arm in _rows(given.request_id, given.item_id, given.unit, given.arm)
    }
    taken = events.where(events.kind == kind)
    named = taken.where(taken.request_id != "")
    counts = np.zeros((len(users), 2), dtype=np.int64)
    said = set(_rows(named.request_id, named.item_id))
    followed = _followed(events.where(known), taken.where(taken.request_id == ""))
    for one in said.union(followed):
        if one in teams:
            user, team = teams[one]
            counts[np.searchsorted(users, user), team] += 1
    return users, counts, sum(one in teams for one in followed)


def _followed(events: Events, taken: Events) -> list[tuple[str, str]]:
    """The answer and the item of each event that names no answer; of those that follow none, nothing.

    It is the last answer that showed the visitor the item, of the experiment or not: the item that they saw elsewhere since
    is nobody's.

    Args:
        events: with all that was shown.
        taken: what is to be credited.
    """
    wanted = set(_rows(taken.unit, taken.item_id))
    shown = events.where(events.kind == IMPRESSION.name)
    answers = collections.defaultdict(list)
    for *pair, day, request in zip(
        shown.unit.tolist(),
        shown.item_id.tolist(),
        shown.day.tolist(),
        shown.request_id.tolist(),
        strict=True,
    ):
        if tuple(pair) in wanted:
            answers[tuple(pair)].append((day, request))
    for seen in answers.values():
        seen.sort()
    found = []
    for user, item, day in zip(taken.unit.tolist(), taken.item_id.tolist(), taken.day.tolist(), strict=True):
        seen = answers.get((user, item), [])
        place = bisect.bisect_right(seen, day, key=lambda one: one[0])
        if place and seen[place - 1][0] >= day - WINDOW_DAYS:
            found.append((seen[place - 1][1], item))
    return found


def _rows(*columns: Texts) -> Sequence[tuple[str, ...]]:
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _said(experiment: Experiment, kind: str, found: Preference, alpha: float) -> str:
    control, treatment = (arm.name for arm in experiment.arms)
    low, high = found.lead.interval(1 - alpha)
    told = (
        f"{found.wins[1]:,} users have more {kind} events of {treatment}, {found.wins[0]:,} of {control}, "
        f"{found.ties:,} as many of both (lead {found.lead.value:+.1%}, {low:+.1%} to {high:+.1%}; p = {found.p_value:.2g})"
    )
    if found.p_value >= alpha:
        return f"No preference was found: {told}."
    return f"Users prefer {treatment if found.wins[1] > found.wins[0] else control}: {told}."
