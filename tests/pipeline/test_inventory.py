"""Forecasts over any number of days, by models of now and of earlier moments, and how they did."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.model.demand.rows import Span
from aisle.pipeline.inventory.ahead import backtest, looked_back
from aisle.pipeline.inventory.forecaster import Earlier, Forecaster, longest, shares
from aisle.schema.demand import Series


def series_of(quantity: np.ndarray) -> Series:
    starts = np.datetime64("2025-01-05") + 7 * np.arange(quantity.shape[1])
    return Series(np.arange(len(quantity)).astype(str), starts, 7, quantity, quantity * 2.0)


STEADY = series_of(np.tile([[3.0], [10.0]], (1, 30)))
"""Too few to learn from: an item's own weeks are its forecast."""


def test_days_between_weeks_lie_on_a_line_between_their_sums() -> None:
    model = Forecaster([Span(1), Span(2), Span(3)], STEADY)
    found = model.over_days(STEADY, np.array([14.0, 17.5]))
    assert found.mean.tolist() == pytest.approx([6.0, 25.0])
    assert found.quantile(0.9).tolist() == pytest.approx([6.0, 25.0])


def test_less_than_a_week_is_a_part_of_one_and_more_than_can_be_learnt_goes_on_as_before() -> None:
    model = Forecaster([Span(1), Span(60)], STEADY)
    assert longest(STEADY) == 14
    found = model.over_days(STEADY, np.array([3.5, 60 * 7.0]))
    assert found.mean.tolist() == pytest.approx([1.5, 600.0])
    assert model.of(STEADY, 60).mean.tolist() == pytest.approx([180.0, 600.0])
    over = model.over_days(STEADY, np.zeros(2))
    assert over.quantile(0.9).tolist() == over.mean.tolist() == [0.0, 0.0]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.05, 30), min_size=1, max_size=6))
def test_shares_are_of_the_weeks_around_and_give_the_length_again(lengths: list[float]) -> None:
    asked = np.array(lengths)
    found = shares(asked)
    assert sum(periods * weight for periods, weight in found.items()) == pytest.approx(asked)
    for periods, weight in found.items():
        assert (np.abs(asked[weight > 0] - periods) < 1).all()


def test_a_past_is_forecast_by_the_latest_model_that_knows_nothing_beyond_it() -> None:
    rising = series_of(np.tile(np.arange(30.0), (2, 1)))
    models = Earlier([Span(1)], rising, back=12, relearnt=5)
    assert sorted(models._models) == [18, 23, 28]
    found = models.of(rising.before(22), 1)
    assert (
        found.mean.tolist() == Forecaster([Span(1)], rising.before(18)).of(rising.before(22), 1).mean.tolist()
    )
    with pytest.raises(ValueError, match="empty"):
        models.of(rising.before(17), 1)


def test_a_backtest_of_what_never_changes_is_right_and_of_a_jump_says_so() -> None:
    assert looked_back(STEADY, 4) == 12
    found = backtest(STEADY, 4, Earlier([Span(4)], STEADY, 12, 7))
    assert found is not None
    assert found["origins"] == ["2025-07-06", "2025-06-08", "2025-05-11"]
    assert (found["bias"], found["wape"]) == pytest.approx((0.0, 0.0))
    assert [one["covered"] for one in found["coverage"]] == [1.0] * 4
    jump = STEADY.quantity.copy()
    jump[:, -4:] *= 2
    told = backtest(series_of(jump), 4, Earlier([Span(4)], STEADY, 12, 7))
    assert told is not None
    assert told["bias"] == pytest.approx(-1 / 4)  # 3 of 4 parts of the demand are expected.
    assert backtest(STEADY.before(9), 4, Earlier([Span(4)], STEADY, 12, 7)) is None
