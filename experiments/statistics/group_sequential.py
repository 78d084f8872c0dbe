"""Looking at an experiment several times: bounds that keep all looks' false positives together below α."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy import optimize, special

from aisle.experiments.statistics.estimate import Estimate, Interval
from aisle.experiments.statistics.sample import Floats
from aisle.experiments.statistics.spending import Spending
from aisle.schema.errors import InputError

Bounds = tuple[float, ...]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)
_FAR = 9.0
"""Standard errors beyond which there is no mass to speak of."""


@dataclasses.dataclass(frozen=True)
class Looks:
    """When an experiment is looked at, and how far from 0 its statistic must be to end it then.

    Example:
        >>> looks = Looks.spent((0.2, 0.4, 0.6, 0.8, 1.0), obrien_fleming)
        >>> looks.bounds
        (4.8769, 3.3569, 2.6803, 2.2898, 2.0310)

    Attributes:
        fractions: of the planned users, at each look; rising, the last at most 1.
        bounds: of |z|, at each look.
    """

    fractions: tuple[float, ...]
    bounds: Bounds

    @classmethod
    def spent(cls, fractions: Sequence[float], spending: Spending, alpha: float = 0.05) -> Looks:
        """Bounds by a spending function (Lan and DeMets, 1983): the looks needn't be planned, nor be equally far apart."""
        return cls(_checked(fractions), _spend(_checked(fractions), spending, alpha))

    @classmethod
    def pocock(cls, looks: int, alpha: float = 0.05) -> Looks:
        """The same bound at each of so many looks, equally far apart (Pocock, 1977)."""
        return cls._shaped(looks, alpha, lambda fraction: 1.0)

    @classmethod
    def obrien_fleming(cls, looks: int, alpha: float = 0.05) -> Looks:
        """Bounds that fall as 1/√fraction, hardly above a single look's in the end (O'Brien and Fleming, 1979)."""
        return cls._shaped(looks, alpha, lambda fraction: fraction**-0.5)

    @classmethod
    def _shaped(cls, looks: int, alpha: float, shape: Callable[[float], float]) -> Looks:
        fractions = _checked([(look + 1) / looks for look in range(looks)])

        def excess(constant: float) -> float:
            return sum(crossing(fractions, [constant * shape(part) for part in fractions])) - alpha

        constant = optimize.brentq(excess, 0.5, 8.0, xtol=1e-10)
        return cls(fractions, tuple(float(constant * shape(fraction)) for fraction in fractions))

    def interval(self, estimate: Estimate) -> Interval:
        """The interval at the last look, wide enough for all looks: it holds the truth at every one (Jennison and Turnbull)."""
        return estimate.scored(self.bounds[-1])

    def ended(self, estimate: Estimate) -> bool:
        """Whether the estimate at the last look is beyond its bound."""
        return abs(estimate.score) >= self.bounds[-1]

    def power(self, drift: float) -> float:
        """The chance to end with a finding.

        Args:
            drift: the expected statistic when all planned users are there: effect over standard error.
        """
        return sum(crossing(self.fractions, self.bounds, drift))

    def inflation(self, power: float = 0.8, alpha: float = 0.05) -> float:
        """The users that the looks need over those of a single one, for the same power."""
        single = special.ndtri(power) - special.ndtri(alpha / 2)
        needed = optimize.brentq(lambda drift: self.power(drift) - power, 0.1, 3 * single)
        return float((needed / single) ** 2)


def crossing(fractions: Sequence[float], bounds: Sequence[float], drift: float = 0.0) -> list[float]:
    """The chance that |z| first reaches its bound at each look.

    By the recursion of Armitage, McPherson and Rowe (1969): the statistic times √fraction is a Brownian motion, and its
    density among those who haven't crossed is carried from look to look, at Gauss-Legendre's nodes.

    Args:
        fractions: of the planned users, rising.
        bounds: one a look.
        drift: the expected statistic at all planned users.
    """
    found, walk = [], _START
    for fraction, bound in zip(fractions, bounds, strict=True):
        walk = walk.to(fraction, drift)
        found.append(walk.beyond(bound))
        walk = walk.within(bound)
    return found


@dataclasses.dataclass(frozen=True)
class _Walk:
    """The Brownian motion of those who haven't crossed yet.

    Attributes:
        fraction: how far it is.
        places: the nodes that it comes from, moved by the drift.
        mass: at each of them.
        wide: the standard deviation of the step from there.
    """

    fraction: float
    places: Floats
    mass: Floats
    wide: float = 0.0

    def to(self, fraction: float, drift: float = 0.0) -> _Walk:
        """A step on to a later look."""
        step = fraction - self.fraction
        return _Walk(fraction, self.places + drift * step, self.mass, math.sqrt(step))

    def beyond(self, bound: float) -> float:
        """The chance to be beyond the bound after the step."""
        edge = bound * math.sqrt(self.fraction)
        out = special.ndtr((self.places - edge) / self.wide) + special.ndtr((-edge - self.places) / self.wide)
        return float(self.mass @ out)

    def within(self, bound: float) -> _Walk:
        """Those who aren't, at nodes between the bounds."""
        # Where a bound is far out, nodes up to it would miss the density, which is narrow.
        reach = min(bound * math.sqrt(self.fraction), np.abs(self.places).max() + _FAR * self.wide)
        places = reach * _NODES
        gaps = (places[:, None] - self.places[None, :]) / self.wide
        density = np.exp(-(gaps**2) / 2) @ self.mass / (self.wide * math.sqrt(2 * math.pi))
        return _Walk(self.fraction, places, reach * _WEIGHTS * density)


_START = _Walk(0.0, np.zeros(1), np.ones(1))


@functools.lru_cache(maxsize=256)
def _spend(fractions: tuple[float, ...], spending: Spending, alpha: float) -> Bounds:
    """The bound at each look at which the chance to cross is what may be spent between it and the look before."""
    bounds, walk = [], _START
    for fraction in fractions:
        allowed = spending(fraction, alpha) - spending(walk.fraction, alpha)
        walk = walk.to(fraction)
        bound = _bound(walk.beyond, allowed)
        walk = walk.within(bound)
        bounds.append(bound)
    return tuple(bounds)


def _bound(chance: Callable[[float], float], allowed: float) -> float:
    """Where the chance is what is allowed; so far out that nothing gets there where hardly any is."""
    if chance(_FAR) >= allowed:
        return _FAR
    return float(optimize.brentq(lambda bound: chance(bound) - allowed, 0.0, _FAR, xtol=1e-10))


def _checked(fractions: Sequence[float]) -> tuple[float, ...]:
    rising = all(one < other for one, other in zip([0.0, *fractions], fractions, strict=False))
    if not fractions or not rising or fractions[-1] > 1 + 1e-9:
        raise InputError(
            f"looks at {list(fractions)} of the planned users; expected rising numbers above 0 up to 1"
        )
    return tuple(float(fraction) for fraction in fractions)
