"""Intervals that hold at every moment at once, however often and for whatever reason one looks."""

from __future__ import annotations

import dataclasses
import math

from aisle.experiments.statistics.estimate import Estimate, Interval
from aisle.schema.errors import InputError


@dataclasses.dataclass(frozen=True)
class AlwaysValid:
    """An asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, 2021), a mixture SPRT.

    It is wider than a single look's interval, by about half where it is narrowest: what never planning the looks costs.

    Example:
        >>> AlwaysValid(planned=6_000).interval(effect.relative, sum(effect.users))

    Attributes:
        planned: the users of both arms at whom it is narrowest; any other number is wider, none is wrong.
        alpha: the share of experiments in which it ever misses the truth.

    Raises:
        InputError: one of them is out of range.
    """

    planned: float
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if not (1 <= self.planned < math.inf and 0 < self.alpha < 1):
            raise InputError(
                f"{self.planned} users, α {self.alpha}; expected users, and an α between 0 and 1"
            )

    @property
    def _rho_squared(self) -> float:
        """The mixture's variance, of which the interval at `planned` is the narrowest (their appendix)."""
        spent = -2 * math.log(self.alpha)
        return (spent + math.log(spent + 1)) / self.planned

    def interval(self, estimate: Estimate, users: int) -> Interval:
        """Of an estimate from so many users of both arms together."""
        scale = users * self._rho_squared + 1
        width = math.sqrt(scale / (users * self._rho_squared) * (math.log(scale) - 2 * math.log(self.alpha)))
        return estimate.within(width)

    def p_value(self, estimate: Estimate, users: int) -> float:
        """Below α at any moment in a share α of experiments without an effect."""
        scale = users * self._rho_squared + 1
        log_evidence = users * self._rho_squared / scale * estimate.statistic**2 / 2 - math.log(scale) / 2
        return math.exp(-max(log_evidence, 0.0))
