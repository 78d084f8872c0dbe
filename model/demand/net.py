"""One network for all items: features of an item to quantiles of its demand over each of several horizons."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

FARTHEST = 5.0
"""Standard deviations from the mean at which a feature is cut off: what lies beyond was hardly ever learnt from."""


@dataclasses.dataclass(frozen=True)
class Training:
    """How the network learns.

    Example:
        >>> Training(epochs=2).epochs
        2

    Attributes:
        width: of both hidden layers.
        epochs: passes over the rows.
        rate: of Adam at the start; it falls to 0 along a half cosine.
        batch: rows of a step.
        dropout: of the features and of the hidden layers.
        seed: of the weights and of the order.
    """

    width: int = 128
    epochs: int = 8
    rate: float = 2e-3
    batch: int = 512
    dropout: float = 0.1
    seed: int = 1


class QuantileNet(tf.Module):
    """Quantiles that don't cross, of several horizons at once.

    The least quantile's root is a softplus, and so is every step up to the next: so none is below 0 or its neighbour. The
    loss is the pinball of Koenker and Bassett (1978), the mean of all levels, of targets divided by the item's scale.

    Example:
        >>> net = QuantileNet(np.zeros((4, 3), "float32"), horizons=2, levels=(0.1, 0.5, 0.9), training=Training())
        >>> net.quantiles(np.zeros((5, 3), "float32")).shape
        (5, 2, 3)

    Args:
        features: float32 [rows, f], from which means and deviations are learnt.
        horizons: how many are forecast.
        levels: of the quantiles, ascending.
        training: how it learns.
    """

    def __init__(
        self, features: np.ndarray, horizons: int, levels: Sequence[float] | np.ndarray, training: Training
    ) -> None:
        super().__init__()
        self._centre, self._spread = features.mean(0), np.maximum(features.std(0), 1e-3)
        self._levels = tf.constant(levels, tf.float32)
        self._shape, self._training = (horizons, len(levels)), training
        tf.random.set_seed(training.seed)
        sizes = (features.shape[1], training.width, training.width, horizons * len(levels))
        self._weights = [
            tf.Variable(tf.random.normal((a, b), stddev=(2 / a) ** 0.5 if b != sizes[-1] else 0.1 * a**-0.5))
            for a, b in zip(sizes, sizes[1:], strict=False)
        ]
        self._biases = [tf.Variable(tf.zeros(b)) for b in sizes[1:-1]]
        # Steps between roots of about 0.05 at first: a quantile function that rises slowly from nearly 0.
        self._biases.append(tf.Variable(tf.fill((sizes[-1],), -2.0)))

    def fit(self, features: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> None:
        """Learns from rows of features [rows, f], scaled targets [rows, horizons] (NaN is unknown), weights [rows]."""
        training, known = self._training, np.isfinite(targets)
        inputs = self._normalised(features)
        outcomes = np.nan_to_num(targets).astype(np.float32)
        shares = (known * (weights / weights.mean())[:, None]).astype(np.float32)
        rng = np.random.default_rng(training.seed)
        steps = training.epochs * max(len(inputs) // training.batch, 1)
        rate = tf.keras.optimizers.schedules.CosineDecay(training.rate, steps)
        optimizer = tf.keras.optimizers.Adam(rate)

        @tf.function(reduce_retracing=True)
        def step(batch: tf.Tensor, outcome: tf.Tensor, share: tf.Tensor) -> None:
            with tf.GradientTape() as tape:
                loss = self._pinball(self._forward(batch, training.dropout), outcome, share)
            variables = self.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

        for _ in range(training.epochs):
            order = rng.permutation(len(inputs))
            for start in range(0, max(len(order) - training.batch + 1, 1), training.batch):
                rows = order[start : start + training.batch]
                step(inputs[rows], outcomes[rows], shares[rows])

    def quantiles(self, features: np.ndarray) -> np.ndarray:
        """Float32 [n, horizons, levels], in units of the item's scale."""
        return self._forward(tf.constant(self._normalised(features)), 0.0).numpy()

    def _normalised(self, features: np.ndarray) -> np.ndarray:
        return ((features - self._centre) / self._spread).clip(-FARTHEST, FARTHEST).astype(np.float32)

    def _forward(self, inputs: tf.Tensor, dropout: float) -> tf.Tensor:
        hidden = inputs
        for weights, biases in zip(self._weights[:-1], self._biases[:-1], strict=True):
            if dropout:
                hidden = tf.nn.dropout(hidden, dropout)
            hidden = tf.nn.relu(hidden @ weights + biases)
        out = tf.reshape(hidden @ self._weights[-1] + self._biases[-1], (-1, *self._shape))
        return tf.cumsum(tf.nn.softplus(out), axis=-1) ** 2

    def _pinball(self, quantiles: tf.Tensor, outcome: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
        over = outcome[..., None] - quantiles
        loss = tf.reduce_mean(tf.maximum(self._levels * over, (self._levels - 1) * over), -1)
        return tf.reduce_mean(loss * share)
