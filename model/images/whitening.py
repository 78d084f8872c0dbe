"""Features in which a shop's pictures differ: rotated, scaled to equal spread, and cut to the directions that matter."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from aisle.model.stored import stored

WIDTH = 128
"""Of the vectors, at most."""
_LEAST = 1e-9
_NOISE = 0.01
"""Of the largest spread: directions of less are scaled up less, since a few pictures differ in them by chance."""


class Whitening(tf.Module):
    """A linear map to vectors of length 1 whose parts have equal spread over the pictures that it was learnt from.

    Source: Jégou and Chum, Negative Evidences and Co-occurrences in Image Retrieval: The Benefit of PCA and Whitening, ECCV
    2012.

    Example:
        >>> features = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> vectors = Whitening.learn(features, 2)(tf.constant(features, tf.float32)).numpy()
        >>> np.abs(vectors @ vectors.T).round(3).tolist()[0]
        [1.0, 1.0, 0.0, 0.0]
    """

    def __init__(self, mean: NDArray[np.float32], turn: NDArray[np.float32]) -> None:
        """Args: the features' `mean`, [d], and the map, [d, w]."""
        super().__init__()
        self._mean, self._turn = stored(mean), stored(turn)

    @classmethod
    def learn(cls, features: NDArray[np.floating], width: int = WIDTH) -> Whitening:
        """Learns from features, [n, d]; of few pictures there are fewer directions than `width`."""
        mean = features.mean(0, dtype=np.float64)
        if len(features) < features.shape[1]:
            away = (features - mean) / np.sqrt(len(features))
            values, vectors = np.linalg.eigh(away @ away.T)
            vectors = away.T @ (vectors / np.sqrt(np.maximum(values, values.max() * _LEAST + _LEAST)))
            return cls._of(mean, values, vectors, min(width, max(len(features) - 1, 1)))
        # The covariance, not the features, is taken apart: memory follows d and not n.
        covariance = np.zeros((features.shape[1],) * 2)
        for start in range(0, len(features), 1024):
            part = features[start : start + 1024].astype(np.float64) - mean
            covariance += part.T @ part / len(features)
        values, vectors = np.linalg.eigh(covariance)
        return cls._of(mean, values, vectors, min(width, max(len(features) - 1, 1)))

    @classmethod
    def _of(
        cls, mean: NDArray[np.float64], values: NDArray[np.float64], vectors: NDArray[np.float64], width: int
    ) -> Whitening:
        """The map to the principal components, [d, m], of the largest spreads, [m]."""
        best = np.argsort(-values)[:width]
        turn = vectors[:, best] / np.sqrt(np.maximum(values[best], 0) + _NOISE * max(values.max(), _LEAST))
        return cls(mean.astype(np.float32), turn.astype(np.float32))

    def __call__(self, features: tf.Tensor) -> tf.Tensor:
        """float32 [n, d] to [n, w], of length 1."""
        return tf.math.l2_normalize(tf.matmul(features - self._mean, self._turn), -1)
