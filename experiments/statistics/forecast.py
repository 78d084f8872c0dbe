"""What users will do, foreseen from what they did before: the covariate that takes the most noise out.

It is trained on earlier stretches of the same shop's past (Tang et al., 2020, CUPAC), so nothing that the experiment may
have moved is in it, and any function of the past is a fair covariate.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from aisle.experiments.statistics.sample import Floats
from aisle.schema.errors import InputError

_PENALTY = 0.01
"""Of the ridge regression, on standardised features: few enough of them that it hardly matters."""
_STRETCHES = 6
"""Earlier stretches to learn from, at most, half a horizon apart."""
_CUT = 0.99


@dataclasses.dataclass(frozen=True)
class Activity:
    """What users did: one row an event (or an order).

    Attributes:
        user: whose, from 0 to below `users`, [e].
        day: when, in days from any start, [e].
        value: how much, such as money, at least 0, [e].
        users: how many there are.

    Raises:
        InputError: the rows aren't equally long, or a value is no number of 0 and above.
    """

    user: npt.NDArray[np.int64]
    day: Floats
    value: Floats
    users: int

    def __post_init__(self) -> None:
        if not len(self.user) == len(self.day) == len(self.value):
            raise InputError(
                f"{len(self.user)} users, {len(self.day)} days, {len(self.value)} values; expected one a row"
            )
        if not ((self.value >= 0) & np.isfinite(self.value) & np.isfinite(self.day)).all():
            raise InputError(
                "activity with values or days that are no numbers, or values below 0: take these rows out"
            )

    def sums(self, start: float, end: float) -> tuple[Floats, Floats]:
        """Each user's value and number of rows from a day to below another, [users] each."""
        chosen = (self.day >= start) & (self.day < end)
        user = self.user[chosen]
        return (
            np.bincount(user, self.value[chosen], self.users).astype(float),
            np.bincount(user, minlength=self.users).astype(float),
        )


def forecast(activity: Activity, start: float, days: float) -> Floats:
    """Each user's value from `start` on, for so many days, foreseen from before: [users], 0 for who did nothing before.

    It says how users differ; how much all will do together, it takes from the last stretch before.

    Args:
        activity: of which only what lies before `start` is read.
        start: the first day of the experiment.
        days: how long it lasts.

    Raises:
        InputError: the past is shorter than two such stretches.
    """
    first = float(activity.day.min()) if len(activity.day) else start
    past = list(_stretches(first, start, days))
    if not past:
        raise InputError(
            f"{start - first:g} days of past for a forecast of {days:g}; expected {2 * days:g} or more"
        )
    widths = _widths(start - first, days)
    features, outcomes = zip(*(_learnt(activity, at, days, widths) for at in past), strict=True)
    # Less each stretch's mean: seasons differ.
    weights = _Ridge.fit(np.concatenate(features), np.concatenate([one - one.mean() for one in outcomes]))
    foreseen, now = np.zeros(activity.users), _known(activity, start)
    foreseen[now] = weights.predict(_features(activity, start, widths)[now]) + outcomes[0].mean()
    return foreseen


def _learnt(activity: Activity, at: float, days: float, widths: list[float]) -> tuple[Floats, Floats]:
    """The features of those who were known at a day, and what they did from it."""
    known = _known(activity, at)
    return _features(activity, at, widths)[known], _cut(activity.sums(at, at + days)[0][known])


def _stretches(first: float, start: float, days: float) -> Iterator[float]:
    """Where the stretches to learn from begin: each ends before the experiment, and has as much before it as it is long."""
    for place in range(_STRETCHES):
        at = start - days * (1 + place / 2)
        if at - first >= days:
            yield at


def _widths(past: float, days: float) -> list[float]:
    """How far the features look back: half of the experiment's length, doubled up to all there is."""
    return [width for width in (days * 2.0**power for power in range(-1, 6)) if width < past] + [np.inf]


def _known(activity: Activity, at: float) -> npt.NDArray[np.bool_]:
    return activity.sums(-np.inf, at)[1] > 0


def _features(activity: Activity, at: float, widths: list[float]) -> Floats:
    """Value and rows within each width, how long ago the last and the first were, and value a day, [users, f]."""
    before = activity.day < at
    last, first = np.full(activity.users, -np.inf), np.full(activity.users, np.inf)
    np.maximum.at(last, activity.user[before], activity.day[before])
    np.minimum.at(first, activity.user[before], activity.day[before])
    recency, age = (np.where(np.isfinite(when), at - when, 0.0) for when in (last, first))
    within = [column for width in widths for column in activity.sums(at - width, at)]
    rate = within[-2] / np.maximum(age, 7.0)
    raw, known = np.stack([*within, recency, age, rate], axis=1), _known(activity, at)
    cut = np.minimum(raw, [_bound(column[known]) for column in raw.T])
    # What one spends grows less than what one has spent, by how much less differs from shop to shop.
    return np.concatenate([cut, np.sqrt(cut), np.log1p(raw)], axis=1)


def _cut(values: Floats) -> Floats:
    return np.minimum(values, _bound(values))


def _bound(values: Floats) -> float:
    """The quantile of all, or of those above 0 where it is 0."""
    some = values if np.quantile(values, _CUT) > 0 else values[values > 0]
    return float(np.quantile(some, _CUT)) if len(some) else 0.0


@dataclasses.dataclass(frozen=True)
class _Ridge:
    """A linear regression without level, its weights held back."""

    mean: Floats
    deviation: Floats
    weights: Floats

    @classmethod
    def fit(cls, features: Floats, outcome: Floats) -> _Ridge:
        mean, deviation = features.mean(axis=0), features.std(axis=0)
        deviation[deviation == 0] = 1.0
        scaled = (features - mean) / deviation
        penalty = _PENALTY * len(scaled) * np.eye(scaled.shape[1])
        weights = np.linalg.solve(scaled.T @ scaled + penalty, scaled.T @ outcome)
        return cls(mean, deviation, weights)

    def predict(self, features: Floats) -> Floats:
        found: Floats = (features - self.mean) / self.deviation @ self.weights
        return found
