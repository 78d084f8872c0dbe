from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from aisle.model.demand import empirical
from aisle.model.demand.blend import blended, mean_of, pinball, shares
from aisle.model.demand.classes import CLASSES, classify
from aisle.model.demand.features import features, scale, trend
from aisle.model.demand.level import level, smoothed
from aisle.model.demand.rows import Rows, Span, change
from aisle.model.demand.titles import title_vectors
from tests.model.demand.shops import poisson, series

SOLD = arrays.arrays(float, (3, 30), elements=st.integers(0, 50).map(float))


def test_an_empirical_forecast_is_of_the_items_own_recent_sums() -> None:
    mean, quantiles = empirical.forecast(series([[9, 1, 3, 1, 3, 1, 3, 1, 3]]), 1, np.array([0.5, 0.9]))
    assert (mean.tolist(), quantiles.tolist()) == ([2.0], [[2.0, 3.0]])
    mean, quantiles = empirical.forecast(series([[np.nan, 1, 3, 2, np.nan, 2]]), 2, np.array([0.5]))
    # The unknown week counts as the mean of the known ones, 2: sums of 3 (with the unknown first), 4, 5, 4, 4.
    assert (mean.tolist(), quantiles.tolist()) == ([4.0], [[4.0]])


@given(SOLD, st.sampled_from([2.0, 10.0, 1000.0]))
@settings(max_examples=25, deadline=None)
def test_features_tell_no_size_but_in_the_last_column(sold: np.ndarray, times: float) -> None:
    few, many = series(1 + sold), series(times * (1 + sold))
    plain, larger = features(few, trend(few)), features(many, trend(many))
    assert larger[:, :-1] == pytest.approx(plain[:, :-1], abs=1e-4)
    assert larger[:, -1] == pytest.approx(plain[:, -1] + np.log(times), abs=1e-4)


def test_features_of_a_part_are_those_of_the_whole_and_are_numbers() -> None:
    shop, _ = poisson(6, 20)
    whole = dataclasses.replace(shop, orders=np.sqrt(shop.quantity), usual=shop.quantity)
    hidden = np.where(np.arange(20) > 11, np.nan, whole.quantity)
    for one in (whole, dataclasses.replace(whole, quantity=hidden), whole.before(1)):
        shop = trend(one)
        told = features(one, shop, np.ones((6, 2)), seasons=True)
        assert np.isfinite(told).all()
        np.testing.assert_array_equal(
            features(one.of(slice(2, 4)), shop, np.ones((2, 2)), seasons=True), told[2:4]
        )


def test_a_bulk_order_moves_features_less_where_it_is_told_to_be_one() -> None:
    sold = np.full((1, 20), 4.0)
    sold[0, 15] = 400.0
    assert scale(series(sold))[0] == pytest.approx((4 + 396 / 8 + 4 + 396 / 20) / 2)
    assert scale(dataclasses.replace(series(sold), usual=np.full((1, 20), 4.0))).tolist() == [4.0]


def test_a_shops_trend_is_of_one_week_four_and_thirteen_against_longer_ones() -> None:
    weeks = np.full(26, 1.0)
    weeks[-13:], weeks[-4:], weeks[-1] = 4.0, 16.0, 64.0
    # Means of the roots: 8; (8 + 3 * 4) / 4 = 5; (20 + 9 * 2) / 13 = 38 / 13; (38 + 13) / 26.
    expected = np.log([8 / 5, 5 * 13 / 38, 2 * 38 / 51])
    assert trend(series([weeks, weeks])) == pytest.approx(expected)


def test_days_tell_the_weekday_on_which_the_horizon_begins() -> None:
    # The series begin on a Monday: after 9 days a Wednesday follows.
    told = [features(series(np.ones((1, days)), days=1), np.zeros(0))[0] for days in (9, 16, 10)]
    assert (told[0] == 1).sum() and not np.array_equal(told[0], told[2])
    weekday = slice(-8, -1)
    assert told[0][weekday].tolist() == [0, 0, 1, 0, 0, 0, 0] == told[1][weekday].tolist()


def test_rows_hold_what_was_known_at_the_origin_and_what_came_after() -> None:
    sold = np.array([[1, 2, 3, 4, 5, 6, 7.0], [np.nan, np.nan, np.nan, np.nan, 1, 0, 0]])
    rows = Rows.at(series(sold), 4, [Span(2), Span(1, 2), Span(2, 2)], None, False)
    np.testing.assert_equal(rows.totals, [[11.0, 7.0, np.nan]])
    assert rows.items.tolist() == [0]
    other = sold.copy()
    other[0, 4:] = 99
    np.testing.assert_array_equal(Rows.at(series(other), 4, [Span(2)], None, False).features, rows.features)


