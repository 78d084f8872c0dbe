"""What a forecast is, and the one call that makes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

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


def forecast(
    series: Series,
    periods: int,
    levels: Sequence[float] = LEVELS,
    after: int = 0,
    vectors: np.ndarray | None = None,
) -> Forecasts:
    """Forecasts the demand from `after` periods past the end of the series on, summed over `periods`.

    A shop with enough history teaches a network first (`DemandModel`, which forecasts several horizons at once, and a shop in
    parts); in a smaller one an item's own recent periods are its forecast.

    Args:
        series: of the past.
        periods: the horizon, such as the lead time and the time between reviews.
        levels: of the quantiles, ascending.
        after: periods between the last known one and the horizon.
        vectors: of the items, [n, d], such as `title_vectors`; alike items then help each other.

    Raises:
        InputError: the horizon, the levels or the vectors make no sense.
    """
    check(series, levels, vectors)
    if periods < 1 or after < 0:
        raise InputError(
            f"a horizon of {periods} periods after {after} was asked for; expected 1 or more after 0 or more"
        )
    # TensorFlow takes seconds to import, so only what learns does.
    from aisle.model.demand.model import DemandModel
    from aisle.model.demand.rows import Span

    return DemandModel([Span(periods, after)], levels).fit(series, vectors).forecast(series, vectors)[0]


def check(series: Series, levels: Sequence[float], vectors: np.ndarray | None) -> None:
    """Raises InputError where there is no past, or levels or vectors make no sense."""
    if not len(series.starts):
        raise InputError("the series have no period; expected at least one to forecast from")
    levels = list(levels)
    if not levels or levels != sorted(set(levels)) or not 0 < levels[0] <= levels[-1] < 1:
        raise InputError(f"levels {', '.join(map(str, levels))}: expected ascending numbers between 0 and 1")
    if vectors is not None and (vectors.ndim != 2 or len(vectors) != len(series)):
        raise InputError(
            f"vectors have the shape {vectors.shape}, expected a row for each of {len(series):,} items"
        )
