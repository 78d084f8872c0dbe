"""What interleaved answers found: whose items each user took, and which ranking users prefer."""

from __future__ import annotations

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


@dataclasses.dataclass(frozen=True)
class Preferred:
    """Which of two interleaved rankings users took more from, by one kind of event.

    Attributes:
        experiment: its name.
        event: what was credited, such as `click`.
        verdict: in a sentence.
        users: who were shown such answers and are known.
        preference: of these users.
    """

    experiment: str
    event: str
    verdict: str
    users: int
    preference: Preference


def preferred(experiment: Experiment, events: Events, kind: str = "click", alpha: float = 0.05) -> Preferred:
    """Judges an interleaved experiment.

    An event is credited to the arm whose ranking gave its item in the answer that it names by `request_id`; an item
    counts once an answer. What both rankings had alike is nobody's.

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
    users, counts = credits(experiment, events, kind)
    found = preference(counts)
    return Preferred(experiment.name, kind, _said(experiment, kind, found, alpha), len(users), found)


def credits(experiment: Experiment, events: Events, kind: str) -> tuple[Texts, npt.NDArray[np.int64]]:
    """The users who were shown interleaved answers, and what each took of either arm, [n, 2]; testers are left out.

    Raises:
        InputError: nobody was shown it.
    """
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
    taken = events.where((events.kind == kind) & (events.request_id != ""))
    counts = np.zeros((len(users), 2), dtype=np.int64)
    for one in set(_rows(taken.request_id, taken.item_id)):
        if one in teams:
            user, team = teams[one]
            counts[np.searchsorted(users, user), team] += 1
    return users, counts


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
