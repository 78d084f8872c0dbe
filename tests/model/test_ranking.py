"""The ranking head's probabilities and loss, worked by hand."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.ranker_inputs import history_titles
from aisle.model.ranking import probabilities, ranking_loss


def test_conversion_is_click_times_conversion_given_the_click() -> None:
    click, both = probabilities(tf.constant([[0.0, 0.0], [np.log(3.0), np.log(4.0)]], tf.float32))
    np.testing.assert_allclose(click, [0.5, 0.75], atol=1e-6)
    np.testing.assert_allclose(both, [0.25, 0.75 * 0.8], atol=1e-6)


def test_a_label_that_is_unknown_costs_nothing() -> None:
    logits = tf.zeros([4, 2])
    labels = tf.constant([[1.0, -1.0], [-1.0, 0.0], [-1.0, -1.0], [0.0, 1.0]])
    expected = [-np.log(0.5), -np.log(0.75), 0.0, -np.log(0.5) - np.log(0.25)]
    np.testing.assert_allclose(ranking_loss(labels, logits), expected, atol=1e-5)


def test_a_history_reads_newest_first_and_an_empty_one_is_empty() -> None:
    titles = tf.constant(["mug", "lamp", "sofa"])
    rows = tf.constant([[-1, 0, 2], [-1, -1, -1]])
    assert history_titles(rows, titles).numpy().tolist() == [b"sofa ; mug", b""]
