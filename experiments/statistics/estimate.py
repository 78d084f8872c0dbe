"""A value that was measured, and how far it may be off."""

from __future__ import annotations

import dataclasses
import math

from scipy import special

Interval = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A normal estimate, or one of Student's t where `degrees` is finite.

    Attributes:
        value: what was measured.
        standard_error: of it.
        degrees: of freedom.
    """

    value: float
    standard_error: float
    degrees: float = math.inf

    @property
    def statistic(self) -> float:
        """How many standard errors the value is from 0; 0 where it is 0 and can't vary."""
        if self.standard_error == 0:
            return math.copysign(math.inf, self.value) if self.value else 0.0
        return self.value / self.standard_error

    @property
    def p_value(self) -> float:
        """The chance of a value at least as far from 0, on either side, where the truth is 0."""
        return 2 * self._below(-abs(self.statistic))

    @property
    def score(self) -> float:
        """The statistic of a normal estimate that would be as far out: what bounds for several looks are held against."""
        return math.copysign(float(-special.ndtri(self.p_value / 2)), self.value)

    def interval(self, level: float = 0.95) -> Interval:
        """What holds the truth in this share of all experiments."""
        return self.within(-self.quantile((1 - level) / 2))

    def scored(self, bound: float) -> Interval:
        """All values from which the estimate's score is within a bound."""
        return self.within(-self.quantile(float(special.ndtr(-bound))))

    def within(self, bound: float) -> Interval:
        """So many standard errors to both sides."""
        return self.value - bound * self.standard_error, self.value + bound * self.standard_error

    def _below(self, statistic: float) -> float:
        if math.isinf(self.degrees):
            return float(special.ndtr(statistic))
        return float(special.stdtr(self.degrees, statistic))

    def quantile(self, share: float) -> float:
        """So many standard errors from the truth a share of all estimates is at most."""
        if math.isinf(self.degrees):
            return float(special.ndtri(share))
        return float(special.stdtrit(self.degrees, share))
