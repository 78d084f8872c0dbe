"""The measures of the click benchmark, by hand."""

from __future__ import annotations

import importlib
import types

import numpy as np
import pytest

PAGE = np.array([0, 0, 0, 1, 1])
TRUTH = np.array([0.9, 0.1, 0.5, 0.2, 0.2])
SCORES = np.array([0.3, 0.8, 0.5, 0.7, 0.1])


@pytest.fixture
def measures() -> types.ModuleType:
    return importlib.import_module("benchmarks.clicks.measures")


def test_auc_is_the_share_of_pairs_in_order_and_ties_count_half(measures: types.ModuleType) -> None:
    scores, labels = np.array([0.9, 0.5, 0.5, 0.1]), np.array([1.0, 1.0, 0.0, 0.0])
    assert measures.auc(scores, labels) == pytest.approx(3.5 / 4)
    # The second zero counted twice, as a bootstrap draws it: 5.5 of 6 pairs.
    assert measures.auc(scores, labels, np.array([1.0, 1.0, 1.0, 2.0])) == pytest.approx(5.5 / 6)


def test_auc_of_probabilities_is_that_of_as_many_rows_as_they_say(measures: types.ModuleType) -> None:
    scores, chance = np.array([0.2, 0.7]), np.array([0.25, 0.75])
    rows, labels = np.repeat(scores, 4), np.array([1, 0, 0, 0, 1, 1, 1, 0], float)
    assert measures.auc(scores, chance) == pytest.approx(measures.auc(rows, labels))


def test_log_loss_of_a_probability_is_the_expected_one(measures: types.ModuleType) -> None:
    found = measures.log_loss(np.array([0.25, 0.5]), np.array([1.0, 0.25]))
    np.testing.assert_allclose(found, [np.log(4), np.log(2)])


def test_calibration_error_weighs_the_bins_by_what_is_in_them(measures: types.ModuleType) -> None:
    predicted, observed = np.array([0.9, 0.1, 0.1, 0.9]), np.array([0.0, 0.0, 1.0, 1.0])
    assert measures.expected_calibration_error(predicted, observed, bins=2) == pytest.approx(0.4)
    assert measures.expected_calibration_error(np.array([0.5, 0.5]), np.array([1.0, 0.0]), bins=1) == 0


def test_a_click_over_its_propensity_tells_how_often_a_look_becomes_one(measures: types.ModuleType) -> None:
    # Shown ten times where half look, clicked twice: 2 / 0.5 of 10.
    targets = np.repeat([2.0, 0.0], [2, 8])
    assert measures.Platt.fit(np.full(10, 0.5), targets)(np.array([0.5])) == pytest.approx(0.4, abs=1e-4)


def test_a_pages_ndcg_has_the_true_probabilities_as_gains(measures: types.ModuleType) -> None:
    discounts = 1 / np.log2([2, 3, 4])
    first = (np.array([0.1, 0.5, 0.9]) @ discounts) / (np.array([0.9, 0.5, 0.1]) @ discounts)
    np.testing.assert_allclose(measures.page_ndcg(SCORES, TRUTH, PAGE), [first, 1.0])


def test_a_pages_rank_correlation_is_undefined_where_all_is_alike(measures: types.ModuleType) -> None:
    np.testing.assert_allclose(measures.page_spearman(SCORES, TRUTH, PAGE), [-1.0, np.nan])


def test_a_model_gains_nothing_on_itself(measures: types.ModuleType) -> None:
    labels = np.array([1.0, 0.0, 0.0, 0.0, 1.0])
    assert measures.auc_gain_interval(SCORES, SCORES, labels, PAGE, resamples=20) == (0.0, 0.0)
    np.testing.assert_allclose(measures.page_means(labels, PAGE), [1 / 3, 0.5])
