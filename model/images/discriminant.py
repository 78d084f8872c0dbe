"""What tells apart things of which several pictures are known: linear discriminant analysis on many features of few pictures."""

from __future__ import annotations

import numpy as np
import scipy.linalg
import tensorflow as tf
from numpy.typing import NDArray

from aisle.model.stored import stored

Floats = NDArray[np.floating]
SHRINKAGE = 0.3
"""How far the spread within a thing is drawn towards one that is equal in all directions."""
_FLAT = 1e-3
_LEAST = 1e-6


class Discriminant(tf.Module):
    """A linear map to vectors whose inner products say what a picture shows.

    Features are brought to one scale, and those directions count little in which pictures of one thing differ, by light, angle
    or background. What is left are at most as many directions as there are things.

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
        """Args: the features' `mean`, [d], and the map, [d, k]."""
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
        means = _means(values, shown)
        away = (values - means[shown]) / np.sqrt(len(values))
        solved = _solved(away, means)
        # Of the root of the inverse, the part that the things themselves span: all else is the same for each of them.
        among = means @ solved
        among += _LEAST * (np.trace(among) / len(among) + 1) * np.eye(len(among), dtype=np.float32)
        root = scipy.linalg.cholesky(among, lower=True)
        turn = scipy.linalg.solve_triangular(root, solved.T, lower=True).T
        return cls(mean, turn * scale[:, None])

    def __call__(self, features: tf.Tensor) -> tf.Tensor:
        """float32 [n, d] to [n, k], of k things."""
        return tf.matmul(features - self._mean, self._turn)


def scores(vectors: Floats, things: Floats) -> NDArray[np.float32]:
    """What pictures show, by the likelihood of each thing: vectors, [n, m], and the means of the things' own, [k, m], to [n, k]."""
    found = vectors @ things.T - (things**2).sum(1) / 2
    return found.astype(np.float32)


def _means(vectors: Floats, shown: NDArray[np.integer]) -> Floats:
    return np.stack([vectors[shown == one].mean(0) for one in range(shown.max() + 1)])


def _solved(away: Floats, means: Floats) -> Floats:
    """The things' means by the inverse of the spread within things, which is drawn towards one that is equal everywhere.

    Args:
        away: how far each picture lies from the mean of its thing, by the root of their number, [n, d].
        means: [k, d].

    Returns:
        [d, k].
    """
    count, width = away.shape
    level = SHRINKAGE * (float((away**2).sum()) / min(count, width) + _LEAST)
    if width <= count:
        within = (1 - SHRINKAGE) * away.T @ away + level * np.eye(width, dtype=np.float32)
        return np.asarray(scipy.linalg.solve(within, means.T, assume_a="sym"))
    # Woodbury's identity: there are fewer pictures than features.
    within = (1 - SHRINKAGE) * away @ away.T + level * np.eye(count, dtype=np.float32)
    found = scipy.linalg.solve(within, away @ means.T, assume_a="pos")
    return np.asarray((means.T - (1 - SHRINKAGE) * away.T @ found) / level)
