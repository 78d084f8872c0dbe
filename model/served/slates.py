"""Slates: the best items of a list in an order whose top is not all alike."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.sources import vector_sources
from aisle.model.retrieval.tower import Tower
from aisle.model.served.ranked import Ranked

POOL = 100
"""How many of the best items of a list are put in another order; what follows keeps its own."""
_SMALLEST = 1e-12
"""The least that a score or what is left of a vector counts: logarithms stay finite."""
_BEHIND = -1e30
"""Of what may not be moved: behind all that may, in its own order."""


class _Drawn(NamedTuple):
    """Where the greedy choice stands: `order` int32 [b, t] so far, `factors` of the Cholesky decomposition float32
    [b, m, t], what is `left` of each candidate's unit variance float32 [b, m], and which are still `open`, bool [b, m]."""

    order: tf.Tensor
    factors: tf.Tensor
    left: tf.Tensor
    open: tf.Tensor


class Slates(tf.Module):
    """Trades the scores of a list against how little its items are alike.

    A determinantal point process whose greedy maximum a posteriori is found by Cholesky updates (Chen, Zhang and Zhou, NeurIPS
    2018): each place goes to the item with the largest `(1 - diversity) log score + diversity log left`, where `left` is the
    share of the item's vector that the items above it don't explain: 1 of the first, 0 of one that is there already. Logarithms
    of both, so that a shop whose scores are ten times as small is traded alike. The first k places are the same for every
    longer list.

    The vectors are those of all sources that have any, texts and who took what, of equal weight.

    Example:
        >>> slates = Slates(bundle.retriever.tower, diversity=0.9)
        >>> mug, mugs, shoe = (bundle.retriever.items.lookup(tf.constant(name)).numpy() for name in ("mug", "mugs", "shoe"))
        >>> rows, _ = slates.first(tf.constant([[mug, mugs, shoe]]), tf.constant([[0.5, 0.4, 0.3]]), tf.constant(3))
        >>> rows.numpy().tolist() == [[mug, shoe, mugs]]
        True
    """

    def __init__(self, tower: Tower, diversity: float) -> None:
        """Reads no tables: they are the tower's.

        Args:
            tower: a loaded TwoTowerModule.
            diversity: 0 is the order of the scores, 1 goes by the vectors alone behind the first item.
        """
        super().__init__()
        self._tables = [getattr(tower, source.items) for source in vector_sources()]
        self._diversity = diversity

    def of(self, ranked: Ranked, k: tf.Tensor) -> Ranked:
        """The first k of what is ranked, or as many as there are, in the new order; k is int32 []."""
        most = tf.shape(ranked.scores)[1]
        rows, scores = ranked.best(tf.clip_by_value(k, tf.minimum(POOL, most), most))
        rows, scores = self.first(rows, scores, tf.clip_by_value(k, 0, most))
        return Ranked(scores, rows >= 0, rows)

    def first(self, rows: tf.Tensor, scores: tf.Tensor, k: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The first k of a list in the new order.

        Args:
            rows: items, best first, int32 [b, n]; -1 is an empty place.
            scores: of them, float32 [b, n]. The order of what scores below 0 (what the head didn't rank, what isn't due)
                is an order alone: it stays behind.
            k: int32 [], at most n.

        Returns:
            Rows [b, k], and the scores of their places [b, k]: they fall as they did, whoever has the place.
        """
        pool, following = rows[:, :POOL], rows[:, POOL:]
        movable = (pool >= 0) & (scores[:, :POOL] >= 0)
        relevance = tf.math.log(tf.maximum(scores[:, :POOL], _SMALLEST))
        order = self._order(self._vectors(pool), relevance, movable, tf.minimum(k, tf.shape(pool)[1]))
        chosen = tf.gather(pool, order, batch_dims=1)
        return tf.concat([chosen, following], 1)[:, :k], scores[:, :k]

    def _vectors(self, rows: tf.Tensor) -> tf.Tensor:
        """Vectors whose products are the mean cosine of all sources: int32 [b, m] to float32 [b, m, d]; 0 of no item."""
        known = tf.maximum(rows, 0)
        unit = [tf.math.l2_normalize(tf.gather(table, known), -1) for table in self._tables]
        there = tf.cast(rows >= 0, tf.float32)[:, :, None]
        return tf.concat(unit, -1) * there / np.sqrt(len(unit))

    def _order(self, vectors: tf.Tensor, relevance: tf.Tensor, movable: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
        """Places in the pool, chosen one after the other: int32 [b, k]; vectors [b, m, d], relevance, movable [b, m]."""
        wanted = (1.0 - self._diversity) * relevance

        def choose(now: _Drawn) -> tuple[_Drawn]:
            gain = wanted + self._diversity * tf.math.log(tf.maximum(now.left, _SMALLEST))
            gain = tf.where(now.open, tf.where(movable, gain, _BEHIND), -np.inf)
            place = tf.argmax(gain, 1, output_type=tf.int32)

            def of(table: tf.Tensor) -> tf.Tensor:
                return tf.gather(table, place, batch_dims=1)

            alike = tf.linalg.matvec(vectors, of(vectors)) - tf.linalg.matvec(now.factors, of(now.factors))
            factor = alike * tf.math.rsqrt(tf.maximum(of(now.left), _SMALLEST))[:, None]
            chosen = tf.one_hot(place, tf.shape(relevance)[1], True, False, dtype=tf.bool)
            drawn = _Drawn(
                tf.concat([now.order, place[:, None]], 1),
                tf.concat([now.factors, factor[:, :, None]], 2),
                now.left - tf.square(factor),
                now.open & ~chosen,
            )
            return (drawn,)

        batch, many = tf.shape(relevance)[0], tf.shape(relevance)[1]
        begun = _Drawn(
            tf.zeros([batch, 0], tf.int32),
            tf.zeros([batch, many, 0]),
            tf.ones_like(relevance),
            tf.ones_like(movable),
        )
        grown = _Drawn(
            tf.TensorShape([None, None]),
            tf.TensorShape([None, None, None]),
            relevance.shape,
            movable.shape,
        )
        (done,) = tf.while_loop(
            lambda now: tf.shape(now.order)[1] < k, choose, (begun,), shape_invariants=(grown,)
        )
        return done.order
