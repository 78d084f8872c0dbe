"""Policies replayed over a known past, and distributions of what is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from aisle.components.inventory.distributions import Forecast, Normal, lead_time_variance
from aisle.components.inventory.replay import replay
from aisle.schema.errors import InputError

ONE = np.ones(1)


def test_what_is_ordered_comes_a_lead_time_later_and_lost_sales_are_lost() -> None:
    # 5 in stock; 4 go; 4 come after a period, 1 is there meanwhile: of 3, 1 is sold. Then 4 + 1 ordered since: 3 sold.
    found = replay(np.array([[4.0, 3.0, 3.0]]), np.full((1, 3), 5.0), ONE)
    # Week 1 orders nothing (5 in stock), week 2 orders 4, week 3 has 4 and orders 1.
    assert found.fill == pytest.approx((4 + 1 + 3) / 10)
    assert found.in_stock == pytest.approx(2 / 3)
    assert found.periods_of_stock == pytest.approx((1 + 0 + 1) / 10)


def test_what_is_owed_is_served_first() -> None:
    # As above, but the 2 of week 2 are owed: week 3 has 4 - 2 = 2 to sell.
    found = replay(np.array([[4.0, 3.0, 3.0]]), np.full((1, 3), 5.0), ONE, lost=False)
    assert found.fill == pytest.approx((4 + 1 + 2) / 10)


def test_without_a_lead_time_the_level_is_met_in_each_period_and_the_dear_weigh_more() -> None:
    demand, price = np.array([[2.0, 2.0], [6.0, 6.0]]), np.array([3.0, 1.0])
    found = replay(demand, np.array([[2.0, 2.0], [2.5, 3.0]]), price, lead=0)
    assert found.fill == pytest.approx((12 + 6) / (12 + 12))  # 2.5 is 3 units.


@pytest.mark.parametrize("levels", [np.zeros((1, 2)), np.zeros((2, 3))])
def test_a_replay_of_nothing_is_refused(levels: np.ndarray) -> None:
    with pytest.raises(InputError, match="a replay got demand .* expected some demand"):
        replay(np.zeros((1, 2)), levels, ONE)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 3), st.booleans())
def test_more_stock_never_sells_less(seed: int, lead: int, lost: bool) -> None:
    draw = np.random.default_rng(seed)
    demand = draw.poisson(3, (5, 9)).astype(float) + 0.0
    demand[0, 0] += 1
    levels, price = draw.integers(0, 12, (5, 1)) * np.ones((5, 9)), draw.random(5) + 0.1
    # With a lead time and lost sales, who sold more a week ago may have less to sell now.
    lead = 0 if lost else lead
    less, more = (replay(demand, levels + extra, price, lead, lost) for extra in (0, 2))
    assert 0 <= less.fill <= more.fill + 1e-9 <= 1 + 2e-9
    assert less.periods_of_stock <= more.periods_of_stock + 1e-9


LEVELS = np.array([0.1, 0.5, 0.9])


def test_between_quantiles_a_forecast_is_a_line_and_beyond_them_it_goes_on() -> None:
    found = Forecast(np.array([5.0, 50.0]), LEVELS, np.array([[2.0, 4.0, 8.0], [20.0, 40.0, 80.0]]))
    assert found.quantile(0.7).tolist() == pytest.approx([6.0, 60.0])
    assert found.quantile(np.array([0.05, 1.0])).tolist() == pytest.approx([1.75, 90.0])


@settings(max_examples=40, deadline=None)
@given(st.floats(1, 90), st.floats(0.1, 0.9), st.floats(0, 150))
def test_what_lacks_is_what_a_finely_told_distribution_says(mean: float, cv: float, stock: float) -> None:
    sd = mean * cv
    levels = np.linspace(0.0005, 0.9995, 1000)
    told = stats.gamma(mean**2 / sd**2, scale=sd**2 / mean)
    forecast = Forecast(np.array([mean]), levels, told.ppf(levels)[None, :])
    draws = told.ppf((np.arange(10_000) + 0.5) / 10_000)
    assert forecast.short(stock)[0] == pytest.approx(np.maximum(draws - stock, 0).mean(), rel=0.02, abs=0.02)


def test_a_lead_time_that_varies_widens_a_forecast_by_its_variance() -> None:
    levels = np.linspace(0.01, 0.99, 99)
    forecast = Forecast(np.array([50.0]), levels, stats.norm.ppf(levels, 50, 6)[None, :])
    # 5 a day, and an arrival that varies by 1.6 days: a variance of 64 beside 36 is a deviation of 10.
    wider = forecast.spread(lead_time_variance(np.array([5.0]), np.array([1.6])))
    assert wider.quantile(0.8)[0] == pytest.approx(float(Normal(50, 10).quantile(0.8)), abs=0.3)
    same = forecast.spread(np.zeros(1))
    assert same.quantiles.tolist() == forecast.quantiles.tolist()


def test_what_never_varied_varies_with_its_lead_time() -> None:
    forecast = Forecast(np.array([7.0]), LEVELS, np.full((1, 3), 7.0))
    wider = forecast.spread(np.array([4.0]))
    assert wider.quantiles[0].tolist() == pytest.approx(stats.norm.ppf(LEVELS, 7, 2).tolist(), abs=0.6)
