"""Distributions of the demand that an order must last for: how much lies within a chance, and how much lacks beyond a stock."""

from __future__ import annotations

import dataclasses
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]


class Demand(Protocol):
    """A distribution, or n of them at once; everything is in units.

    Attributes:
        mean: the units expected.
    """

    @property
    def mean(self) -> ArrayLike: ...

    def quantile(self, level: ArrayLike) -> Floats:
        """The least stock that meets all demand with that chance."""
        ...

    def short(self, stock: ArrayLike) -> Floats:
        """The units that lack with that stock, expected: E[(D - stock)+], the loss function."""
        ...


@dataclasses.dataclass(frozen=True)
class Normal:
    """A normal distribution, or arrays of them."""

    mean: float
    sd: float

    def quantile(self, level: ArrayLike) -> Floats:
        """See `Demand`."""
        return np.asarray(stats.norm.ppf(level, self.mean, self.sd))

    def short(self, stock: ArrayLike) -> Floats:
        """See `Demand`."""
        z = (np.asarray(stock) - self.mean) / self.sd
        return np.asarray(self.sd * (stats.norm.pdf(z) - z * stats.norm.sf(z)))

    def short_squared(self, stock: float) -> float:
        """E[((D - stock)+)²] / 2, the second-order loss function: what `short` adds up to from that stock on."""
        z = (stock - self.mean) / self.sd
        return float(self.sd**2 / 2 * ((z * z + 1) * stats.norm.sf(z) - z * stats.norm.pdf(z)))


@dataclasses.dataclass(frozen=True)
class Poisson:
    """A Poisson distribution: single units, each asked for by itself."""

    mean: float

    def quantile(self, level: ArrayLike) -> Floats:
        """See `Demand`."""
        return np.asarray(stats.poisson.ppf(level, self.mean))

    def short(self, stock: ArrayLike) -> Floats:
        """See `Demand`; of whole stocks."""
        x = np.asarray(stock, float)
        beyond = (self.mean - x) * stats.poisson.sf(x, self.mean) + self.mean * stats.poisson.pmf(
            x, self.mean
        )
        return np.asarray(np.where(x < 0, self.mean - x, beyond))

    def probabilities(self, most: int) -> Floats:
        """Of 0, 1, … up to `most` units: [most + 1]."""
        return np.asarray(stats.poisson.pmf(np.arange(most + 1), self.mean))


@dataclasses.dataclass(frozen=True)
class Discrete:
    """Probabilities of 0, 1, 2, … units.

    Attributes:
        chances: [m], their sum is 1.
    """

    chances: Floats

    @property
    def mean(self) -> float:
        """See `Demand`."""
        return float(np.arange(len(self.chances)) @ self.chances)

    def quantile(self, level: ArrayLike) -> Floats:
        """See `Demand`."""
        # What is summed up misses 1 by rounding.
        reached = np.minimum(np.cumsum(self.chances), 1.0)
        reached[-1] = 1.0
        return np.searchsorted(reached, np.asarray(level), side="left").astype(float)

    def short(self, stock: ArrayLike) -> Floats:
        """See `Demand`."""
        lacking = np.arange(len(self.chances)) - np.asarray(stock, float)[..., None]
        return np.asarray(np.maximum(lacking, 0) @ self.chances)

    def probabilities(self, most: int) -> Floats:
        """Of 0, 1, … up to `most` units: [most + 1]."""
        return np.pad(self.chances, (0, max(most + 1 - len(self.chances), 0)))[: most + 1]


