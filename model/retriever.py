"""Candidates and their features, from every source, in one graph used offline and served."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from aisle.model.lexical import BM25
from aisle.model.state import REPEAT_HALF_LIFE, State
from aisle.model.text import Tokenizer
from aisle.schema.features import CANDIDATE_FEATURES, HISTORY_LENGTH

_RRF = 60.0
"""Reciprocal rank fusion's constant (Cormack et al., SIGIR 2009)."""


@dataclasses.dataclass(frozen=True)
class Source:
    """A source of candidates: the score it ranks by, how many it gives, its weight in the fusion."""

    score: str
    bound: int
    weight: float


RECOMMEND_SOURCES = (
    Source("repeat", 60, 2.0),
    Source("two_tower", 100, 1.0),
    Source("co_purchase", 100, 1.0),
    Source("popularity", 60, 0.3),
)
SEARCH_SOURCES = (Source("dense", 100, 1.0), Source("lexical", 100, 0.7))


@dataclasses.dataclass(frozen=True)
class Context:
    """A batch of queries: text, history by item row (-1 pads) with ages and weights, all [b, …]."""

    query: tf.Tensor
    history: tf.Tensor
    scores: dict[str, tf.Tensor]


class Retriever(tf.Module):
    """Scores the whole catalogue from every source, and picks candidates.

    Exact: every score is a dense [b, n] tensor, right for catalogues up to about 100,000 items.
    """

    def __init__(
        self, tower: Any, tokenizer: Tokenizer, titles: list[str], prices: np.ndarray, state: State
    ) -> None:
        """Makes the graph's constants.

        Args:
            tower: a loaded TwoTowerModule.
            tokenizer: of BERT, for the lexical source.
            titles: of the catalogue, in the tower's order, [n].
            prices: [n], NaN where unknown.
            state: as of the moment the queries are asked.
        """
        super().__init__()
        self.tower = tower
        self.count = len(titles)
        self._bm25 = BM25(tokenizer, titles)
        self.item_ids = tf.constant(tower.item_ids.numpy())
        keys = tf.lookup.KeyValueTensorInitializer(self.item_ids, tf.range(self.count, dtype=tf.int32))
        self.items = tf.lookup.StaticHashTable(keys, -1)
        names = tf.constant(["", *state.users])
        users = tf.lookup.KeyValueTensorInitializer(names, tf.range(len(state.users) + 1))
        self._users = tf.lookup.StaticHashTable(users, 0)
        self._countries = tf.constant(["", *state.countries])
        splits = np.concatenate([[0], state.splits])
        self._splits = tf.constant(splits, tf.int64)
        self._history = tf.constant(state.history, tf.int32)
        self._age = tf.constant(state.age, tf.float32)
        self._weight = tf.constant(state.weight, tf.float32)
        self._typical_age = tf.constant(state.typical_age)
        self._popularity = tf.constant(state.popularity)
        self._neighbours = tf.constant(state.neighbours)
        self._similarity = tf.constant(state.similarity)
        self._price = tf.constant(np.log1p(np.nan_to_num(prices)).astype(np.float32))

    def context(self, query: tf.Tensor, user_id: tf.Tensor, history: tf.Tensor) -> Context:
        """Looks histories up and scores every item.

        Args:
            query: string [b]; "" is none.
            user_id: string [b].
            history: string [b, h]; a row without an item takes the known history.
        """
        rows, age, weight = self._histories(user_id, history)
        text = self.tower.embed_text(query)
        names = tf.where(rows >= 0, tf.gather(self.item_ids, tf.maximum(rows, 0)), "")
        country = tf.gather(self._countries, self._users.lookup(user_id))
        vector = self.tower.embed_query(user_id, country, text, names, age, weight)
        decayed = tf.where(rows >= 0, weight * tf.math.pow(0.5, age / REPEAT_HALF_LIFE), 0.0)
        neighbours = tf.gather(self._neighbours, tf.maximum(rows, 0))
        near = tf.gather(self._similarity, tf.maximum(rows, 0)) * decayed[:, :, None]
        batch = tf.shape(query)[0]
        wide = [batch, -1]
        scores = {
            "two_tower": tf.matmul(vector, self.tower.item_embeddings, transpose_b=True),
            "co_purchase": self._scatter(
                tf.reshape(neighbours, wide), tf.reshape(near, wide), tf.math.unsorted_segment_sum
            ),
            "popularity": tf.tile(self._popularity[None], [batch, 1]),
            "repeat": self._scatter(rows, decayed, tf.math.unsorted_segment_sum),
            "recency": self._scatter(
                rows, tf.where(rows >= 0, 1.0 / (1.0 + age / 7.0), 0.0), tf.math.unsorted_segment_max
            ),
            "lexical": self._bm25(query),
            "dense": tf.matmul(text, self.tower.text_embeddings, transpose_b=True),
            "price_level": tf.tile(self._price[None], [batch, 1]),
        }
        return Context(query, rows, scores)

    def fuse(self, context: Context, sources: tuple[Source, ...], exclude: tf.Tensor) -> tf.Tensor:
        """Merges the sources by reciprocal rank: float32 [b, n], 0 where no source has the item.

        Args:
            context: of `context`.
            sources: what to merge.
            exclude: bool [b, n], items no source may give.
        """
        total = tf.zeros_like(context.scores["two_tower"])
        for source in sources:
            scores = tf.where(exclude, -np.inf, context.scores[source.score])
            bound = min(source.bound, self.count)
            top = tf.math.top_k(scores, bound)
            share = source.weight / (_RRF + tf.range(bound, dtype=tf.float32))
            floor = -1e30 if source.score == "two_tower" else 1e-6
            share = tf.where(top.values > floor, share[None], 0.0)
            total += self._scatter(top.indices, share, tf.math.unsorted_segment_sum)
        return total

    def seen(self, context: Context) -> tf.Tensor:
        """Which items the history holds: bool [b, n]."""
        return context.scores["recency"] > 0

    def features(self, context: Context, rows: tf.Tensor) -> tf.Tensor:
        """The candidates' features, in the order of CANDIDATE_FEATURES: int32 [b, m] to [b, m, F]."""
        columns = [tf.gather(context.scores[f.name], rows, batch_dims=1) for f in CANDIDATE_FEATURES]
        return tf.stack(columns, -1)

    def lookup_users(self, user_id: tf.Tensor) -> tf.Tensor:
        """Row of each known user, 0 for others: string [b] to int32 [b]."""
        return self._users.lookup(user_id)

    def _histories(self, user_id: tf.Tensor, history: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Item rows (-1 pads), ages and weights, [b, HISTORY_LENGTH], latest last."""
        user = self._users.lookup(user_id)

        def known(values: tf.Tensor, default: Any) -> tf.Tensor:
            ragged = tf.RaggedTensor.from_row_splits(values, self._splits, validate=False)
            return tf.reverse(
                tf.gather(ragged, user)[:, ::-1].to_tensor(default, shape=[None, HISTORY_LENGTH]), [1]
            )

        given = self.items.lookup(history)
        ragged = tf.ragged.boolean_mask(given, given >= 0)[:, -HISTORY_LENGTH:]
        rows = tf.reverse(ragged[:, ::-1].to_tensor(-1, shape=[None, HISTORY_LENGTH]), [1])
        asked = tf.reduce_any(history != "", axis=1)[:, None]
        age = tf.broadcast_to(self._typical_age[::-1][None], tf.shape(rows))
        return (
            tf.where(asked, rows, known(self._history, -1)),
            tf.where(asked, age, known(self._age, 0.0)),
            tf.where(asked, tf.ones_like(age), known(self._weight, 0.0)),
        )

    def _scatter(self, rows: tf.Tensor, values: tf.Tensor, combine: Any) -> tf.Tensor:
        """Spreads values over the catalogue: [b, m] at item rows (negative: nowhere) to [b, n]."""
        batch = tf.shape(rows)[0]
        owner = tf.range(batch)[:, None] * self.count
        segment = tf.where(rows >= 0, rows + owner, -1)
        flat = combine(tf.reshape(values, [-1]), tf.reshape(segment, [-1]), batch * self.count)
        return tf.reshape(tf.maximum(flat, 0.0), [batch, self.count])
