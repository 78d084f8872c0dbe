"""Calibration: what it fits, what it never changes."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.model.ranking.calibration import AS_IT_IS, fit_platt, fit_weight, platt

LOGIT = np.log(3.0)  # Of 3 in 4.


def test_two_scores_are_moved_to_the_rates_observed() -> None:
    # 3/4 was said of what happened 6 times in 10, 1/4 of what happened 2 times in 10; log odds ±log 3.
    odds = np.repeat([LOGIT, -LOGIT], 100_000)
    observed = np.concatenate(
        [np.repeat([1.0, 0.0], [60_000, 40_000]), np.repeat([1.0, 0.0], [20_000, 80_000])]
    )
    scale, shift = fit_platt(odds, observed)
    high, low = np.log(0.6 / 0.4), np.log(0.2 / 0.8)
    assert scale == pytest.approx((high - low) / (2 * LOGIT), abs=1e-3)
    assert shift == pytest.approx((high + low) / 2, abs=1e-3)
    found = platt(tf.constant([LOGIT, -LOGIT], tf.float32), tf.constant([[scale, shift]] * 2, tf.float32))
    np.testing.assert_allclose(found, [0.6, 0.2], atol=1e-3)


def test_a_calibrated_score_stays_as_it_is() -> None:
    scale, shift = fit_platt(np.array([0.0, 0.0]), np.array([1.0, 0.0]))
    assert (scale, shift) == pytest.approx(AS_IT_IS)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(-60, 60), st.floats(0, 1)), min_size=1, max_size=20))
def test_whatever_is_observed_the_order_stays_and_the_numbers_are_finite(
    rows: list[tuple[float, float]],
) -> None:
    scale, shift = fit_platt(*np.array(rows).T)
    assert scale > 0
    assert np.isfinite([scale, shift]).all()


def test_the_weight_is_the_one_that_made_the_choices() -> None:
    rng = np.random.default_rng(3)
    odds, more = rng.normal(size=(2, 4000, 20))
    utility = (
        odds + 0.5 * more + rng.gumbel(size=odds.shape)
    )  # Whose greatest is a draw of the conditional logit.
    good = (utility == utility.max(1, keepdims=True)).ravel()
    asked = np.repeat(np.arange(4000), 20)
    assert fit_weight(asked, odds.ravel(), more.ravel(), good) == pytest.approx(0.5, abs=0.06)


def test_what_says_nothing_weighs_nothing() -> None:
    rng = np.random.default_rng(4)
    odds, noise = rng.normal(size=(2, 300, 20))
    good = (odds + rng.gumbel(size=odds.shape)).argmax(1)[:, None] == np.arange(20)
    asked = np.repeat(np.arange(300), 20)
    assert fit_weight(asked, odds.ravel(), noise.ravel(), good.ravel()) == 0.0
    assert fit_weight(asked, odds.ravel(), np.ones(odds.size), good.ravel()) == 0.0
