"""The part of the ranking head that reads numbers, and the loss of both parts."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model import tracing  # noqa: F401  Before anything is traced.
from aisle.model.training.precision import Dense


class FeatureHead(tf.keras.Model):
    """The candidate's numbers alone: what the text has to add to.

    Example:
        >>> head = FeatureHead(edges=np.array([[0.0, 1.0, 3.0]]))
        >>> head.encode(tf.constant([[2.0], [np.nan]])).numpy().tolist()  # Two bins, and whether it is known.
        [[1.0, 0.5, 1.0], [0.0, 0.0, 0.0]]
        >>> head(tf.constant([[2.0], [np.nan]])).shape.as_list()
        [2, 2]

    Attributes:
        edges, width: as given.
    """

    def __init__(
        self, edges: np.ndarray, width: int = 128, dropout: float = 0.1, mixed: bool = False
    ) -> None:
        """Makes the head.

        Args:
            edges: of the bins of each feature, ascending, [F, T + 1]; of `bin_edges`.
            width: of the first hidden layer; the second has half of it.
            dropout: after each.
            mixed: whether it multiplies in bfloat16.
        """
        super().__init__(name="feature_head")
        self.edges, self.width = np.asarray(edges, np.float32), width
        size = np.diff(edges, axis=1)
        self._start = tf.constant(edges[:, :-1], tf.float32)
        self._scale = tf.constant(np.where(size > 0, 1.0 / np.where(size > 0, size, 1.0), 0.0), tf.float32)
        self._layers = [
            layer
            for units in (width, width // 2)
            for layer in (Dense(units, "gelu", mixed), tf.keras.layers.Dropout(dropout))
        ]
        self._out = Dense(2, mixed=mixed)

    def call(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Float32 [n, F], NaN where unknown, to the logits of click and of conversion given the click, [n, 2].

        A number is read by how far it fills each of its bins (piecewise linear encoding: Gorishniy et al.,
        On Embeddings for Numerical Features in Tabular Deep Learning, NeurIPS 2022), an unknown one as none.
        """
        return self.read(self.encode(features), training)

    def encode(self, features: tf.Tensor) -> tf.Tensor:
        """How far each number fills each of its bins, and whether it is known: [n, F] to [n, F * T + F]."""
        known = tf.math.is_finite(features)
        filled = tf.clip_by_value((features[:, :, None] - self._start) * self._scale, 0.0, 1.0)
        filled = tf.where(known[:, :, None], filled, 0.0)
        hidden = tf.reshape(filled, [-1, self._start.shape[0] * self._start.shape[1]])
        return tf.concat([hidden, tf.cast(known, tf.float32)], 1)

    def read(self, encoded: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The logits of what `encode` gave: float32 [n, 2]."""
        hidden = encoded
        for layer in self._layers:
            hidden = layer(hidden, training=training)
        return self._out(hidden)


class Ensemble(tf.keras.Model):
    """Several heads that differ in their random start: the mean of their logits.

    Example:
        >>> one, other = (FeatureHead(np.array([[0.0, 1.0]])) for _ in range(2))
        >>> features = tf.constant([[0.5]])
        >>> mean = (one(features) + other(features)) / 2
        >>> bool(np.allclose(Ensemble([one, other])(features), mean))
        True
    """

    def __init__(self, heads: list[FeatureHead]) -> None:
        super().__init__(name="feature_heads")
        self.heads = heads

    def call(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """As `FeatureHead`."""
        return tf.add_n([head(features, training=training) for head in self.heads]) / len(self.heads)


def bin_edges(features: np.ndarray, bins: int) -> np.ndarray:
    """The quantiles of each feature's known values: [n, F] to [F, bins + 1]; repeated ones make empty bins.

    Example:
        >>> bin_edges(np.array([[0.0], [1.0], [2.0], [8.0], [np.nan]]), bins=2).tolist()
        [[0.0, 1.5, 8.0]]
    """
    shares = np.linspace(0.0, 1.0, bins + 1)
    columns = [column[np.isfinite(column)] for column in features.T]
    edges = [np.quantile(column, shares) if len(column) else np.zeros(bins + 1) for column in columns]
    return np.stack(edges).astype(np.float32)


def probabilities(logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """PCTR and pCTCVR: float32 [n, 2] to two of [n].

    Example:
        >>> [chance.numpy().tolist() for chance in probabilities(tf.zeros([1, 2]))]
        [[0.5], [0.25]]
    """
    click = tf.math.sigmoid(logits[:, 0])
    return click, click * tf.math.sigmoid(logits[:, 1])


def log_odds(logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The log odds of pCTR and of pCTCVR: float32 [n, 2] to two of [n]."""
    log_both = -tf.math.softplus(-logits[:, 0]) - tf.math.softplus(-logits[:, 1])
    return logits[:, 0], log_both - tf.math.log(-tf.math.expm1(tf.minimum(log_both, -1e-7)))


def ranking_loss(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Binary cross-entropy of click and of click and conversion together (ESMM), each where its label is there.

    What was clicked or bought counts by its weight: those of the same worth that were shown where few people
    look were not clicked as often (Joachims et al., WSDM 2017). What was not counts once.

    Args:
        labels: float32 [n, 3], click and conversion, -1 where unknown, and the weight of what was taken.
        logits: float32 [n, 2].

    Returns:
        float32 [n].
    """
    total = tf.zeros_like(logits[:, 0])
    *outcomes, weight = tf.unstack(labels, axis=1)
    for label, probability in zip(outcomes, probabilities(logits), strict=True):
        p = tf.clip_by_value(probability, 1e-6, 1 - 1e-6)
        entropy = -(weight * label * tf.math.log(p) + (1 - label) * tf.math.log(1 - p))
        total += tf.where(label >= 0, entropy, 0.0)
    return total
