"""Probabilities from scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_STEPS = 50
_PENALTY = 1e-3
_LEAST_SLOPE = 1e-3
"""An order is never turned round."""


def platt(scores: npt.NDArray[np.floating], shares: npt.NDArray[np.floating]) -> tuple[float, float]:
    """The slope and intercept whose sigmoid is nearest to the outcomes by cross-entropy (Platt, 1999).

    Args:
        scores: [n].
        shares: what came of each, 0 to 1, [n].

    Returns:
        Slope (above 0) and intercept; found by Newton's method on standardised scores.
    """
    mean, spread = float(scores.mean()), float(scores.std()) or 1.0
    inputs = np.stack([(scores - mean) / spread, np.ones(len(scores))], 1)
    weights = np.zeros(2)
    for _ in range(_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(inputs @ weights, -30.0, 30.0)))
        gradient = inputs.T @ (p - shares) / len(scores) + _PENALTY * weights
        curvature = (inputs * (p * (1 - p))[:, None]).T @ inputs / len(scores) + _PENALTY * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 1e-8:
            break
    slope = max(float(weights[0]) / spread, _LEAST_SLOPE)
    return slope, float(weights[1]) - slope * mean
