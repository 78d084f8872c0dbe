"""What tells apart things of which several pictures are known: linear discriminant analysis on many features of few pictures."""

from __future__ import annotations

import numpy as np
import scipy.linalg
import tensorflow as tf
from numpy.typing import NDArray

from aisle.model.stored import stored

Floats = NDArray[np.floating]
DIRECTIONS = 1_500
"""Of the features' principal components, at most so many are looked at."""
SHRINKAGE = 0.3
"""How far the spread within a thing is drawn towards one that is equal in all directions."""
_FLAT = 1e-3
_LEAST = 1e-6


class Discriminant(tf.Module):
    """A linear map to vectors whose inner products say what a picture shows.

    Features are brought to one scale, turned to their principal components, and scaled so that pictures of one thing have
    equal spread in every direction. What they differ in by light, angle or background counts little then.

    Source: Friedman, Regularized Discriminant Analysis, JASA 1989, with one covariance.

    Example:
        >>> draw = np.random.default_rng(1)
        >>> shown = np.repeat([0, 1], 40)
        >>> pictures = np.stack([shown + draw.normal(0, 0.1, 80), draw.normal(0, 9, 80)], 1)
        >>> vectors = Discriminant.learn(pictures, shown)(tf.constant(pictures, tf.float32)).numpy()
        >>> means = np.stack([vectors[shown == one].mean(0) for one in (0, 1)])
        >>> scores = vectors @ means.T - (means**2).sum(1) / 2
        >>> bool((scores.argmax(1) == shown).all())
        True
    """

    def __init__(self, mean: Floats, turn: Floats) -> None:
        """Args: the features' `mean`, [d], and the map, [d, m]."""
        super().__init__()
        self._mean, self._turn = stored(mean), stored(turn)

    @classmethod
    def learn(
        cls, features: Floats, shown: NDArray[np.integer], parts: NDArray[np.integer] | None = None
    ) -> Discriminant:
        """Learns from pictures.

        Args:
            features: [n, d].
            shown: what each picture shows, whole numbers from 0, [n].
            parts: which part each feature belongs to, [d]: parts count alike, of whatever size they are. None is one part.
        """
        values = np.asarray(features, np.float32)
        mean, scale = values.mean(0), 1 / (values.std(0) + _FLAT)
        if parts is not None:
            scale /= np.sqrt(np.bincount(parts)[parts])
        values = (values - mean) * scale
        turn = _principal(values)
        inside = values @ turn
        spread = inside - _means(inside, shown)[shown]
        within = spread.T @ spread / len(spread)
        level = np.trace(within) / len(within) + _LEAST
        within = (1 - SHRINKAGE) * within + SHRINKAGE * level * np.eye(len(within), dtype=np.float32)
        # Of the inverse's root, any will do: it is the lengths and angles that count.
        root = scipy.linalg.cholesky(within, lower=True)
        turn = scipy.linalg.solve_triangular(root, turn.T, lower=True).T
        return cls(mean, turn * scale[:, None])

    def __call__(self, features: tf.Tensor) -> tf.Tensor:
        """float32 [n, d] to [n, m]."""
        return tf.matmul(features - self._mean, self._turn)


def scores(vectors: Floats, things: Floats) -> NDArray[np.float32]:
    """What pictures show, by the likelihood of each thing: vectors [n, m] and the means of the things' own, [k, m], to [n, k]."""
    found = vectors @ things.T - (things**2).sum(1) / 2
    return found.astype(np.float32)


def _means(vectors: Floats, shown: NDArray[np.integer]) -> Floats:
    return np.stack([vectors[shown == one].mean(0) for one in range(shown.max() + 1)])


def _principal(values: Floats) -> Floats:
    """The principal components of centred features, [n, d] to [d, m], by the smaller of both Gram matrices."""
    count, width = values.shape
    most = max(min(DIRECTIONS, count - 1, width), 1)
    if width <= count:
        _, turn = scipy.linalg.eigh(values.T @ values, subset_by_index=[width - most, width - 1])
        return np.asarray(turn)
    spread, turn = scipy.linalg.eigh(values @ values.T, subset_by_index=[count - most, count - 1])
    return np.asarray(values.T @ (turn / np.sqrt(np.maximum(spread, spread[-1] * _LEAST + _LEAST))))
