"""When to order and how much, where demand is random and an order itself costs something: (s,S) and (r,Q)."""

from __future__ import annotations

import math

import numpy as np

from aisle.components.inventory.distributions import Discrete, Floats, Normal, Poisson, cost


def min_max(
    demand: Poisson | Discrete, order_cost: float, holding: float, shortage: float
) -> tuple[int, int, float]:
    """The cheapest (s,S) of a stock that is looked at each period, and customers wait (Zheng and Federgruen 1991).

    Args:
        demand: of a period (with a lead time, of it and a period).
        order_cost: of an order.
        holding: the cost of a unit kept for a period.
        shortage: of a unit owed for a period.

    Returns:
        s: a stock of so much or less is ordered for; S: up to here; and what a period costs.
    """
    costs = _PeriodCosts(demand, holding, shortage)
    start = low = int(demand.quantile(shortage / (shortage + holding)))
    renewals = _renewals(demand, 4 * start + 4 * math.ceil(math.sqrt(order_cost / holding)) + 64)

    def a_period(low: int, high: int) -> float:
        since = renewals[: high - low]
        visited = sum(since[d] * costs(high - d) for d in range(high - low))
        return float((order_cost + visited) / since.sum())

    high = start
    low -= 1
    while a_period(low, high) > costs(low):
        low -= 1
    best, least = (low, high), a_period(low, high)
    while costs(high + 1) <= least:
        high += 1
        if a_period(low, high) < least:
            while a_period(low, high) <= costs(low + 1):
                low += 1
            best, least = (low, high), a_period(low, high)
    return *best, least


def power_approximation(
    mean: float, sd: float, order_cost: float, holding: float, shortage: float
) -> tuple[float, float]:
    """About the cheapest (s,S) by the power approximation (Ehrhardt and Mosier 1984), of a lead time of no periods.

    Args:
        mean: units a period.
        sd: their standard deviation.
        order_cost: of an order.
        holding: the cost of a unit kept for a period.
        shortage: of a unit owed for a period.
    """
    lot = 1.30 * mean**0.494 * (order_cost / holding) ** 0.506 * (1 + (sd / mean) ** 2) ** 0.116
    z = math.sqrt(lot / sd * holding / shortage)
    low = 0.973 * mean + sd * (0.183 / z + 1.063 - 2.192 * z)
    return low, low + lot


def lots_cost(
    point: float, lot: float, demand: Normal, rate: float, order_cost: float, holding: float, shortage: float
) -> float:
    """What an (r,Q) policy costs a period: `lot` is ordered when the position falls to `point` (Hadley and Whitin 1963).

    Args:
        point: r.
        lot: Q.
        demand: of the lead time.
        rate: units a period.
        order_cost: of an order.
        holding: the cost of a unit kept for a period.
        shortage: of a unit owed for a period.
    """
    # The position lies anywhere between r and r + Q, each as often.
    lacks = demand.short_squared(point) - demand.short_squared(point + lot)
    kept = lot * (point + lot / 2 - demand.mean) + lacks
    return (order_cost * rate + holding * kept + shortage * lacks) / lot


def lots(
    rate: float, lead_time: float, order_cost: float, holding: float, shortage: float
) -> tuple[int, int, float]:
    """The cheapest (r,Q) of Poisson demand (Federgruen and Zheng 1992).

    Args:
        rate: units a period.
        lead_time: periods.
        order_cost: of an order.
        holding: the cost of a unit kept for a period.
        shortage: of a unit owed for a period.

    Returns:
        r, Q, and what a period costs.
    """
    demand = Poisson(rate * lead_time)
    costs = _PeriodCosts(demand, holding, shortage)
    point = int(demand.quantile(shortage / (shortage + holding))) - 1
    total, lot = order_cost * rate + costs(point + 1), 1
    while True:
        # The next cheapest position lies at one end of those that are taken in.
        below, above = costs(point), costs(point + lot + 1)
        if (total + min(below, above)) / (lot + 1) > total / lot:
            return point, lot, total / lot
        total, lot = total + min(below, above), lot + 1
        point -= below < above


class _PeriodCosts:
    """What a period costs that starts with a stock, remembered."""

    def __init__(self, demand: Poisson | Discrete, holding: float, shortage: float) -> None:
        self._demand, self._costs, self._known = demand, (holding, shortage), dict[int, float]()

    def __call__(self, stock: int) -> float:
        if stock not in self._known:
            self._known[stock] = float(cost(self._demand, stock, *self._costs))
        return self._known[stock]


def _renewals(demand: Poisson | Discrete, most: int) -> Floats:
    """How many periods the stock spends, expected, after so many units were taken: [most + 1]."""
    chances = demand.probabilities(max(most, 1))
    periods = np.zeros(most + 1)
    periods[0] = 1 / (1 - chances[0])
    for taken in range(1, most + 1):
        periods[taken] = periods[0] * (chances[1 : taken + 1] @ periods[taken - 1 :: -1][:taken])
    return periods
