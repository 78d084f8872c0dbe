"""How much of α may be spent by when (Lan and DeMets, 1983): functions of the fraction of the planned users."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

from scipy import special

Spending = Callable[[float, float], float]
"""What is spent at a fraction from 0 to 1, of an α of both sides together."""


def obrien_fleming(fraction: float, alpha: float) -> float:
    """Hardly any early: bounds as O'Brien and Fleming's, each side spending 2(1 - Φ(z / √fraction))."""
    if fraction <= 0:
        return 0.0
    return float(4 * special.ndtr(special.ndtri(alpha / 4) / math.sqrt(min(fraction, 1.0))))


def pocock(fraction: float, alpha: float) -> float:
    """Evenly: bounds as Pocock's."""
    return alpha * math.log(1 + (math.e - 1) * min(fraction, 1.0))


@dataclasses.dataclass(frozen=True)
class KimDeMets:
    """A power of the fraction (Kim and DeMets, 1987).

    The higher, the later: with 8, the interval of the last of 40 looks is 3 % wider than that of a single one.

    Attributes:
        power: 1 spends evenly, 3 about as O'Brien and Fleming.
    """

    power: float = 3.0

    def __call__(self, fraction: float, alpha: float) -> float:
        """What is spent at a fraction."""
        return float(alpha * min(fraction, 1.0) ** self.power)
