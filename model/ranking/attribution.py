"""Which numbers a feature head's logit comes from: integrated gradients."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from aisle.model.ranking.numbers import Ensemble, FeatureHead

_STEPS = 32


def integrated_gradients(
    function: Callable[[tf.Tensor], tf.Tensor], values: tf.Tensor, steps: int = _STEPS
) -> tf.Tensor:
    """What each value adds to a function on the straight way from all zeros.

    Sundararajan, Taly and Yan, Axiomatic Attribution for Deep Networks, ICML 2017; the integral by the midpoint rule.

    Args:
        function: float32 [n, d] to float32 [n], each row by itself.
        values: float32 [n, d].
        steps: of the integral.

    Returns:
        float32 [n, d]; a row's sum is about function(values) less function(zeros).

    Example:
        >>> values = tf.constant([[1.0, 2.0]])
        >>> added = integrated_gradients(lambda rows: rows[:, 0] + 3.0 * rows[:, 1], values)
        >>> added.numpy().astype(float).round(3).tolist()
        [[1.0, 6.0]]
    """

    def add(step: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        point = values * ((tf.cast(step, tf.float32) + 0.5) / steps)
        with tf.GradientTape() as tape:
            tape.watch(point)
            result = function(point)
        return step + 1, total + tape.gradient(result, point)

    start = (tf.constant(0), tf.zeros_like(values))
    _, total = tf.while_loop(lambda step, _: step < steps, add, start)
    return values * total / steps


def feature_parts(ensemble: Ensemble, features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Splits the heads' logit of a click over their numbers.

    Args:
        ensemble: the heads.
        features: float32 [n, F], NaN where unknown.

    Returns:
        The logit of nothing known, float32 [n]; what each number adds to it, float32 [n, F]; and the small rest that
        the numerical integral leaves, float32 [n]. They sum to the logit.
    """
    start, parts = (
        tf.add_n(split) / len(split) for split in zip(*_of_heads(ensemble, features), strict=True)
    )
    logit = ensemble(features)[:, 0]
    return start, parts, logit - start - tf.reduce_sum(parts, 1)


def _of_heads(ensemble: Ensemble, features: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor]]:
    return [_of_head(head, features) for head in ensemble.heads]


def _of_head(head: FeatureHead, features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The logit of nothing known [n], and what each number adds [n, F]."""

    def click(encoded: tf.Tensor) -> tf.Tensor:
        return head.read(encoded)[:, 0]

    encoded = head.encode(features)
    added = integrated_gradients(click, encoded)
    count = features.shape[1]
    # A number is encoded by its bins and by whether it is known.
    bins, known = added[:, :-count], added[:, -count:]
    by_number = tf.reshape(bins, [-1, count, bins.shape[1] // count])
    return click(tf.zeros_like(encoded)), tf.reduce_sum(by_number, 2) + known