@dataclasses.dataclass(frozen=True)
class Forecast:
    """What a forecast says of n items: their means, and quantiles on straight lines between which the others lie.

    Attributes:
        mean: [n].
        levels: [q], ascending, between 0 and 1.
        quantiles: [n, q], ascending in each row.
    """

    mean: Floats
    levels: Floats
    quantiles: Floats

    def quantile(self, level: ArrayLike) -> Floats:
        """See `Demand`: [n], of one level or one for each item."""
        levels, values = self._ends()
        asked = np.broadcast_to(np.asarray(level, float), (len(values),))
        right = np.clip(np.searchsorted(levels, asked, side="right"), 1, len(levels) - 1)
        share = (asked - levels[right - 1]) / (levels[right] - levels[right - 1])
        rows = np.arange(len(values))
        return np.asarray((1 - share) * values[rows, right - 1] + share * values[rows, right])

    def short(self, stock: ArrayLike) -> Floats:
        """See `Demand`: [n], exactly the integral of the lines beyond the stock."""
        levels, values = self._ends()
        beyond = values - np.broadcast_to(np.asarray(stock, float), (len(values),))[:, None]
        low, high = beyond[:, :-1], beyond[:, 1:]
        span = np.where(high > low, high - low, 1.0)
        area = np.where(
            low >= 0, (low + high) / 2, np.where(high > 0, np.maximum(high, 0) ** 2 / (2 * span), 0)
        )
        return np.asarray(area @ np.diff(levels))

    def within(self, stock: ArrayLike) -> Floats:
        """The chance that the demand stays within a stock: [n]."""
        levels, values = self._ends()
        held = np.broadcast_to(np.asarray(stock, float), (len(values),))[:, None]
        low, high = values[:, :-1], values[:, 1:]
        share = np.clip((held - low) / np.maximum(high - low, 1e-12), 0, 1)
        return np.asarray(np.where(held >= low, share, 0) @ np.diff(levels))

    def spread(self, variance: Floats) -> Forecast:
        """The forecast with so much variance more [n], as a lead time that varies adds: quantiles move away from the mean."""
        levels, values = self._ends()
        middles = (values[:, :-1] + values[:, 1:]) / 2
        own = np.maximum(((middles - self.mean[:, None]) ** 2) @ np.diff(levels), 1e-12)
        # Where hardly anything varies yet, the normal distribution says how.
        factor = np.sqrt(1 + np.asarray(variance) / own)[:, None]
        from_mean = self.quantiles - self.mean[:, None]
        normal = self.mean[:, None] + stats.norm.ppf(self.levels) * np.sqrt(own + variance)[:, None]
        still = own[:, None] < 1e-6 * np.maximum(self.mean[:, None], 1e-6) ** 2
        moved = np.where(still, normal, self.mean[:, None] + factor * from_mean)
        return dataclasses.replace(
            self, quantiles=np.maximum(np.where(variance[:, None] > 0, moved, self.quantiles), 0)
        )

    def _ends(self) -> tuple[Floats, Floats]:
        """The levels from 0 to 1 [q + 2] and their values [n, q + 2]: the first and last lines go on, down to none at most."""
        slopes = np.diff(self.quantiles, axis=1) / np.diff(self.levels)
        bottom = np.maximum(self.quantiles[:, 0] - slopes[:, 0] * self.levels[0], 0)
        top = self.quantiles[:, -1] + slopes[:, -1] * (1 - self.levels[-1])
        values = np.column_stack([bottom, self.quantiles, top])
        return np.concatenate([[0.0], self.levels, [1.0]]), values


def lead_time_variance(per_day: Floats, sd_days: Floats) -> Floats:
    """What a lead time that varies adds to the variance of the demand until an order arrives (a sum of random length)."""
    return np.asarray((per_day * sd_days) ** 2)


def cost(demand: Demand, stock: ArrayLike, overage: ArrayLike, underage: ArrayLike) -> Floats:
    """What a stock costs, expected: `overage` for a unit left over, `underage` for a unit that lacks (newsvendor's cost)."""
    lacks = demand.short(stock)
    return np.asarray(
        np.asarray(overage) * (np.asarray(stock) - np.asarray(demand.mean) + lacks)
        + np.asarray(underage) * lacks
    )
