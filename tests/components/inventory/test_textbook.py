"""The methods of the textbooks, held against Snyder and Shen's examples and against stockpyl."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from aisle.components.inventory import lot_sizes, reorder
from aisle.components.inventory.distributions import Discrete, Normal, Poisson, cost
from aisle.components.inventory.newsvendor import newsvendor

pytest.importorskip("stockpyl", reason="stockpyl, the oracle, is of the extra dev")
costs = st.floats(0.1, 50)


@settings(max_examples=30, deadline=None)
@given(order=costs, holding=costs, backorder=costs, demand=costs)
def test_lot_sizes_are_stockpyls(order: float, holding: float, backorder: float, demand: float) -> None:
    from stockpyl.eoq import economic_order_quantity, economic_order_quantity_with_backorders

    lot, cost_ = economic_order_quantity(order, holding, demand)
    assert float(lot_sizes.economic_order_quantity(order, holding, demand)) == pytest.approx(lot)
    assert lot_sizes.lot_cost(lot, order, holding, demand) == pytest.approx(cost_)
    lot, _, cost_ = economic_order_quantity_with_backorders(order, holding, backorder, demand)
    assert float(lot_sizes.with_backorders(order, holding, backorder, demand)) == pytest.approx(lot)
    assert lot_sizes.lot_cost(lot, order, holding, demand, backorder) == pytest.approx(cost_)


@settings(max_examples=30, deadline=None)
@given(demand=st.lists(st.integers(0, 90), min_size=1, max_size=7), order=st.integers(1, 600), holding=costs)
def test_wagner_whitin_costs_what_the_best_of_all_plans_does(
    demand: list[int], order: int, holding: float
) -> None:
    def of(plan: int) -> float:
        """The cost of ordering in the first period and in those whose bit is set."""
        total, last = 0.0, 0
        for period, units in enumerate(demand):
            if period == 0 or plan >> (period - 1) & 1:
                total, last = total + order, period
            total += holding * (period - last) * units
        return total

    orders, least = lot_sizes.wagner_whitin(demand, order, holding)
    assert least == pytest.approx(min(of(plan) for plan in range(2 ** (len(demand) - 1))))
    assert sum(orders) == sum(demand)
    assert all(np.cumsum(orders) >= np.cumsum(demand) - 1e-9)


@settings(max_examples=30, deadline=None)
@given(over=costs, under=costs, mean=st.floats(1, 80), sd=st.floats(0.5, 20))
def test_newsvendors_are_stockpyls(over: float, under: float, mean: float, sd: float) -> None:
    from stockpyl.newsvendor import newsvendor_discrete, newsvendor_normal, newsvendor_poisson

    assert newsvendor(Normal(mean, sd), over, under) == pytest.approx(
        newsvendor_normal(over, under, mean, sd)
    )
    assert newsvendor(Poisson(mean), over, under) == pytest.approx(newsvendor_poisson(over, under, mean))
    chances = stats.poisson.pmf(np.arange(200), mean)
    expected = newsvendor_discrete(over, under, demand_pmf=dict(enumerate(chances)))
    assert newsvendor(Discrete(chances), over, under) == pytest.approx(expected, rel=1e-6)


@settings(max_examples=15, deadline=None)
@given(order=costs, holding=st.floats(0.2, 5), shortage=st.floats(1, 50), mean=st.floats(0.5, 12))
def test_min_max_and_lots_are_stockpyls(order: float, holding: float, shortage: float, mean: float) -> None:
    from stockpyl.rq import r_q_poisson_exact
    from stockpyl.ss import s_s_discrete_exact, s_s_power_approximation

    low, high, least = s_s_discrete_exact(holding, shortage, order, True, mean)
    found = reorder.min_max(Poisson(mean), order, holding, shortage)
    assert found[2] == pytest.approx(least)
    assert found[:2] == (low, high)
    point, lot, least = r_q_poisson_exact(holding, shortage, order, mean, 1.5)
    assert reorder.lots(mean, 1.5, order, holding, shortage) == pytest.approx((point, lot, least))
    power = s_s_power_approximation(holding, shortage, order, mean, 2.0)
    assert reorder.power_approximation(mean, 2.0, order, holding, shortage) == pytest.approx(power)


@settings(max_examples=20, deadline=None)
@given(point=st.floats(50, 250), lot=st.floats(20, 500), shortage=costs)
def test_an_r_q_policys_cost_is_the_mean_of_its_positions_costs(
    point: float, lot: float, shortage: float
) -> None:
    demand = Normal(1300 / 12, 150 / 12**0.5)
    found = reorder.lots_cost(point, lot, demand, 1300, 8, 0.225, shortage)
    positions = point + (np.arange(4000) + 0.5) / 4000 * lot
    by_hand = 8 * 1300 / lot + float(np.mean(cost(demand, positions, 0.225, shortage)))
    assert found == pytest.approx(by_hand, rel=1e-4)
