"""What a forecast is, and the one call that makes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from aisle.model.demand import empirical
from aisle.schema.demand import Series
from aisle.schema.errors import InputError

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.8, 0.85, 0.9, 0.95, 0.975, 0.99)
"""Denser above: what is stocked is decided there."""


@dataclasses.dataclass(frozen=True)
class Forecasts:
    """The demand of n items, summed over a horizon: a mean and quantiles of that sum, since those of its parts don't add up.

    Example:
        >>> found = Forecasts(np.array(["mug"]), 2, 7, np.array([5.0]), np.array([0.5, 0.9]), np.array([[4.0, 9.0]]))
        >>> found.at(0.7).round(2).tolist()
        [6.5]

    Attributes:
        item_ids: str [n].
        periods: how many periods the horizon spans.
        days: the days of a period.
        mean: float64 [n], units expected over the whole horizon.
        levels: float64 [q], ascending, each between 0 and 1.
        quantiles: float64 [n, q], units that the demand over the whole horizon stays within with that chance.
    """

    item_ids: np.ndarray
    periods: int
    days: int
    mean: np.ndarray
    levels: np.ndarray
    quantiles: np.ndarray

    def at(self, level: float) -> np.ndarray:
        """The quantile at any level between the least and the greatest, on a line between its neighbours: float64 [n].

        Raises:
            InputError: the level lies outside.
        """
        if not self.levels[0] <= level <= self.levels[-1]:
            raise InputError(
                f"level {level:g} was asked of forecasts of {self.levels[0]:g} to {self.levels[-1]:g}; give the "
                "level to forecast()"
            )
        right = min(int(np.searchsorted(self.levels, level, side="right")), len(self.levels) - 1)
        left = max(right - 1, 0)
        span = self.levels[right] - self.levels[left]
        share = (level - self.levels[left]) / span if span else 0.0
        return (1 - share) * self.quantiles[:, left] + share * self.quantiles[:, right]


def forecast(series: Series, periods: int, levels: Sequence[float] = LEVELS, after: int = 0) -> Forecasts:
    """Forecasts the demand from `after` periods past the end of the series on, summed over `periods`.

    Args:
        series: of the past.
        periods: the horizon, such as the lead time and the time between reviews.
        levels: of the quantiles, ascending.
        after: periods between the last known one and the horizon.

    Raises:
        InputError: the horizon or the levels make no sense.
    """
    _check(series, periods, levels, after)
    mean, quantiles = empirical.forecast(series, periods, np.asarray(levels, float))
    return Forecasts(series.item_ids, periods, series.days, mean, np.asarray(levels, float), quantiles)


def _check(series: Series, periods: int, levels: Sequence[float], after: int) -> None:
    if periods < 1 or after < 0:
        raise InputError(
            f"a horizon of {periods} periods after {after} was asked for; expected 1 or more after 0 or more"
        )
    if not len(series.starts):
        raise InputError("there is no period to forecast from; expected at least one with a sale")
    ascending = list(levels) == sorted(set(levels))
    if not levels or not ascending or not 0 < levels[0] <= levels[-1] < 1:
        raise InputError(f"levels {', '.join(map(str, levels))}: expected ascending numbers between 0 and 1")
