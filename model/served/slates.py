"""Slates: the best items of a list in an order whose top is not all alike."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.sources import vector_sources
from aisle.model.retrieval.tower import Tower
from aisle.model.served.ranked import Ranked

PLACES = 20
"""How many places are given in another order; the items that are left keep theirs."""
POOL = 100
"""How many of the best items of a list these places go to."""
_SMALLEST, _NOTHING = 1e-12, 1e-6
"""The least that a score, and what is left of a vector, counts: logarithms stay finite, and rounding is not taken for a rest."""
_BEHIND = -1e30
"""Of what may not be moved: behind all that may, in its own order."""


class Slates(tf.Module):
    """Trades the scores of a list against how little its items are alike.

    The greedy maximum a posteriori of a determinantal point process (Chen, Zhang and Zhou, NeurIPS 2018): each place goes to the
    item with the largest `(1 - diversity) log score + diversity log left`, where `left` is the share of the item's vector that
    the items above it don't explain: 1 of the first, 0 of one that is there already. Logarithms of both, so that a shop whose
    scores are ten times as small is traded alike. The first k places are the same for every longer list.

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
        short = [[0, 0], [0, tf.maximum(POOL - tf.shape(rows)[1], 0)]]
        pool = tf.ensure_shape(tf.pad(rows[:, :POOL], short, constant_values=-1), [None, POOL])
        best = tf.pad(scores[:, :POOL], short, constant_values=-np.inf)
        relevance = (1.0 - self._diversity) * tf.math.log(tf.maximum(best, _SMALLEST))
        wanted = tf.where((pool >= 0) & (best >= 0), relevance, _BEHIND)
        order = self._order(self._vectors(pool), wanted)
        chosen = tf.gather(pool, order, batch_dims=1)
        return tf.concat([chosen, rows[:, POOL:]], 1)[:, :k], scores[:, :k]

    def _vectors(self, rows: tf.Tensor) -> tf.Tensor:
        """Vectors whose products are the mean cosine of all sources: int32 [b, m] to float32 [b, m, d]; 0 of no item."""
        known = tf.maximum(rows, 0)
        unit = [tf.math.l2_normalize(tf.gather(table, known), -1) for table in self._tables]
        there = tf.cast(rows >= 0, tf.float32)[:, :, None]
        return tf.concat(unit, -1) * there / np.sqrt(len(unit))

    def _order(self, vectors: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
        """Places in the pool in their new order: float32 [b, m, d] and [b, m] to int32 [b, m].

        What is left of the products of the vectors once an item is chosen is their Schur complement.
        """
        products = tf.matmul(vectors, vectors, transpose_b=True)
        left, chosen = tf.ones_like(wanted), []
        for _ in range(PLACES):
            gain = wanted + self._diversity * tf.math.log(tf.maximum(left, _NOTHING))
            place = tf.argmax(gain, 1, output_type=tf.int32)
            itself = tf.maximum(tf.gather(left, place, batch_dims=1), _NOTHING)
            alike = tf.gather(products, place, batch_dims=1) * tf.math.rsqrt(itself)[:, None]
            left -= tf.square(alike)
            products -= alike[:, :, None] * alike[:, None]
            wanted += tf.one_hot(place, POOL, -np.inf, 0.0)
            chosen.append(place)
        rest = tf.argsort(tf.cast(tf.math.is_inf(wanted), tf.int32), stable=True)[:, : POOL - PLACES]
        return tf.concat([tf.stack(chosen, 1), rest], 1)
