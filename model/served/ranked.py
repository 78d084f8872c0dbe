"""Items in an order, and which of them are answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

_LEAD = 1e-3
"""Of an item that leads, above the best other one."""


@dataclasses.dataclass(frozen=True)
class Ranked:
    """Items of a batch of questions, by score.

    Example:
        >>> ranked = Ranked(tf.constant([[0.2, -3.0, 0.7]]), tf.constant([[True, True, False]]))
        >>> rows, values = ranked.best(3)
        >>> rows.numpy().tolist(), values.numpy().tolist()
        ([[0, 1, -1]], [[0.20000000298023224, -3.0, -inf]])

    Attributes:
        scores: the higher the better, of any sign, float32 [b, m].
        there: which of them are answers at all, bool [b, m].
        rows: their item rows, int32 [b, m]; None where they are the catalogue's own, m = n.
    """

    scores: tf.Tensor
    there: tf.Tensor
    rows: tf.Tensor | None = None

    def best(self, depth: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The best items, and their scores: int32 [b, depth], -1 where there is none, and float32 [b, depth], -inf."""
        top = tf.math.top_k(tf.where(self.there, self.scores, -np.inf), depth)
        rows = top.indices if self.rows is None else tf.gather(self.rows, top.indices, batch_dims=1)
        return tf.where(tf.math.is_finite(top.values), rows, -1), top.values

    def followed_by(self, scores: tf.Tensor, there: tf.Tensor) -> Ranked:
        """Behind all that is there, what else is, by `scores`: float32 and bool [b, n]."""
        lowest = tf.reduce_min(tf.where(self.there, self.scores, np.inf), 1)[:, None]
        lowest = tf.where(tf.math.is_finite(lowest), lowest, 0.0)
        behind = lowest - 1.0 - tf.reduce_max(scores, 1)[:, None] + scores
        return Ranked(tf.where(self.there, self.scores, behind), self.there | there, self.rows)

    def with_last(self, last: tf.Tensor) -> Ranked:
        """Behind all others some of what is there, in their order: bool [b, m]."""
        return Ranked(self.scores, self.there & ~last, self.rows).followed_by(self.scores, self.there)

    def led_by(self, first: tf.Tensor) -> Ranked:
        """Before all others some of the items, bool [b, n], a little above the best other one."""
        above = tf.reduce_max(tf.where(self.there, self.scores, -np.inf), 1)[:, None]
        above = tf.where(tf.math.is_finite(above), above, 0.0) + _LEAD
        return Ranked(tf.where(first, above, self.scores), self.there | first)

    def with_first(self, depth: int, score: Callable[[tf.Tensor], tf.Tensor]) -> Ranked:
        """The catalogue's best `depth` by another score, before all others: int32 [b, depth] to float32 of 0 or more.

        They have that score, so that a probability stays one; the others go below 0, in their order.
        """
        rows, values = self.best(depth)
        there = rows >= 0
        known = tf.maximum(rows, 0)
        best = tf.reduce_max(values, 1)[:, None]
        below = self.scores - tf.where(tf.math.is_finite(best), best, 0.0)
        lifted = tf.where(there, score(known) - tf.gather(below, known, batch_dims=1), 0.0)
        owner = tf.broadcast_to(tf.range(tf.shape(rows)[0])[:, None], tf.shape(rows))
        places = tf.reshape(tf.stack([owner, known], -1), [-1, 2])
        return Ranked(tf.tensor_scatter_nd_add(below, places, tf.reshape(lifted, [-1])), self.there)

    def otherwise(self, whether: tf.Tensor, other: Ranked) -> Ranked:
        """This where `whether`, bool [b, 1], else the other."""
        return Ranked(
            tf.where(whether, self.scores, other.scores), tf.where(whether, self.there, other.there)
        )
