"""What pictures show, learnt by tuning the network: on photos of two colours, which any network can tell apart."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from aisle.model.images.classifier import HELD, PictureClassifier, Tuning
from aisle.model.images.efficientnet import STAGES, EfficientNet
from aisle.model.images.views import Views
from aisle.schema.errors import InputError
from tests.model.images import by_hand

SIDE = 32


def _photos(seed: int, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Noise, in which red prevails in one thing and blue in the other."""
    draw = np.random.default_rng(seed)
    shown = np.arange(count) % 2
    pictures = draw.integers(0, 120, (count, SIDE, SIDE, 3))
    pictures[np.arange(count), :, :, 2 * shown] += 120
    return pictures.astype(np.uint8), shown


@pytest.fixture(scope="module")
def classifier() -> PictureClassifier:
    tuning = Tuning(passes=5, batch=8, rate=1e-3)
    return PictureClassifier.learn(by_hand.random_weights(1), *_photos(1, 32), tuning)


def test_it_tells_apart_what_it_was_shown(classifier: PictureClassifier) -> None:
    pictures, shown = _photos(2, 40)
    assert (classifier(tf.constant(pictures)).numpy().argmax(1) == shown).mean() > 0.9


def test_a_mirror_image_shows_the_same(classifier: PictureClassifier) -> None:
    pictures, _ = _photos(3, 4)
    mirrored = classifier(tf.constant(np.ascontiguousarray(pictures[:, :, ::-1])))
    assert np.allclose(classifier(tf.constant(pictures)), mirrored, atol=1e-3)


def test_early_stages_stay_and_later_ones_learn(classifier: PictureClassifier) -> None:
    before = EfficientNet(by_hand.random_weights(1))
    later = {weight.ref() for weight in before.weights_from(HELD)}
    network = classifier.submodules[0]
    assert isinstance(network, EfficientNet)
    assert len(later) < len(before.trainable_variables)
    for old, new in zip(before.trainable_variables, network.trainable_variables, strict=True):
        assert np.array_equal(old, new) == (old.ref() not in later)


def test_weights_are_those_behind_the_stages_that_are_held() -> None:
    network = EfficientNet(by_hand.random_weights(1))
    everything = len(network.trainable_variables)
    assert len(network.weights_from(0)) == everything - 2  # But for the stem's kernel and bias.
    assert len(network.weights_from(len(STAGES))) == 2
    # The first block has two convolutions, each other one three; each has a kernel and a bias.
    assert len(network.weights_from(1)) == everything - 2 - 4
    assert len(network.weights_from(2)) == everything - 2 - 4 - 12


@pytest.mark.parametrize("shown", [[], [0, 1], [0, 0, 0], [0, -1, 1]])
def test_labels_that_teach_nothing_are_refused(shown: list[int]) -> None:
    with pytest.raises(InputError, match="can't be learnt from"):
        PictureClassifier.learn({}, np.zeros((3, SIDE, SIDE, 3), np.uint8), np.array(shown, np.int64))


@given(st.integers(0, 1000))
def test_views_are_parts_of_the_photo_and_large_enough(seed: int) -> None:
    top, left, bottom, right = Views(seed).boxes(50).T
    assert min(top.min(), left.min(), right.min()) >= 0
    assert max(bottom.max(), left.max(), right.max()) <= 1 + 1e-6
    height, width = bottom - top, np.abs(right - left)
    # At most 4/3 longer than wide: where that doesn't fit, the longer side is cut.
    assert (height * width).min() >= 0.4 * 0.75 and (left > right).any() and (left < right).any()


def test_a_view_is_the_part_that_its_box_says_in_its_light() -> None:
    picture = np.zeros((1, 4, 4, 3), np.uint8)
    picture[0, :, 2:] = 100
    whole, mirrored = [0, 0, 1, 1], [0, 1, 1, 0]
    plain = Views.of(tf.constant(picture), tf.constant([whole], tf.float32), tf.ones([1, 4]))
    assert np.allclose(plain, picture, atol=1e-3)
    other = Views.of(tf.constant(picture), tf.constant([mirrored], tf.float32), tf.constant([[1, 2, 1, 9.0]]))
    assert np.allclose(other[0, 0, 0], [200, 100, 255], atol=1e-3) and np.allclose(other[0, 0, 3], 0)
    flat = Views.of(tf.constant(picture), tf.constant([whole], tf.float32), tf.constant([[0, 1, 1, 1.0]]))
    assert np.allclose(flat, 127)
