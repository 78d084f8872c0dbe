"""How much stock a forecast asks for."""

from __future__ import annotations

import dataclasses

import numpy as np

from aisle.components.inventory.distributions import Floats, Forecast


@dataclasses.dataclass(frozen=True, order=True)
class Rule:
    """So many times a quantile.

    Attributes:
        level: of the quantile.
        stretch: how many times it.
    """

    level: float
    stretch: float = 1.0

    def of(self, demand: Forecast) -> Floats:
        """The stock that it asks for, [n]."""
        return np.asarray(self.stretch * demand.quantile(self.level))
