"""What the encoder understands of reviews: kernel logistic regression on its states."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from aisle.model.stored import stored
from aisle.model.text.states import PARTS

LANDMARKS = 1_000
_STRENGTH = 10.0
_SHARPNESS = 0.5
"""Of the kernel, of states whose distances are about 1; of 0.5, 1 and 2, and strengths of 3, 10 and 30, the best."""


class Kernel(tf.Module):
    """Logistic regression on the likeness to landmarks, by a Gaussian kernel.

    Source: Williams and Seeger, Using the Nyström Method to Speed Up Kernel Machines, NIPS 2000.

    Example:
        >>> states = np.repeat(np.eye(2 * PARTS)[[0, 1]], 8, 0)
        >>> model = Kernel.learn(states, np.repeat([1, 0], 8))
        >>> (model(tf.constant(states[[0, 8]], tf.float32)).numpy() > 0).tolist()
        [True, False]
    """

    def __init__(
        self, mean: np.ndarray, scale: np.ndarray, landmarks: np.ndarray, weight: np.ndarray, bias: float
    ) -> None:
        """Args: of the states their `mean` and `scale`, [d]; `landmarks`, scaled, [m, d]; the kernel's `weight`, [m]; `bias`."""
        super().__init__()
        self._mean, self._scale = stored(mean), stored(scale)
        self._landmarks, self._weight = stored(landmarks), stored(weight)
        self._bias = tf.constant(bias, tf.float32)

    @classmethod
    def learn(cls, states: np.ndarray, good: np.ndarray, seed: int = 1) -> Kernel:
        """Learns from states, [n, d], of which each has PARTS, and whether each text is good, [n]."""
        mean = states.mean(0)
        parts = (states - mean).reshape(len(states), PARTS, -1)
        spread = np.sqrt((parts**2).mean((0, 2))) + 1e-6
        scale = np.repeat(np.sqrt(_SHARPNESS / states.shape[1]) / spread, states.shape[1] // PARTS)
        scaled = ((states - mean) * scale).astype(np.float32)
        drawn = np.random.default_rng(seed).permutation(len(states))[:LANDMARKS]
        landmarks = np.unique(scaled[drawn], axis=0)
        among = likeness(landmarks, landmarks)
        values, vectors = np.linalg.eigh(among + 1e-6 * np.eye(len(among)))
        root = vectors / np.sqrt(np.maximum(values, 1e-6))
        model = LogisticRegression(C=_STRENGTH, max_iter=300).fit(likeness(scaled, landmarks) @ root, good)
        return cls(mean, scale, landmarks, root @ model.coef_[0], float(model.intercept_[0]))

    def __call__(self, states: tf.Tensor) -> tf.Tensor:
        """Logits: float32 [n, d] to [n]."""
        scaled = (states - self._mean) * self._scale
        across = tf.matmul(scaled, self._landmarks, transpose_b=True)
        far = tf.reduce_sum(scaled**2, 1)[:, None] - 2 * across + tf.reduce_sum(self._landmarks**2, 1)
        return tf.linalg.matvec(tf.exp(-tf.maximum(far, 0.0)), self._weight) + self._bias


def likeness(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The Gaussian kernel of width 1: [n, d] and [m, d] to [n, m]."""
    far = (one**2).sum(1)[:, None] - 2 * one @ other.T + (other**2).sum(1)
    return np.exp(-np.maximum(far, 0))
