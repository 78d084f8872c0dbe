"""Whose items users took from interleaved answers, and whether the log of that can be right."""

from __future__ import annotations

import bisect
import collections
import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from aisle.experiments.analysis.events import Events, Texts
from aisle.experiments.assignment.experiment import Experiment
from aisle.experiments.statistics.sample import Floats
from aisle.schema.errors import InputError
from aisle.schema.events import IMPRESSION

Counts = npt.NDArray[np.int64]
Teams = dict[tuple[str, ...], tuple[str, int]]
WINDOW_DAYS = 1.0
"""How long after an answer what names none may follow it."""


@dataclasses.dataclass(frozen=True)
class Shown:
    """What of interleaved answers was shown to the users who are known and no testers.

    Attributes:
        users: their ids, sorted, [n].
        since: the day of the first impression of each, [n].
        teams: of an answer's item, by both ids: the user, and whose ranking gave it; those that both had alike aren't here.
        contradicted: users of whose items the log says that both rankings gave them.
        impressions: all of theirs, of the experiment or not.
        uneven: the answers in which the control, and those in which the treatment, gave more items: a draft tosses for that.
    """

    users: Texts
    since: Floats
    teams: Teams
    contradicted: int
    impressions: Events
    uneven: tuple[int, int]

    @classmethod
    def of(cls, experiment: Experiment, events: Events) -> Shown:
        """By the impressions that name the experiment.

        Raises:
            InputError: nobody was shown it, or no impression says of which answer it is.
        """
        known = (events.unit != "") & ~np.isin(events.unit, list(experiment.forced))
        impressions = events.where(known & (events.kind == IMPRESSION.name))
        shown = impressions.where(impressions.experiment == experiment.name)
        users, whose = np.unique(shown.unit, return_inverse=True)
        since = np.full(len(users), np.inf)
        np.minimum.at(since, whose, shown.day)
        if not len(users):
            raise InputError(
                f"no impression names the experiment {experiment.name!r}; is it that of the log?"
            )
        names = [arm.name for arm in experiment.arms]
        given = shown.where(np.isin(shown.arm, names) & (shown.request_id != ""))
        if not (shown.request_id != "").any():
            raise InputError(
                f"no impression of {experiment.name!r} has a request_id; log it, so that what is taken can be credited to whose "
                "ranking gave it"
            )
        teams: Teams = {}
        contradicted = set()
        for request, item, user, arm in _rows(given.request_id, given.item_id, given.unit, given.arm):
            team = names.index(arm)
            earlier = teams.setdefault((request, item), (user, team))
            if earlier[1] != team:
                contradicted.add(earlier[0])
        return cls(users, since, teams, len(contradicted), impressions, _uneven(teams))

    def credits(self, events: Events, kind: str) -> tuple[Counts, int]:
        """What each user took of either ranking by one kind of event, [n, 2]; an item counts once an answer.

        An event is credited to the answer that it names by `request_id`; where it names none, to the last one that showed its
        visitor the item, up to a day before.

        Returns:
            The counts, and how many are of events that name no answer.
        """
        taken = events.where(events.kind == kind)
        named = taken.where(taken.request_id != "")
        followed = self._followed(taken.where(taken.request_id == ""))
        counts = np.zeros((len(self.users), 2), dtype=np.int64)
        for one in set(_rows(named.request_id, named.item_id)).union(followed):
            if one in self.teams:
                user, team = self.teams[one]
                counts[np.searchsorted(self.users, user), team] += 1
        return counts, sum(one in self.teams for one in followed)

    def _followed(self, taken: Events) -> list[tuple[str, str]]:
        """The answer and the item of each event that names no answer; of those that follow none, nothing.

        It is the last answer that showed the visitor the item, of the experiment or not: the item that they saw elsewhere since
        is nobody's.
        """
        pairs = _rows(taken.unit, taken.item_id)
        answers: dict[tuple[str, ...], list[tuple[float, str]]] = collections.defaultdict(list)
        wanted, shown = set(pairs), self.impressions
        for pair, day, request in zip(
            _rows(shown.unit, shown.item_id), shown.day.tolist(), shown.request_id.tolist(), strict=True
        ):
            if pair in wanted:
                answers[pair].append((day, request))
        for seen in answers.values():
            seen.sort()
        found = []
        for pair, day in zip(pairs, taken.day.tolist(), strict=True):
            seen = answers.get(pair, [])
            place = bisect.bisect_right(seen, day, key=lambda one: one[0])
            if place and seen[place - 1][0] >= day - WINDOW_DAYS:
                found.append((seen[place - 1][1], pair[1]))
        return found

    def late(self, events: Events) -> int:
        """How many users took an item of an answer before any was shown to them: the clocks are apart."""
        first = dict(zip(self.users.tolist(), self.since.tolist(), strict=True))
        taken = events.where((events.kind != IMPRESSION.name) & (events.request_id != ""))
        rows = zip(_rows(taken.request_id, taken.item_id), taken.day.tolist(), strict=True)
        whose = [(self.teams[one][0], day) for one, day in rows if one in self.teams]
        return len({user for user, day in whose if day < first[user]})


def credits(experiment: Experiment, events: Events, kind: str) -> tuple[Texts, Counts]:
    """The users who were shown interleaved answers, and what each took of either arm, [n, 2]; testers are left out.

    Raises:
        InputError: as of `Shown.of`.
    """
    shown = Shown.of(experiment, events)
    return shown.users, shown.credits(events, kind)[0]


def _uneven(teams: Teams) -> tuple[int, int]:
    more: dict[str, int] = {}
    for (request, _), (_, team) in teams.items():
        more[request] = more.get(request, 0) + 2 * team - 1
    leads = np.array(list(more.values()))
    return int((leads < 0).sum()), int((leads > 0).sum())


def _rows(*columns: Texts) -> Sequence[tuple[str, ...]]:
    return list(zip(*(column.tolist() for column in columns), strict=True))
