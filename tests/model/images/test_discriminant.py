"""What tells things apart: as scikit-learn has it, and whatever the features' scales."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from aisle.model.images import discriminant
from aisle.model.images.discriminant import Discriminant, scores


def _pictures(seed: int, count: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Features of pictures of five things, some of which lie far apart within each thing."""
    draw = np.random.default_rng(seed)
    shown = np.arange(count) % 5
    noise = draw.normal(0, 1, (count, width)) @ draw.normal(0, 1, (width, width))
    return draw.normal(0, 2, (5, width))[shown] + noise, shown


def _found(features: np.ndarray, shown: np.ndarray) -> np.ndarray:
    vectors = Discriminant.learn(features, shown)(tf.constant(features, tf.float32)).numpy()
    return scores(vectors, np.stack([vectors[shown == one].mean(0) for one in range(5)]))


def test_it_is_linear_discriminant_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    features, shown = _pictures(1, 200, 8)
    features = (features - features.mean(0)) / (features.std(0) + 1e-3)
    # scikit-learn shrinks after it brings each feature to one spread within the things: without shrinkage both agree.
    monkeypatch.setattr(discriminant, "SHRINKAGE", 0.0)
    other = LinearDiscriminantAnalysis(solver="lsqr", priors=[0.2] * 5).fit(features, shown)
    ours, theirs = _found(features, shown), other.decision_function(features)
    ours, theirs = (values - values.mean(1, keepdims=True) for values in (ours, theirs))
    assert np.allclose(ours, theirs, atol=1e-2 * np.abs(theirs).max())


@pytest.mark.parametrize("count", [60, 300])
def test_more_features_than_pictures_are_no_trouble(count: int) -> None:
    features, shown = _pictures(2, count, 150)
    assert (_found(features, shown).argmax(1) == shown).mean() > 0.95
    assert np.isfinite(_found(features * 0, shown)).all()


def test_parts_count_alike() -> None:
    features, shown = _pictures(3, 100, 6)
    parts = np.array([0, 0, 0, 0, 0, 1])
    turn = Discriminant.learn(features, shown, parts)
    same = Discriminant.learn(features * [1, 1, 1, 1, 1, 50], shown, parts)
    ours, other = (
        one(tf.constant(values, tf.float32)).numpy()
        for one, values in ((turn, features), (same, features * [1, 1, 1, 1, 1, 50]))
    )
    assert np.allclose(ours @ ours.T, other @ other.T, atol=1e-2 * np.abs(ours @ ours.T).max())
    alone = Discriminant.learn(features, shown)(tf.constant(features, tf.float32)).numpy()
    assert not np.allclose(ours @ ours.T, alone @ alone.T, rtol=0.05)
