"""Candidates and their features, from every source, in one graph used offline and served."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.index import Asked, ExactIndex, Index, nearest_by_sum
from aisle.model.retrieval.state import ITEM_NUMBERS, USER_NUMBERS, State
from aisle.model.retrieval.taken import Taken
from aisle.model.stored import stored
from aisle.model.text.lexical import TextSearch
from aisle.schema.features import CANDIDATE_FEATURES

_RRF = 60.0
"""Reciprocal rank fusion's constant (Cormack et al., SIGIR 2009); the ranks are counted from 0, not 1."""
NEW_DAYS = 28.0
"""An item that was first taken at most so long ago is new."""


@dataclasses.dataclass(frozen=True)
class Source:
    """A source of candidates: the score it ranks by, how many it gives, its weight in the fusion.

    What scores 0 or less is no candidate, unless `signed`.
    """

    score: str
    bound: int
    weight: float
    signed: bool = False


RECOMMEND_SOURCES = (
    Source("repeat_60", 120, 2.0),
    Source("ease_recent", 80, 1.0),
    Source("ease_decayed", 60, 1.0),
    Source("transitions", 60, 1.0),
    Source("baskets", 60, 1.0),
    Source("popularity", 30, 0.3),
    Source("popularity_28", 30, 0.3),
    Source("new", 20, 0.3),
)
"""For whoever has a history. Not the two-tower: it adds nothing to the others' recall (docs/results.md), and its
scores of the windows that it learnt from would mislead the ranking head, which learns from them too."""
COLD_SOURCES = (
    Source("popularity", 100, 1.0),
    Source("two_tower", 100, 0.3, signed=True),
    Source("new", 40, 0.3),
)
"""For whoever has none."""
SEARCH_SOURCES = (Source("dense", 150, 1.0, signed=True), Source("lexical", 100, 0.7))


@dataclasses.dataclass(frozen=True)
class Context:
    """A batch of questions.

    Attributes:
        query: as it was read, string [b].
        history: item rows, -1 pads in front, [b, HISTORY_LENGTH].
        scores: of every item by name, float32 [b, n].
        dense: the indexes of vectors, asked, by the name of their score.
        vectors: what they were asked, float32 [b, d] by the same name.
        user: USER_NUMBERS, float32 [b, U].
    """

    query: tf.Tensor
    history: tf.Tensor
    scores: dict[str, tf.Tensor]
    dense: dict[str, Asked]
    vectors: dict[str, tf.Tensor]
    user: tf.Tensor


