"""Integrated gradients, against functions whose integral is known."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.ranking.attribution import feature_parts, integrated_gradients
from aisle.model.ranking.numbers import Ensemble, FeatureHead


def test_of_a_linear_function_each_value_adds_its_weight_times_itself() -> None:
    weight, values = np.array([2.0, -3.0, 0.5]), np.array([[1.0, 2.0, 0.0], [-4.0, 0.5, 8.0]])
    found = integrated_gradients(
        lambda x: tf.linalg.matvec(x, tf.constant(weight, tf.float32)) + 9.0, tf.constant(values, tf.float32)
    )
    np.testing.assert_allclose(found, weight * values, rtol=1e-5)


def test_of_a_product_both_share_equally_and_a_square_is_its_own() -> None:
    # The integral of t * y * x over t is x * y / 2; of 2 * t * z * z it is z squared.
    values = tf.constant([[3.0, 4.0, 5.0]])
    found = integrated_gradients(lambda x: x[:, 0] * x[:, 1] + x[:, 2] ** 2, values)
    np.testing.assert_allclose(found, [[6.0, 6.0, 25.0]], rtol=1e-5)


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    tf.keras.utils.set_random_seed(4)
    edges = np.array([[0.0, 1.0, 3.0], [-1.0, 0.0, 1.0], [2.0, 2.0, 2.0]])
    made = Ensemble([FeatureHead(edges, width=6) for _ in range(2)])
    made(tf.zeros([1, 3]))
    for weight in made.trainable_variables:
        weight.assign(tf.random.stateless_normal(weight.shape, [1, len(weight.shape)]))
    return made


def test_the_parts_of_the_numbers_and_the_rest_are_the_logit(ensemble: Ensemble) -> None:
    features = tf.constant([[0.4, 0.2, 2.0], [2.0, np.nan, np.nan], [np.nan] * 3])
    start, parts, rest = (found.numpy() for found in feature_parts(ensemble, features))
    np.testing.assert_allclose(start + parts.sum(1) + rest, ensemble(features)[:, 0], atol=1e-5)
    assert np.abs(rest).max() < 0.02
    # What is unknown adds nothing, and nothing known is where all start.
    assert not parts[np.isnan(features)].any()
    assert np.abs(parts[~np.isnan(features)]).min() > 0
    np.testing.assert_allclose(start, np.repeat(ensemble(features)[2, 0], 3), atol=1e-6)


def test_the_parts_of_a_linear_head_are_its_weights_times_the_encoded_number() -> None:
    head = FeatureHead(np.array([[0.0, 1.0, 3.0], [0.0, 10.0, 20.0]]))
    head._layers, head._out = [], tf.keras.layers.Dense(2)
    head(tf.zeros([1, 2]))
    # Two bins of each number, then whether each is known.
    weight = np.array([1.0, 10.0, 100.0, 1000.0, 0.25, 0.5])
    head._out.set_weights([np.stack([weight, np.zeros(6)], 1), np.array([7.0, 0.0])])
    start, parts, rest = feature_parts(Ensemble([head]), tf.constant([[2.0, 5.0], [0.5, np.nan]]))
    np.testing.assert_allclose(start, [7.0, 7.0])
    np.testing.assert_allclose(parts, [[1 + 10 * 0.5 + 0.25, 100 * 0.5 + 0.5], [0.5 + 0.25, 0.0]], rtol=1e-5)
    np.testing.assert_allclose(rest, [0.0, 0.0], atol=1e-4)
