"""What an experiment did to some of its users: a few slices that the shop declares, exploratory.

Of many slices some differ by chance, so their p-values are adjusted among all of them, and what stands out is a question for
another experiment. A slice must be what the users were before the experiment could move them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import special

from aisle.experiments.analysis.events import Events, Texts
from aisle.experiments.analysis.exposures import Exposures
from aisle.experiments.analysis.measures import Measured
from aisle.experiments.analysis.rows import Judge, Row, compared
from aisle.experiments.assignment.experiment import Experiment
from aisle.experiments.statistics.multiple import benjamini_hochberg
from aisle.experiments.statistics.sample_ratio import sample_ratio
from aisle.schema.errors import InputError

KNOWN, USERS, EVENTS = "known", "users.", "events."
UNKNOWN, OTHERS = "(unknown)", "(others)"
MOST = 10
"""Slices that may be declared: each is several chances more to be wrong by chance."""


@dataclasses.dataclass(frozen=True)
class Slice:
    """How users are parted.

    Attributes:
        by: `users.COLUMN`; `events.COLUMN`, as it was at the first exposure; or `known`: whether a user did anything before that.
        cuts: where numbers are cut, rising; without them each value is a part.
        most: the values of the most users that are parts of their own; the rest are one.
    """

    by: str
    cuts: tuple[float, ...] = ()
    most: int = 8

    @property
    def column(self) -> str:
        """The name of the column that it reads, "" where none."""
        return self.by.partition(".")[2]

    def values(self, experiment: Experiment, events: Events, found: Exposures, users: Users) -> Texts:
        """Of each of an experiment's users the part that it is of, [n].

        Raises:
            InputError: there is no such column, or a value to be cut is no number.
        """
        if self.by == KNOWN:
            place = found.places(events.unit)
            before = (place >= 0) & (events.day < found.since[place])
            known = np.bincount(place[before], minlength=len(found.units)) > 0
            return np.where(known, "known before", "new")
        held = events.columns if self.by.startswith(EVENTS) else users
        if self.column not in held:
            raise InputError(
                f"there is no column {self.column!r} of {self.by.partition('.')[0]}; name one that there is"
            )
        if self.by.startswith(EVENTS):
            return self._parts(_first(experiment, events, found, events.columns[self.column]))
        ids = found.units
        if experiment.unit != "user_id":
            ids = _first(experiment, events, found, events.other_unit)
        told = users[self.column]
        return self._parts(np.array([told.get(one, "") for one in ids.tolist()], dtype=str))

    def order(self, values: Texts) -> list[str]:
        """The parts that there are: of cut numbers as these rise, else those of the most users first."""
        names, counts = np.unique(values, return_counts=True)
        found: list[str] = names[np.argsort(-counts, kind="stable")].tolist()
        return [name for name in (*self._cut_names, UNKNOWN) if name in found] if self.cuts else found

    @property
    def _cut_names(self) -> list[str]:
        ends = [f"{cut:g}" for cut in self.cuts]
        between = [f"{low} to below {high}" for low, high in zip(ends, ends[1:], strict=False)]
        return [f"below {ends[0]}", *between, f"{ends[-1]} and above"]

    def _parts(self, values: Texts) -> Texts:
        """The parts of values, "" where unknown."""
        if self.cuts:
            return self._cut(values)
        parts = np.where(values == "", UNKNOWN, values)
        names, counts = np.unique(parts, return_counts=True)
        rare = names[np.argsort(-counts, kind="stable")][self.most :]
        return np.where(np.isin(parts, rare), OTHERS, parts) if len(rare) > 1 else parts

    def _cut(self, values: Texts) -> Texts:
        known = values != ""
        try:
            numbers = np.array([float(value) for value in values[known].tolist()])
        except ValueError as error:
            raise InputError(f"cuts of {self.by}, which isn't of numbers: {error}; leave them out") from error
        names = np.array(self._cut_names)
        parts = np.full(len(values), UNKNOWN, dtype=np.result_type(names, np.array(UNKNOWN)))
        parts[known] = names[np.searchsorted(self.cuts, numbers, side="right")]
        return parts


Users = Mapping[str, Mapping[str, str]]
"""Columns of the table `users` by their names, of each user by the id."""


@dataclasses.dataclass(frozen=True)
class Part:
    """The users of one value of a slice.

    Attributes:
        by: of the slice.
        value: that they have in common.
        users: of each arm.
        rows: of each metric and treatment, with p-values among the rows of all slices.
        refused: why nothing, or a metric, can't be judged, by the metric's name; "" for all of them.
    """

    by: str
    value: str
    users: dict[str, int]
    rows: list[Row]
    refused: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Differing:
    """Whether a treatment's effect differs among the parts of a slice.

    Attributes:
        by: of the slice.
        metric: its name.
        arm: the treatment.
        p_value: of Cochran's Q (1954), the squared distances of the parts' effects from their weighted mean.
        adjusted: the same among all slices, metrics and treatments, by Benjamini and Hochberg.
    """

    by: str
    metric: str
    arm: str
    p_value: float
    adjusted: float


def sliced(
    experiment: Experiment,
    slices: Sequence[Slice],
    events: Events,
    found: Exposures,
    columns: Sequence[Measured],
    judge: Judge,
    users: Users,
) -> tuple[list[Part], list[Differing]]:
    """What an experiment did in each part of each slice.

    Raises:
        InputError: a slice has no column.
    """
    parts = [
        _part(experiment, one.by, value, np.where(values == value, found.arm, -1), columns, judge)
        for one in slices
        for values in (one.values(experiment, events, found, users),)
        for value in one.order(values)
    ]
    judged = iter(judge.together([row for part in parts for row in part.rows], "benjamini_hochberg"))
    parts = [dataclasses.replace(part, rows=[next(judged) for _ in part.rows]) for part in parts]
    return parts, _differing(parts)


def _first(experiment: Experiment, events: Events, found: Exposures, column: Texts) -> Texts:
    """What stands in a column at the first exposure of each user, [n]."""
    place = found.places(events.unit)
    shown = np.flatnonzero((events.experiment == experiment.name) & (place >= 0))
    order = shown[np.lexsort((events.day[shown], place[shown]))]
    _, first = np.unique(place[order], return_index=True)
    return column[order[first]]


def _part(
    experiment: Experiment, by: str, value: str, arm: np.ndarray, columns: Sequence[Measured], judge: Judge
) -> Part:
    users = {one.name: int((arm == place).sum()) for place, one in enumerate(experiment.arms)}
    ratio = sample_ratio(users, experiment.shares)
    if ratio.alarm:
        reason = f"its arms don't hold who was planned (p = {ratio.p_value:.2g}): the experiment moves who is of it"
        return Part(by, value, users, [], {"": reason})
    rows, refused = compared(experiment, columns, arm, judge.level)
    return Part(by, value, users, rows, refused)


def _differing(parts: Sequence[Part]) -> list[Differing]:
    """Of each slice, metric and treatment that two parts or more were judged by."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for part in parts:
        for row in part.rows:
            groups.setdefault((part.by, row.declared.name, row.arm), []).append(row)
    found = {key: _cochran(rows) for key, rows in groups.items() if len(rows) > 1}
    if not found:
        return []
    adjusted = benjamini_hochberg(list(found.values()))
    return [Differing(*key, p, one) for (key, p), one in zip(found.items(), adjusted, strict=True)]


def _cochran(rows: Sequence[Row]) -> float:
    effects = np.array([row.effect.difference.value for row in rows])
    weights = np.array([row.effect.difference.standard_error for row in rows]) ** -2.0
    middle = weights @ effects / weights.sum()
    return float(special.chdtrc(len(rows) - 1, weights @ (effects - middle) ** 2))
