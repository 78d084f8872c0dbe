"""What a search finds, and in which order: the served model's reading of queries and titles."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.ranking.inputs import history_titles
from aisle.model.ranking.ranker import Ranker
from aisle.model.retrieval.context import Context
from aisle.model.retrieval.retriever import Retriever
from aisle.model.retrieval.sources import offers
from aisle.model.retrieval.sources.source import Offer
from aisle.model.served import explained_search
from aisle.model.served.ranked import Ranked
from aisle.model.served.word_table import WordTable
from aisle.model.stored import stored

_FILLED = Offer("popularity", 100, 1e-3, signed=True)
"""Behind all that a search finds of a filter's items in a catalogue too large to compare whole."""

_FEEDBACK = 10
"""How many of the best answers of a search others are likened to."""
_ENDS = 1.0
"""Added to the logit of an item whose title ends in the one noun that a query is: what it is, not what it is for."""


class SearchOrder(tf.Module):
    """Finds a query's candidates, and scores candidates by their words and numbers.

    Example:
        >>> order = SearchOrder(bundle.retriever, bundle.ranker, titles=[""] * 10, depth=10)
        >>> query, nobody = tf.constant(["running shoes", ""]), tf.constant(["", ""])
        >>> context = bundle.retriever.context(query, nobody, tf.zeros([2, 0], tf.string))
        >>> rows, _ = order.found(context, exclude=tf.zeros([2, 10], tf.bool)).best(1)
        >>> rows.numpy().tolist()  # The shoe is item 6; nothing is found for an empty query.
        [[6], [-1]]

    Attributes:
        searches: whether the head learnt from searches; else their order is that of the sources.
        reads_history: whether recommendations are scored by titles, too.
    """

    def __init__(self, retriever: Retriever, ranker: Ranker, titles: list[str], depth: int) -> None:
        """Reads the titles.

        Args:
            retriever: what finds candidates.
            ranker: a RankingModule, made or loaded.
            titles: of the catalogue, [n].
            depth: how many candidates are ranked.
        """
        super().__init__()
        self.retriever = retriever
        self.ranker = ranker
        self.searches = bool(ranker.searches.numpy())
        self.reads_history = bool(ranker.reads_history.numpy())
        self._depth = depth
        self._titles = stored(titles, tf.string)
        if self.searches or self.reads_history:
            self._words = WordTable(titles, ranker.read_title)

    def found(self, context: Context, exclude: tf.Tensor) -> Ranked:
        """What the sources of a search find, nothing for an empty query."""
        fused = self.retriever.blend(context, offers("search"), exclude)
        if self.retriever.indexes["dense"].limit < self.retriever.count:
            # An approximate index reads the nearest clusters alone, in which few items may pass a filter.
            few = tf.math.count_nonzero(fused, 1)[:, None] < _FILLED.bound
            filled = self.retriever.fuse(context, (_FILLED,), exclude)
            fused += tf.where(few & tf.reduce_any(exclude, 1)[:, None], filled, 0.0)
        return Ranked(fused, (fused > 0) & (context.query != "")[:, None])

    def titles_of(self, rows: tf.Tensor) -> tf.Tensor:
        """The titles of items: int32 [b, m] to string [b, m]."""
        return tf.gather(self._titles, rows)

    def head(self, context: Context, rows: tf.Tensor) -> tf.Tensor:
        """The whole head's score of each candidate, texts read: int32 [b, m] to float32 [b, m]."""
        return self.ranker.score(context.query, self._logits(context, rows))

    def relevance(self, context: Context, rows: tf.Tensor, there: tf.Tensor) -> tf.Tensor:
        """The score of a search's own candidates, of which `there` were found: two of [b, m] to float32 [b, m]."""
        logits = self._logits(context, rows)
        return self._liked(context, rows, logits, self._best_title(rows, logits, there))

    def relevance_of(self, context: Context, rows: tf.Tensor) -> tf.Tensor:
        """As `relevance`, of items that came without a search, which is made for its best answers."""
        found, there = self._searched(context)
        # At once, so that the query is read once.
        logits = self._logits(context, tf.concat([found, rows], 1))
        first = tf.shape(found)[1]
        return self._liked(
            context, rows, logits[:, first:], self._best_title(found, logits[:, :first], there)
        )

    def explain(self, context: Context, rows: tf.Tensor) -> dict[str, tf.Tensor]:
        """What adds up to `relevance_of`; see the contract's `explain`."""
        titles = tf.gather(self._titles, rows)
        explained = self.ranker.explain_read(context.query, titles, *self._inputs(context, rows))
        found, there = self._searched(context)
        best = self._best_title(found, self._logits(context, found), there)
        line = self.ranker.calibration[1]
        beyond = {"feedback": self._feedback(rows, best), "ends": self._ends(context, rows)}
        return explained_search.as_served(explained, beyond, line)

    def _logits(self, context: Context, rows: tf.Tensor) -> tf.Tensor:
        """The logits of click and of conversion, texts read: int32 [b, m] to float32 [b, m, 2]."""
        return self.ranker.logits(*self._inputs(context, rows))

    def _inputs(self, context: Context, rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """What the head reads of each candidate: vectors of the query and of the titles, and the numbers."""
        query = self.ranker.read_query(context.query, history_titles(context.history, self._titles))
        title = self._words.lookup(rows)
        return (*query, *title, self.retriever.features(context, rows))

    def _liked(self, context: Context, rows: tf.Tensor, logits: tf.Tensor, title: tf.Tensor) -> tf.Tensor:
        """The score of each candidate of a search: float32 [b, m]; `logits` [b, m, 2], `title` of `_best_title`."""
        more = self._feedback(rows, title) + self._ends(context, rows)
        return self.ranker.score(context.query, logits + tf.stack([more, tf.zeros_like(more)], -1))

    def _ends(self, context: Context, rows: tf.Tensor) -> tf.Tensor:
        """What an item gains by being what the query names: int32 [b, m] to float32 [b, m]."""
        return _ENDS * tf.gather(context.scores["ends"], rows, batch_dims=1)

    def _feedback(self, rows: tf.Tensor, title: tf.Tensor) -> tf.Tensor:
        """What an item gains by being like a search's best answers as a whole: int32 [b, m] to float32 [b, m].

        Pseudo-relevance feedback by vectors (Li et al., TOIS 2023, after Rocchio).
        """
        vectors = tf.gather(self.retriever.tower.text_embeddings, rows)
        return tf.einsum("bmd,bd->bm", vectors, title) * self.ranker.feedback

    def _best_title(self, rows: tf.Tensor, logits: tf.Tensor, there: tf.Tensor) -> tf.Tensor:
        """The mean text of the best ten of those candidates that are there: float32 [b, d], unit length."""
        best = tf.math.top_k(tf.where(there, logits[:, :, 0], -np.inf), min(_FEEDBACK, self.retriever.count))
        vectors = tf.gather(self.retriever.tower.text_embeddings, tf.gather(rows, best.indices, batch_dims=1))
        kept = tf.cast(tf.math.is_finite(best.values), tf.float32)[:, :, None]
        return tf.math.l2_normalize(tf.reduce_sum(vectors * kept, 1), -1)

    def _searched(self, context: Context) -> tuple[tf.Tensor, tf.Tensor]:
        """What a search ranks, for items that come without one: rows int32 [b, m], and which are there, bool [b, m]."""
        nothing = tf.zeros_like(context.scores["count"], tf.bool)
        rows, _ = self.found(context, nothing).best(min(self._depth, self.retriever.count))
        return tf.maximum(rows, 0), rows >= 0
