"""The ranking head's probabilities and loss, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.ranking.inputs import history_titles
from aisle.model.ranking.numbers import (
    Ensemble,
    FeatureHead,
    bin_edges,
    log_odds,
    probabilities,
    ranking_loss,
)


def test_conversion_is_click_times_conversion_given_the_click() -> None:
    click, both = probabilities(tf.constant([[0.0, 0.0], [np.log(3.0), np.log(4.0)]], tf.float32))
    np.testing.assert_allclose(click, [0.5, 0.75], atol=1e-6)
    np.testing.assert_allclose(both, [0.25, 0.75 * 0.8], atol=1e-6)


def test_a_label_that_is_unknown_costs_nothing() -> None:
    logits = tf.zeros([4, 2])
    labels = tf.constant([[1.0, -1.0, 1.0], [-1.0, 0.0, 1.0], [-1.0, -1.0, 1.0], [0.0, 1.0, 1.0]])
    expected = [-np.log(0.5), -np.log(0.75), 0.0, -np.log(0.5) - np.log(0.25)]
    np.testing.assert_allclose(ranking_loss(labels, logits), expected, atol=1e-5)


def test_what_was_taken_counts_by_its_weight_and_what_was_not_once() -> None:
    labels = tf.constant(
        [[1.0, -1.0, 3.0], [0.0, -1.0, 3.0], [1.0, 1.0, 2.0], [1.0, 0.0, 2.0], [0.5, -1.0, 4.0]]
    )
    half, quarter = -np.log(0.5), -np.log(0.25)
    expected = [3 * half, half, 2 * half + 2 * quarter, 2 * half - np.log(0.75), 2 * half + 0.5 * half]
    np.testing.assert_allclose(ranking_loss(labels, tf.zeros([5, 2])), expected, atol=1e-5)


def test_log_odds_are_those_of_the_probabilities() -> None:
    logits = tf.constant([[0.0, 0.0], [np.log(3.0), np.log(4.0)], [30.0, 30.0], [-40.0, -40.0]], tf.float32)
    click, both = (odds.numpy() for odds in log_odds(logits))
    np.testing.assert_allclose(click, logits[:, 0])
    np.testing.assert_allclose(both[:2], [np.log(1 / 3), np.log(0.6 / 0.4)], atol=1e-5)
    assert both[3] == pytest.approx(-80, rel=1e-5)
    assert np.isfinite(both).all()


def test_a_history_reads_newest_first_and_an_empty_one_is_empty() -> None:
    titles = tf.constant(["mug", "lamp", "sofa"])
    rows = tf.constant([[-1, 0, 2], [-1, -1, -1]])
    assert history_titles(rows, titles).numpy().tolist() == [b"sofa ; mug", b""]


def test_bins_are_cut_at_the_quantiles_of_what_is_known() -> None:
    features = np.array([[0.0, np.nan], [1.0, 5.0], [2.0, np.nan], [3.0, 5.0], [4.0, np.nan]], np.float32)
    assert bin_edges(features, 4).tolist() == [[0, 1, 2, 3, 4], [5, 5, 5, 5, 5]]


def test_the_head_reads_how_far_a_number_fills_each_bin_and_an_unknown_one_as_none() -> None:
    head = FeatureHead(np.array([[0.0, 1.0, 3.0]]), width=4)
    head(tf.zeros([1, 1]))
    read = tf.keras.layers.Dense(3, use_bias=False, activation=None)
    read.build([None, 3])
    read.set_weights([np.eye(3)])
    head._layers, head._out = [read], tf.keras.layers.Lambda(tf.identity)
    found = head(tf.constant([[0.5], [2.0], [9.0], [-1.0], [np.nan]])).numpy().tolist()
    assert found == [[0.5, 0, 1], [1, 0.5, 1], [1, 1, 1], [0, 0, 1], [0, 0, 0]]


def test_an_ensemble_is_the_mean_of_its_heads_logits() -> None:
    heads = [FeatureHead(np.array([[0.0, 1.0]]), width=4) for _ in range(3)]
    features = tf.constant([[0.2], [0.7]])
    expected = np.mean([head(features).numpy() for head in heads], 0)
    np.testing.assert_allclose(Ensemble(heads)(features), expected, rtol=1e-5)
