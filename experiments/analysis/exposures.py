"""Who saw which arm, from when on: and what in the log of that can't be."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from aisle.experiments.analysis.events import Events, Texts
from aisle.experiments.analysis.identity import recognised
from aisle.experiments.assignment.experiment import Experiment
from aisle.experiments.statistics.sample import Floats
from aisle.schema.errors import InputError
from aisle.schema.events import IMPRESSION

MOST_DOUBLE = 0.01
"""The share of users in two arms above which the experiment can't be trusted; fewer are left out and said."""


@dataclasses.dataclass(frozen=True)
class Exposures:
    """The users of an experiment.

    Attributes:
        units: their ids, sorted, [n].
        arm: of each, its place among the experiment's, [n].
        since: the day of the first exposure of each, [n].
        left_out: how many were, by the reason.
        late: how many clicked, bought or did something else in the experiment before it was shown to them: the clocks
            are apart, or exposures were lost.
        other_double: how many ids of the other column saw two arms: sessions that several users share, or users whose
            sessions were assigned apart.
    """

    units: Texts
    arm: npt.NDArray[np.int64]
    since: Floats
    left_out: dict[str, int]
    late: int = 0
    other_double: int = 0

    @property
    def double_share(self) -> float:
        """Of all users, those who saw two arms."""
        double = self.left_out["in two arms"]
        return double / max(double + len(self.units), 1)

    def counts(self, experiment: Experiment) -> dict[str, int]:
        """The users of each arm, by its name."""
        return {arm.name: int((self.arm == place).sum()) for place, arm in enumerate(experiment.arms)}

    def places(self, units: Texts) -> npt.NDArray[np.int64]:
        """Where each of some ids stands among the users, -1 where it is none of them."""
        if not len(self.units):
            return np.full(len(units), -1)
        found = np.minimum(np.searchsorted(self.units, units), len(self.units) - 1)
        return np.where(self.units[found] == units, found, -1)


def settled(experiment: Experiment, events: Events) -> tuple[Events, dict[str, int], npt.NDArray[np.bool_]]:
    """The events that count, each its user's.

    Returns:
        They, how many were left out by the reason, and which of them, [e], were of a user not known yet.
    """
    events, untimely = events.timely()
    events, twice = events.distinct()
    left_out = {"events at no possible time": untimely, "events told twice": twice}
    if experiment.unit == "user_id":
        events, later = recognised(events)
        return events, left_out, later
    return events, left_out, np.zeros(len(events), dtype=bool)


def exposed(experiment: Experiment, events: Events) -> Texts:
    """The ids that saw it, testers left out, sorted."""
    units: Texts = np.unique(events.unit[events.experiment == experiment.name])
    return units[(units != "") & ~np.isin(units, list(experiment.forced))]


def known_later(experiment: Experiment, events: Events, later: npt.NDArray[np.bool_], units: Texts) -> int:
    """How many of some users saw it before they were known, by what `settled` says of the events."""
    return len(np.intersect1d(events.unit[later & (events.experiment == experiment.name)], units))


def exposures(experiment: Experiment, events: Events) -> Exposures:
    """Finds who saw which arm, by the events that name the experiment.

    Who saw two arms, was forced into one, or has no id is left out and counted.

    Raises:
        InputError: nobody saw it, or an arm is none of the experiment's.
    """
    seen = events.where(events.experiment == experiment.name)
    if not len(seen):
        raise InputError(f"no event names the experiment {experiment.name!r}; is it that of the log?")
    names = [arm.name for arm in experiment.arms]
    if strange := sorted(set(seen.arm) - set(names)):
        raise InputError(
            f"the log has the arm {str(strange[0])!r} of {experiment.name!r}, which isn't planned; there are: {', '.join(names)}"
        )
    unknown = seen.unit == ""
    forced = np.isin(seen.unit, list(experiment.forced))
    kept = seen.where(~unknown & ~forced)
    units, user = np.unique(kept.unit, return_inverse=True)
    arm = np.array([names.index(name) for name in kept.arm], dtype=np.int64)
    since, least, most = np.full(len(units), np.inf), np.full(len(units), len(names)), np.full(len(units), -1)
    np.minimum.at(since, user, kept.day)
    np.minimum.at(least, user, arm)
    np.maximum.at(most, user, arm)
    single = least == most
    left_out = {
        "in two arms": int((~single).sum()),
        "forced": len(np.unique(seen.unit[forced])),
        "exposures without an id": int(unknown.sum()),
    }
    late = _before_shown(kept, user, len(units)) | _before_its_answer(events, kept, user, since)
    return Exposures(
        units[single],
        least[single].astype(np.int64),
        since[single],
        left_out,
        int(late[single].sum()),
        _in_two_arms(kept.other_unit, arm),
    )


def _in_two_arms(ids: Texts, arm: npt.NDArray[np.int64]) -> int:
    """How many ids, "" left out, have exposures of several arms."""
    known = ids != ""
    if not known.any():
        return 0
    pairs = np.unique(np.stack([ids[known], arm[known].astype(str)], axis=1), axis=0)
    return int((np.unique(pairs[:, 0], return_counts=True)[1] > 1).sum())


def _before_shown(seen: Events, user: npt.NDArray[np.int64], users: int) -> npt.NDArray[np.bool_]:
    """Whose first event of the experiment is something else than an impression, earlier than any, [users]."""
    shown = seen.kind == IMPRESSION.name
    first, other = np.full(users, np.inf), np.full(users, np.inf)
    np.minimum.at(first, user[shown], seen.day[shown])
    np.minimum.at(other, user[~shown], seen.day[~shown])
    return other < first


def _before_its_answer(
    events: Events, seen: Events, user: npt.NDArray[np.int64], since: Floats
) -> npt.NDArray[np.bool_]:
    """Of whom an event names an answer of the experiment by `request_id`, and is earlier than all that this showed, [users]."""
    late = np.zeros(len(since), dtype=bool)
    shown = (seen.kind == IMPRESSION.name) & (seen.request_id != "")
    requests, first = np.unique(seen.request_id[shown], return_index=True)
    taken = events.where((events.kind != IMPRESSION.name) & (events.request_id != ""))
    if len(requests) and len(taken):
        at = np.minimum(np.searchsorted(requests, taken.request_id), len(requests) - 1)
        whose = user[shown][first][at]
        late[whose[(requests[at] == taken.request_id) & (taken.day < since[whose])]] = True
    return late


def otherwise_assigned(experiment: Experiment, found: Exposures) -> int:
    """How many users saw another arm than the experiment, as it is now, gives them: it was edited midway, or isn't this one."""
    names = [experiment.arms[place].name for place in found.arm.tolist()]
    assigned = [experiment.assign(unit) for unit in found.units.tolist()]
    return sum(one is None or one.arm.name != name for one, name in zip(assigned, names, strict=True))
