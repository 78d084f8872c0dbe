"""What was done with an item a moment ago, kind by kind: numbers that the ranking head reads."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.recent.events import Recent
from aisle.schema.events import weights

JUST_NOW = tuple(f"just_{kind}" for kind in weights())
"""Days since the latest recent event of each kind on the item."""


def just_now(recent: Recent, rows: tf.Tensor) -> dict[str, tf.Tensor]:
    """JUST_NOW of candidates; of what was done with an item in one visit its strongest kind alone.

    Args:
        recent: of b questions.
        rows: candidates, int32 [b, m].

    Returns:
        By name, float32 [b, m], NaN where nothing of the kind was done.

    Example:
        >>> one = lambda values, dtype=tf.float32: tf.constant([values], dtype)
        >>> item, since, latest = one([2, 7], tf.int32), one([0, 0], tf.int32), one([True, True], tf.bool)
        >>> recent = Recent(item, one([0.5, 0.25]), one([0.2, 1.0]), since, latest, tf.constant([1]), tf.zeros(1))
        >>> [float(values[0, 0]) for values in just_now(recent, tf.constant([[7]])).values()]
        [nan, nan, 0.25]
    """
    same = rows[:, :, None] == recent.item[:, None]
    ages = {
        kind: tf.reduce_min(
            tf.where(same & (recent.weight == weight)[:, None], recent.age[:, None], np.inf), 2
        )
        for kind, weight in weights().items()
    }
    return {f"just_{kind}": tf.where(tf.math.is_finite(age), age, np.nan) for kind, age in ages.items()}