def test_a_rows_weight_is_its_scale_in_changes_from_week_to_week() -> None:
    sold = series([[1, 3, 1, 3], [np.nan, 5, np.nan, 6], [2, 2, 2, 2]])
    assert change(sold, np.array([4.0, 5.0, 2.0])) == pytest.approx([2.0, 5.0, 2 / 3])


def test_demand_is_of_four_classes() -> None:
    smooth, erratic = [5, 6, 5, 6, 5, 6], [1, 30, 1, 1, 40, 1]
    intermittent, lumpy = [5, 0, 0, 5, 0, 5], [1, 0, 0, 50, 0, 1]
    found = classify(series([smooth, erratic, intermittent, lumpy, [0] * 6]))
    assert [CLASSES[place] for place in found[:4]] == ["smooth", "erratic", "intermittent", "lumpy"]


def test_each_class_follows_whom_it_was_best_to_follow() -> None:
    rng = np.random.default_rng(1)
    classes = np.repeat([0, 1, 3], 300)
    totals = rng.uniform(5, 10, (900, 1))
    right, wrong = totals[..., None], totals[..., None] + 9
    net = np.where(classes[:, None, None] == 1, wrong, right)
    own = np.where(classes[:, None, None] == 1, right, wrong)
    told = totals.copy()
    told[::7] = np.nan
    found = shares(net, own, told, np.ones(900), classes, np.array([0.5]))
    # Of intermittent items there are none: they get what is best for all.
    assert found.tolist() == [[1.0], [0.0], [1.0], [1.0]]
    assert blended(net, own, found[classes]) == pytest.approx(right)


def test_the_pinball_loss_charges_too_little_by_the_level_and_too_much_by_the_rest() -> None:
    loss = pinball(np.array([[[4.0, 8.0]]]), np.array([[6.0]]), np.array([0.5, 0.9]))
    assert loss == pytest.approx(np.array([[(0.5 * 2 + 0.1 * 2) / 2]]))


@pytest.mark.parametrize("law", [stats.uniform(0, 10), stats.expon(scale=4), stats.norm(20, 3)])
def test_a_mean_of_many_quantiles_is_the_distributions(law: stats.rv_continuous) -> None:
    levels = np.linspace(0.001, 0.999, 999)
    assert mean_of(law.ppf(levels), levels) == pytest.approx(law.mean(), rel=0.01)


def test_smoothing_is_that_of_statsmodels() -> None:
    from statsmodels.tsa.holtwinters import SimpleExpSmoothing

    values = np.random.default_rng(2).uniform(5, 9, 20)
    model = SimpleExpSmoothing(values, initialization_method="known", initial_level=values[0])
    fitted = model.fit(smoothing_level=0.3, optimized=False)
    assert smoothed(values, 0.3)[-1] == pytest.approx(fitted.forecast(1)[0])


@given(st.floats(1, 1e6), st.integers(1, 4), st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_a_shop_that_sells_the_same_every_week_will_go_on_to(total: float, periods: int, after: int) -> None:
    totals = np.full(40, total)
    totals[[3, 17]] = np.nan
    assert level(totals, periods, after) == pytest.approx(periods * total)


def test_a_shop_that_grows_by_a_twentieth_a_week_will_go_on_to() -> None:
    totals = 100 * 1.05 ** np.arange(50)
    assert level(totals[:46], 4) == pytest.approx(totals[46:].sum(), rel=0.02)
    assert level(totals[:48], 1, after=1) == pytest.approx(totals[49], rel=0.02)


@pytest.mark.parametrize("totals", [[4.0] * 5, [0.0, 4.0, 4.0], [np.nan, 4.0]])
def test_a_short_history_tells_its_own_mean(totals: list[float]) -> None:
    assert level(np.array(totals), 3) == pytest.approx(12.0)
    assert level(np.full(4, np.nan), 3) == 0


def test_titles_that_share_words_are_alike() -> None:
    titles = ["Red mug", "blue MUG", "green mug", "red lamp", "blue lamp", "green lamp", "", "unheard of"]
    vectors = title_vectors(titles, width=3)
    alike = vectors @ vectors.T
    assert alike[0, 1] > alike[0, 4] and alike[3, 4] > alike[3, 1]
    assert np.diag(alike) == pytest.approx([1, 1, 1, 1, 1, 1, 0, 0], abs=1e-6)
    assert vectors.shape == (8, 3) and not title_vectors(["one", "two"]).any()
