"""Probabilities from scores, against scikit-learn and against what was planted."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from aisle.model.platt import platt


def test_the_sigmoid_is_that_of_a_logistic_regression() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(40.0, 8.0, 4000)
    outcomes = (rng.uniform(size=4000) < 1 / (1 + np.exp(-(0.2 * scores - 9.0)))).astype(float)
    slope, intercept = platt(scores, outcomes)
    theirs = LogisticRegression(C=1e6).fit(scores[:, None], outcomes)
    assert slope == pytest.approx(theirs.coef_[0, 0], rel=0.02)
    assert intercept == pytest.approx(theirs.intercept_[0], rel=0.02)


def test_shares_of_grades_are_met_on_average() -> None:
    scores = np.array([1.0, 1.0, 1.0, 3.0, 3.0, 3.0])
    shares = np.array([0.0, 1 / 3, 2 / 3, 2 / 3, 2 / 3, 1.0])
    slope, intercept = platt(scores, shares)
    expected = [1 / (1 + np.exp(-(slope * score + intercept))) for score in (1.0, 3.0)]
    np.testing.assert_allclose(expected, [1 / 3, 7 / 9], atol=0.01)


def test_an_order_is_never_turned_round_and_equal_scores_are_harmless() -> None:
    assert platt(np.array([0.0, 1.0, 2.0]), np.array([1.0, 0.5, 0.0]))[0] > 0
    assert all(np.isfinite(platt(np.ones(4), np.array([0.0, 1.0, 1.0, 1.0]))))
