"""Probabilities that happen as often as they say."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

AS_IT_IS = (1.0, 0.0)
"""The scale and shift that change nothing."""
_LEAST_SCALE = 1e-3
_STEPS, _TOLERANCE = 50, 1e-9


def platt(odds: tf.Tensor, line: tf.Tensor) -> tf.Tensor:
    """Calibrated probabilities: log odds float32 [n], scale and shift of each float32 [n, 2], to [n]."""
    return tf.math.sigmoid(line[:, 0] * odds + line[:, 1])


def fit_platt(odds: np.ndarray, observed: np.ndarray) -> tuple[float, float]:
    """The scale and shift of the log odds under which what was observed is likeliest (Platt 1999).

    A normal prior of variance 1 keeps them at 1 and 0 where there is little to learn from, and the scale stays
    above 0: the order of the scores never changes.

    Args:
        odds: log odds, [n].
        observed: 0 to 1, [n].

    Example:
        >>> odds, bought = np.full(1000, 2.0), np.array([1.0, 0.0] * 500)  # Foretold 88 of 100, happened 50.
        >>> line = fit_platt(odds, bought)
        >>> round(float(platt(tf.constant([2.0]), tf.constant([line]))[0]), 2)
        0.5
    """
    design = np.stack([np.asarray(odds, np.float64), np.ones(len(odds))], 1)
    prior = np.array(AS_IT_IS)

    def loss(line: np.ndarray) -> float:
        fitted = design @ line
        return float((np.logaddexp(0.0, fitted) - observed * fitted).sum() + ((line - prior) ** 2).sum() / 2)

    line = prior.copy()
    for _ in range(_STEPS):
        now = 1 / (1 + np.exp(-(design @ line)))
        slope = design.T @ (now - observed) + line - prior
        curve = (design * (now * (1 - now))[:, None]).T @ design + np.eye(2)
        step = np.linalg.solve(curve, slope)
        # Newton's step, halved until it is one down.
        while loss(line - step) > loss(line) + _TOLERANCE:
            step /= 2
        line -= step
        if np.abs(step).max() < _TOLERANCE:
            break
    return max(float(line[0]), _LEAST_SCALE), float(line[1])
