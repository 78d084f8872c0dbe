"""Which level meets a fill rate, by what levels gave in the past."""

from __future__ import annotations

import numpy as np
import pytest

from aisle.components.inventory.calibration import RULES, calibrate
from aisle.components.inventory.distributions import Forecast
from aisle.components.inventory.rule import Rule
from aisle.schema.demand import Series


def series_of(quantity: np.ndarray) -> Series:
    starts = np.datetime64("2025-01-05") + 7 * np.arange(quantity.shape[1])
    ids = np.array([f"item-{nth}" for nth in range(len(quantity))])
    return Series(ids, starts, 7, quantity, quantity * 2.0)


def own_past(series: Series, periods: int) -> Forecast:
    """Forecasts by quantiles of each item's own sums."""
    levels = np.array([0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])
    sums = np.lib.stride_tricks.sliding_window_view(np.nan_to_num(series.quantity), periods, axis=1).sum(-1)
    return Forecast(sums.mean(1), levels, np.quantile(sums, levels, axis=1).T)


@pytest.mark.parametrize("service", [0.9, 0.97])
def test_the_rule_learnt_meets_the_service_in_the_weeks_that_follow(service: float) -> None:
    draw = np.random.default_rng(5)
    quantity = draw.negative_binomial(0.6, 0.1, (150, 78)).astype(float)
    price = draw.random(150) + 0.5
    past, later = series_of(quantity[:, :65]), series_of(quantity)
    found = calibrate(past, own_past, price, service, lead=1, periods=13)
    assert (found.periods, found.rules) == (13, RULES)
    # The same rule, replayed over the weeks that the calibration never saw.
    after = calibrate(later, own_past, price, service, lead=1, periods=13, rules=[found.rule])
    assert after.replays[0].fill == pytest.approx(service, abs=0.02)
    assert found.met is not None
    assert found.met.fill == pytest.approx(service, abs=0.03)


def test_a_service_that_no_rule_met_takes_the_highest() -> None:
    quantity = np.zeros((1, 20))
    quantity[0, -1] = 50.0  # Nothing before tells of it.
    found = calibrate(series_of(quantity), own_past, np.ones(1), 0.95, lead=1, periods=8)
    assert found.rule == RULES[-1]
    assert found.reached == 0.0


@pytest.mark.parametrize("quantity", [np.ones((2, 5)), np.zeros((2, 40))])
def test_a_past_that_says_nothing_leaves_the_service_as_it_is(quantity: np.ndarray) -> None:
    found = calibrate(series_of(quantity), own_past, np.ones(2), 0.95, lead=1, periods=13)
    assert (found.periods, found.rule, found.met) == (0, Rule(0.95), None)
