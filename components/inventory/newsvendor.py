"""How much to order once, where what lacks and what is left over both cost (Arrow, Harris and Marschak 1951)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from aisle.components.inventory.distributions import Demand, Floats, cost


def critical_ratio(overage: ArrayLike, underage: ArrayLike) -> Floats:
    """The chance with which all demand should be met: a unit more costs as much as it saves.

    Args:
        overage: the cost of a unit left over.
        underage: of a unit that lacks.
    """
    return np.asarray(np.asarray(underage) / (np.asarray(underage) + np.asarray(overage)))


def newsvendor(demand: Demand, overage: float, underage: float) -> tuple[float, float]:
    """Returns the cheapest stock and what it costs, expected."""
    stock = float(demand.quantile(critical_ratio(overage, underage)))
    return stock, float(cost(demand, stock, overage, underage))
