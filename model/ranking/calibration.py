"""What validation makes of log odds: the weight of what counts beside them, and probabilities that happen as often as they say."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from aisle.model.gain import Floats, Gain, ndcg_of

AS_IT_IS = (1.0, 0.0)
"""The scale and shift that change nothing."""
_LEAST_SCALE = 1e-3
_LEAST_SHARE = 0.1
"""What log odds count at least beside what is added to them, whose weight would else grow without end."""
_STEPS, _TOLERANCE = 50, 1e-9


def fit_weight(
    question: npt.NDArray[np.int64], odds: Floats, more: Floats, good: npt.NDArray[np.bool_]
) -> float:
    """By what weight something added to log odds orders candidates best; 0 where it isn't surely better than nothing.

    The choice among each question's candidates by both (conditional logit: McFadden 1974) gives the weight; each half of the
    questions is ordered by the weight of the other half, to judge it.

    Args:
        question: of each candidate, from 0, [n].
        odds: log odds, [n].
        more: what may be added, [n].
        good: whether it was taken, [n].

    Example:
        >>> asked, good = np.repeat(np.arange(80), 2), np.tile([True, False], 80)
        >>> odds, more = np.tile([-0.1, 0.1], 80), np.where(asked % 5 > 0, good, ~good).astype(float)
        >>> fit_weight(asked, odds, more, good) > 0.2, fit_weight(asked, odds, -more, good)
        (True, 0.0)
    """
    scale = float(more.std())
    if not scale > 0:
        return 0.0
    design = np.stack([odds, more / scale], 1)
    even = question % 2 == 0
    by = np.zeros(len(question))
    for half in (even, ~even):
        by[half] = _conditional_logit(question[~half], design[~half], good[~half])
    both = ndcg_of(question, odds + by * design[:, 1], good)
    gain = Gain.of("beside", both, ndcg_of(question, odds, good))
    weight = _conditional_logit(question, design, good) if gain.on else 0.0
    return weight / scale


def _conditional_logit(question: npt.NDArray[np.int64], design: Floats, good: npt.NDArray[np.bool_]) -> float:
    """What the second column counts beside the first, at least 0: [n, 2] to one number, under a normal prior of 1 and 0."""
    count = int(question.max(initial=-1)) + 1
    share = good / np.maximum(np.bincount(question, good, count), 1.0)[question]
    some = (np.bincount(question, good, count) > 0)[question]
    line = np.array(AS_IT_IS)
    for _ in range(_STEPS):
        fitted = design @ line
        best = np.full(count, -np.inf)
        np.maximum.at(best, question, fitted)
        chance = np.exp(fitted - best[question])
        chance = some * chance / np.bincount(question, chance, count).clip(1e-300)[question]
        mean = np.stack([np.bincount(question, chance * column, count) for column in design.T], 1)
        slope = design.T @ (chance - share) + line - np.array(AS_IT_IS)
        curve = (design * chance[:, None]).T @ design - mean.T @ mean + np.eye(2)
        step = np.linalg.solve(curve, slope)
        step *= min(1.0, 1.0 / np.abs(step).max(initial=1e-12))
        line -= step
        if np.abs(step).max() < _TOLERANCE:
            break
    return max(float(line[1]), 0.0) / max(float(line[0]), _LEAST_SHARE)


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
