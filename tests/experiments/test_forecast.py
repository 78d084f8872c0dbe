"""The forecast foresees who does more, from the past alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aisle.experiments.statistics.forecast import Activity, forecast
from aisle.schema.errors import InputError

USERS, DAYS = 2_000, 140


def _activity() -> Activity:
    """Users who join, come at a rate of their own to spend an amount of their own, and leave after two months or so."""
    random = np.random.default_rng(0)
    rate, amount = random.gamma(2.0, 0.05, (USERS, 1)), random.gamma(2.0, 10.0, USERS)
    joined = random.integers(0, 120, (USERS, 1))
    left, days = joined + random.exponential(60.0, (USERS, 1)), np.arange(DAYS)
    user, day = np.nonzero((random.random((USERS, DAYS)) < rate) & (days >= joined) & (days < left))
    return Activity(user, day.astype(float), amount[user] * random.gamma(4.0, 0.25, len(user)), USERS)


def test_a_forecast_finds_how_far_back_to_look() -> None:
    activity = _activity()
    after, _ = activity.sums(120, 140)

    def foreseen(covariate: np.ndarray) -> float:
        return float(np.corrcoef(covariate, after)[0, 1] ** 2)

    # 20 days back foresee most here, all 120 least: most who once bought have left.
    most, least = (foreseen(activity.sums(120 - days, 120)[0]) for days in (20, 120))
    assert most > 2 * least
    assert foreseen(forecast(activity, 120, 20)) > 0.9 * most


def test_nothing_of_the_experiment_or_later_is_in_a_forecast() -> None:
    activity = _activity()
    early = activity.day < 100
    past = Activity(activity.user[early], activity.day[early], activity.value[early], USERS)
    assert np.array_equal(forecast(activity, 100, 20), forecast(past, 100, 20))
    assert not np.array_equal(forecast(activity, 100, 20), forecast(activity, 99, 20))


def test_users_without_a_past_get_0_and_all_get_a_number() -> None:
    activity = _activity()
    found = forecast(activity, 100, 20)
    new = activity.sums(-np.inf, 100)[1] == 0
    assert new.any()
    assert (found[new] == 0).all()
    assert np.isfinite(found).all()
    assert len(np.unique(found[~new])) > 100


def test_a_shop_where_few_buy_anything_has_a_forecast() -> None:
    rows = np.arange(200)
    activity = Activity(rows % 100, rows % 50 + 0.5, (rows % 100 == 3).astype(float), 300)
    assert np.isfinite(forecast(activity, 50, 7)).all()


def test_a_past_that_is_too_short_is_refused() -> None:
    with pytest.raises(InputError, match="30 days of past for a forecast of 20; expected 40 or more"):
        forecast(_activity(), 30, 20)
    with pytest.raises(InputError, match="0 days of past"):
        forecast(Activity(np.array([], int), np.array([]), np.array([]), 3), 30, 20)


@pytest.mark.parametrize("value", [math.nan, -1.0, math.inf])
def test_values_that_are_none_are_refused(value: float) -> None:
    with pytest.raises(InputError, match="take these rows out"):
        Activity(np.array([0]), np.array([1.0]), np.array([value]), 1)
    with pytest.raises(InputError, match="1 users, 2 days, 1 values"):
        Activity(np.array([0]), np.array([1.0, 2.0]), np.array([1.0]), 1)
