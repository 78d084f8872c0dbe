"""How much to order at once where an order itself costs something, and the demand is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from aisle.components.inventory.distributions import Floats


def economic_order_quantity(order_cost: ArrayLike, holding: ArrayLike, demand: ArrayLike) -> Floats:
    """The order that makes ordering and holding together cheapest (Harris 1913).

    Args:
        order_cost: of an order, whatever its size.
        holding: the cost of a unit kept for a period.
        demand: units a period.
    """
    return np.sqrt(2 * np.asarray(order_cost) * np.asarray(demand) / np.asarray(holding))


def with_backorders(
    order_cost: ArrayLike, holding: ArrayLike, backorder: ArrayLike, demand: ArrayLike
) -> Floats:
    """The same where customers wait, and a unit owed for a period costs `backorder`: larger, since less is kept."""
    longer = (np.asarray(holding) + np.asarray(backorder)) / np.asarray(backorder)
    return np.asarray(economic_order_quantity(order_cost, holding, demand) * np.sqrt(longer))


def lot_cost(
    quantity: float, order_cost: float, holding: float, demand: float, backorder: float | None = None
) -> float:
    """What orders of a size cost a period; with backorders at the best share of the time out of stock."""
    kept = holding if backorder is None else holding * backorder / (holding + backorder)
    return order_cost * demand / quantity + kept * quantity / 2


def wagner_whitin(demand: Sequence[float], order_cost: float, holding: float) -> tuple[list[float], float]:
    """Orders that meet a demand that changes by period, at the least cost (Wagner and Whitin 1958).

    Args:
        demand: units of each period.
        order_cost: of an order.
        holding: the cost of a unit kept from one period to the next.

    Returns:
        What is ordered in each period, and what all cost.
    """
    periods = len(demand)
    cheapest, until = [0.0] * (periods + 1), [periods] * periods
    for first in reversed(range(periods)):
        kept, costs = 0.0, list[float]()
        for last in range(first, periods):
            kept += holding * (last - first) * demand[last]
            costs.append(order_cost + kept + cheapest[last + 1])
        cheapest[first] = min(costs)
        until[first] = first + costs.index(cheapest[first]) + 1
    orders, period = [0.0] * periods, 0
    while period < periods:
        orders[period] = float(sum(demand[period : until[period]]))
        period = until[period]
    return orders, cheapest[0]