class Retriever(tf.Module):
    """Scores the whole catalogue from every source, and picks candidates.

    Attributes:
        indexes: what finds the items near a vector, by the name of the score; exact ones unless others
            are put there before the graph is traced.
    """

    def __init__(self, tower: Any, text: TextSearch, prices: np.ndarray, state: State) -> None:
        """Makes the graph's tensors.

        Args:
            tower: a loaded TwoTowerModule.
            text: of the catalogue in the tower's order, which reads the query and is the lexical source.
            prices: [n], NaN where unknown.
            state: as of the moment the queries are asked.
        """
        super().__init__()
        self.tower = tower
        self.count = len(prices)
        self.indexes: dict[str, Index] = {
            "two_tower": ExactIndex(tower.item_embeddings),
            "dense": ExactIndex(tower.text_embeddings),
        }
        self._text = text
        self.item_ids = stored(tower.item_ids.numpy(), tf.string)
        keys = tf.lookup.KeyValueTensorInitializer(
            tower.item_ids.numpy(), tf.range(self.count, dtype=tf.int32)
        )
        self.items = tf.lookup.StaticHashTable(keys, -1)
        self._taken = Taken(state, self.items)
        price = np.log1p(np.nan_to_num(prices)).astype(np.float32)
        self._item_numbers = {
            **{name: stored(state.item_numbers[:, n]) for n, name in enumerate(ITEM_NUMBERS)},
            "price_level": stored(price),
        }
        new = state.item_numbers[:, ITEM_NUMBERS.index("item_first")] <= NEW_DAYS
        self._new = stored(np.where(new, state.item_numbers[:, ITEM_NUMBERS.index("popularity_7")], 0.0))

    def context(self, query: tf.Tensor, user_id: tf.Tensor, history: tf.Tensor) -> Context:
        """Looks histories up and scores every item.

        Args:
            query: as typed, string [b]; "" is none.
            user_id: string [b].
            history: string [b, h]; a row without an item takes the known history.
        """
        asking = self._taken.asking(user_id, history)
        rows, age, weight = self._taken.histories(asking)
        query = self._text.read(query)
        text = self.tower.embed_text(query)
        names = tf.where(rows >= 0, tf.gather(self.item_ids, tf.maximum(rows, 0)), "")
        country = self._taken.countries(asking)
        vector = self.tower.embed_query(user_id, country, text, names, age, weight)
        vectors = {"two_tower": vector, "dense": text}
        batch = tf.shape(query)[0]
        scores = {
            **self._taken.scores(asking),
            "lexical": self._text.scores(query),
            "popularity": self._everywhere(self._item_numbers["popularity"], batch),
            "popularity_28": self._everywhere(self._item_numbers["popularity_28"], batch),
            "new": self._everywhere(self._new, batch),
        }
        dense = {name: index.ask(vectors[name]) for name, index in self.indexes.items()}
        numbers = self._taken.numbers(asking, scores["count"])
        return Context(query, rows, scores, dense, vectors, numbers)

    def fuse(self, context: Context, sources: tuple[Source, ...], exclude: tf.Tensor) -> tf.Tensor:
        """Merges the sources by weighted reciprocal rank: float32 [b, n], 0 where no source has the item.

        Args:
            context: of `context`.
            sources: what to merge.
            exclude: bool [b, n], items no source may give.
        """
        total = tf.zeros_like(context.scores["count"])
        for source in sources:
            rows, given = self._given(context, source, exclude)
            share = source.weight / (_RRF + tf.range(rows.shape[1], dtype=tf.float32))
            total += self._scatter(rows, tf.where(given, share[None], 0.0))
        return total

    def ranks(self, context: Context, sources: tuple[Source, ...], rows: tf.Tensor) -> tf.Tensor:
        """The place, from 1, at which each source gives each item: int32 [b, m] to int32 [b, m, s], 0 where none."""
        nothing = tf.zeros_like(context.scores["count"], tf.bool)
        found = []
        for source in sources:
            top, given = self._given(context, source, nothing)
            places = tf.where(given, tf.range(1, top.shape[1] + 1)[None], 0)
            same = rows[:, :, None] == top[:, None]
            found.append(tf.reduce_sum(tf.where(same, places[:, None], 0), -1))
        return tf.stack(found, -1)

    @staticmethod
    def shares(sources: tuple[Source, ...], ranks: tf.Tensor) -> tf.Tensor:
        """What each source adds in `fuse` to an item at these `ranks`: int32 to float32 [b, m, s]."""
        weight = tf.constant([source.weight for source in sources])
        return tf.where(ranks > 0, weight / (_RRF - 1.0 + tf.cast(ranks, tf.float32)), 0.0)

    def _given(self, context: Context, source: Source, exclude: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """A source's best items, int32 [b, bound], and which of them are candidates, bool [b, bound]."""
        rows, scores = self._top(context, source, exclude)
        return rows, scores > (-1e30 if source.signed else 1e-6)

    def _top(self, context: Context, source: Source, exclude: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """A source's best items and their scores: int32 and float32 [b, bound]."""
        if source.score in self.indexes:
            bound = min(source.bound, self.indexes[source.score].limit)
            return context.dense[source.score].top(bound, exclude)
        scores = tf.where(exclude, -np.inf, context.scores[source.score])
        top = tf.math.top_k(scores, min(source.bound, self.count))
        return top.indices, top.values

    def candidates(self, context: Context, sources: tuple[Source, ...], exclude: tf.Tensor) -> tf.Tensor:
        """What `sources` give, and what they would give of unseen items alone: float32 [b, n].

        A user's own items would else leave few places to new ones; the head decides between the two.
        """
        unseen = exclude | self.seen(context)
        return self.fuse(context, sources, exclude) + self.fuse(context, sources, unseen)

    def similar(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Items near given ones, themselves too, in the towers' and the titles' vectors: int32 [b].

        Returns:
            Item rows int32 [b, m] and the sum of both cosines, float32 [b, m], -inf where there is none.
        """
        matrices = {"two_tower": self.tower.item_embeddings, "dense": self.tower.text_embeddings}
        asked = [index.ask(tf.gather(matrices[name], rows)) for name, index in self.indexes.items()]
        return nearest_by_sum(asked, tf.zeros([tf.shape(rows)[0], self.count], tf.bool))

    def _near(self, context: Context, rows: tf.Tensor) -> tf.Tensor:
        """What the items with the most alike texts score by `dense`, on average: int32 [b, m] to [b, m].

        One title's wording is a matter of chance, that of ten less so.
        """
        near = tf.gather(self.tower.text_neighbours, rows)
        shape = tf.shape(near)
        found = context.dense["dense"].of(tf.reshape(near, [shape[0], -1]))
        return tf.reduce_mean(tf.reshape(found, shape), -1)

    def seen(self, context: Context) -> tf.Tensor:
        """Which items were taken before: bool [b, n]."""
        return context.scores["count"] > 0

    def features(self, context: Context, rows: tf.Tensor) -> tf.Tensor:
        """The candidates' features, in the order of CANDIDATE_FEATURES: int32 [b, m] to [b, m, F]."""

        def score(name: str) -> tf.Tensor:
            return tf.gather(context.scores[name], rows, batch_dims=1)

        def share(name: str) -> tf.Tensor:
            best = tf.reduce_max(context.scores[name], 1)[:, None]
            return tf.math.divide_no_nan(score(name), tf.maximum(best, 0.0))

        named = {name: score(name) for name in context.scores}
        named |= {name: asked.of(rows) for name, asked in context.dense.items()}
        named["dense_near"] = self._near(context, rows)
        named |= {f"{name}_share": share(name) for name in _SHARED}
        named |= {name: tf.gather(values, rows) for name, values in self._item_numbers.items()}
        one = tf.ones_like(named["count"])
        searched = (context.query != "")[:, None]
        # Only a search is ranked with it; see RECOMMEND_SOURCES.
        named["two_tower"] = tf.where(searched, named["two_tower"], np.nan)
        user = {name: context.user[:, n, None] * one for n, name in enumerate(USER_NUMBERS)}
        count, last, first = named["count"], named["last"], named["first"]
        gap = tf.where(count > 1, (first - last) / tf.maximum(count - 1, 1), 0.0)
        named |= {
            "gap": gap,
            "overdue": tf.where(count > 1, tf.clip_by_value(last / tf.maximum(gap, 1.0), 0.0, 10.0), -1.0),
            "order_share": count / tf.maximum(user["user_orders"], 1.0),
            "searched": tf.cast(searched, tf.float32) * one,
            **user,
        }
        for name in _LOGGED:
            named[name] = tf.math.log1p(named[name])
        return tf.stack([named[feature.name] for feature in CANDIDATE_FEATURES], -1)

    def _everywhere(self, values: tf.Tensor, batch: tf.Tensor) -> tf.Tensor:
        return tf.tile(values[None], [batch, 1])

    def _scatter(self, rows: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        """Adds values up over the catalogue: [b, m] at item rows to [b, n]."""
        batch = tf.shape(rows)[0]
        segment = rows + tf.range(batch)[:, None] * self.count
        flat = tf.math.unsorted_segment_sum(
            tf.reshape(values, [-1]), tf.reshape(segment, [-1]), batch * self.count
        )
        return tf.reshape(flat, [batch, self.count])


_SHARED = (
    *("ease", "ease_recent", "ease_decayed", "ease_orders", "transitions"),
    *("users_cosine", "baskets", "latest_basket", "lexical"),
)
_LOGGED = (
    *("count", "last", "first", "gap", "item_last", "item_first"),
    *("user_orders", "user_orders_60", "user_items", "user_basket", "user_last", "user_first"),
)
"""Long-tailed numbers, of which the head reads the logarithm."""
