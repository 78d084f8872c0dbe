"""Candidates and their features, from every source, in one graph used offline and served."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from aisle.model.co_occurrence import PAST_DECAY
from aisle.model.index import Asked, ExactIndex, Index, nearest_by_sum
from aisle.model.lexical import TextSearch
from aisle.model.state import (
    COUNTS,
    HALF_LIVES,
    ITEM_NUMBERS,
    SAME_ORDER_DAYS,
    USER_NUMBERS,
    Neighbours,
    State,
)
from aisle.schema.features import CANDIDATE_FEATURES, HISTORY_LENGTH

_RRF = 60.0
"""Reciprocal rank fusion's constant (Cormack et al., SIGIR 2009)."""
NEW_DAYS = 28.0
"""An item that was first taken at most so long ago is new."""
NEVER = 1000.0
"""The age, in days, of what never was."""


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
SEARCH_SOURCES = (Source("dense", 100, 1.0, signed=True), Source("lexical", 100, 0.7))


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


@dataclasses.dataclass(frozen=True)
class _Taken:
    """What the users of a batch took, flat: a pair may come more than once.

    Attributes:
        owner: row of the batch, [t].
        item: row of the catalogue, [t].
        counts: COUNTS, float32 [t, C].
        ages: days since the latest and the first time, float32 [t, 2].
    """

    owner: tf.Tensor
    item: tf.Tensor
    counts: tf.Tensor
    ages: tf.Tensor


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
        self.item_ids = _stored(tower.item_ids.numpy(), tf.string)
        keys = tf.lookup.KeyValueTensorInitializer(
            tower.item_ids.numpy(), tf.range(self.count, dtype=tf.int32)
        )
        self.items = tf.lookup.StaticHashTable(keys, -1)
        names = tf.constant(["", *state.users])
        users = tf.lookup.KeyValueTensorInitializer(names, tf.range(len(state.users) + 1))
        self._users = tf.lookup.StaticHashTable(users, 0)
        self._countries = tf.constant(["", *state.countries])
        self._splits = _row_splits(state.splits)
        self._history = _stored(state.history, tf.int32)
        self._age = _stored(state.age)
        self._weight = _stored(state.weight)
        self._typical_age = tf.constant(state.typical_age)
        self._taken_splits = _row_splits(state.taken_splits)
        self._taken = _stored(state.taken, tf.int32)
        self._counts = _stored(state.counts)
        self._ages = _stored(state.ages)
        self._user_numbers = _stored(state.user_numbers)
        price = np.log1p(np.nan_to_num(prices)).astype(np.float32)
        self._item_numbers = {
            **{name: _stored(state.item_numbers[:, n]) for n, name in enumerate(ITEM_NUMBERS)},
            "price_level": _stored(price),
        }
        new = state.item_numbers[:, ITEM_NUMBERS.index("item_first")] <= NEW_DAYS
        self._new = _stored(np.where(new, state.item_numbers[:, ITEM_NUMBERS.index("popularity_7")], 0.0))
        self._ease, self._ease_decayed = _neighbours(state.ease), _neighbours(state.ease_decayed)
        self._transitions = _neighbours(state.transitions)
        self._users_cosine, self._baskets = _neighbours(state.users_cosine), _neighbours(state.baskets)

    def context(self, query: tf.Tensor, user_id: tf.Tensor, history: tf.Tensor) -> Context:
        """Looks histories up and scores every item.

        Args:
            query: as typed, string [b]; "" is none.
            user_id: string [b].
            history: string [b, h]; a row without an item takes the known history.
        """
        user = self._users.lookup(user_id)
        given = self._given(history)
        asked = tf.reduce_any(history != "", axis=1)
        rows, age, weight = self._histories(user, given, asked)
        query = self._text.read(query)
        text = self.tower.embed_text(query)
        names = tf.where(rows >= 0, tf.gather(self.item_ids, tf.maximum(rows, 0)), "")
        country = tf.gather(self._countries, user)
        vector = self.tower.embed_query(user_id, country, text, names, age, weight)
        vectors = {"two_tower": vector, "dense": text}
        batch = tf.shape(query)[0]
        scores = {
            **self._taken_scores(self._take(user, given, asked), batch),
            "lexical": self._text.scores(query),
            "popularity": self._everywhere(self._item_numbers["popularity"], batch),
            "popularity_28": self._everywhere(self._item_numbers["popularity_28"], batch),
            "new": self._everywhere(self._new, batch),
        }
        dense = {name: index.ask(vectors[name]) for name, index in self.indexes.items()}
        return Context(query, rows, scores, dense, vectors, self._user(user, asked, scores["count"]))

    def fuse(self, context: Context, sources: tuple[Source, ...], exclude: tf.Tensor) -> tf.Tensor:
        """Merges the sources by reciprocal rank: float32 [b, n], 0 where no source has the item.

        Args:
            context: of `context`.
            sources: what to merge.
            exclude: bool [b, n], items no source may give.
        """
        total = tf.zeros_like(context.scores["count"])
        for source in sources:
            rows, scores = self._top(context, source, exclude)
            share = source.weight / (_RRF + tf.range(rows.shape[1], dtype=tf.float32))
            share = tf.where(scores > (-1e30 if source.signed else 1e-6), share[None], 0.0)
            total += self._scatter(rows, share)
        return total

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

    def lookup_users(self, user_id: tf.Tensor) -> tf.Tensor:
        """Row of each known user, 0 for others: string [b] to int32 [b]."""
        return self._users.lookup(user_id)

    def _given(self, history: tf.Tensor) -> tf.Tensor:
        """Item rows of a history that the caller gave, the latest last, -1 pads in front: [b, H]."""
        rows = self.items.lookup(history)
        ragged = tf.ragged.boolean_mask(rows, rows >= 0)[:, -HISTORY_LENGTH:]
        return tf.reverse(ragged[:, ::-1].to_tensor(-1, shape=[None, HISTORY_LENGTH]), [1])

    def _histories(
        self, user: tf.Tensor, given: tf.Tensor, asked: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Item rows (-1 pads), ages and weights, [b, HISTORY_LENGTH], latest last."""

        def known(values: tf.Tensor, default: Any) -> tf.Tensor:
            ragged = tf.RaggedTensor.from_row_splits(values, self._splits, validate=False)
            return tf.reverse(
                tf.gather(ragged, user)[:, ::-1].to_tensor(default, shape=[None, HISTORY_LENGTH]), [1]
            )

        asked = asked[:, None]
        age = self._given_age(given)
        return (
            tf.where(asked, given, known(self._history, -1)),
            tf.where(asked, age, known(self._age, 0.0)),
            tf.where(asked, tf.ones_like(age), known(self._weight, 0.0)),
        )

    def _given_age(self, given: tf.Tensor) -> tf.Tensor:
        return tf.broadcast_to(self._typical_age[::-1][None], tf.shape(given))

    def _take(self, user: tf.Tensor, given: tf.Tensor, asked: tf.Tensor) -> _Taken:
        """What each user is known to have taken, or was said to have: `user` [b], `given` [b, H]."""
        places = tf.range(tf.shape(self._taken)[0])
        ragged = tf.RaggedTensor.from_row_splits(places, self._taken_splits, validate=False)
        known = tf.gather(ragged, tf.where(asked, 0, user))
        there = (given >= 0) & asked[:, None]
        owner, place = tf.unstack(tf.cast(tf.where(there), tf.int32), axis=1)
        age = tf.gather(self._typical_age[::-1], place)
        latest = tf.cast(age <= self._typical_age[0] + SAME_ORDER_DAYS, tf.float32)
        decayed = [tf.math.pow(0.5, age / half_life) for half_life in HALF_LIVES]
        since = tf.math.pow(PAST_DECAY, tf.cast(HISTORY_LENGTH - 1 - place, tf.float32))
        counts = tf.stack([tf.ones_like(age), *decayed, since, latest], 1)
        return _Taken(
            tf.concat([tf.cast(known.value_rowids(), tf.int32), owner], 0),
            tf.concat([tf.gather(self._taken, known.values), tf.boolean_mask(given, there)], 0),
            tf.concat([tf.gather(self._counts, known.values), counts], 0),
            tf.concat([tf.gather(self._ages, known.values), tf.stack([age, age], 1)], 0),
        )

    def _taken_scores(self, taken: _Taken, batch: tf.Tensor) -> dict[str, tf.Tensor]:
        """What was taken, and what goes with it: float32 [b, n] by name."""
        cells = batch * self.count
        segment = taken.owner * self.count + taken.item
        shape = [batch, self.count]
        counts = tf.math.unsorted_segment_sum(taken.counts, segment, cells)
        scores = {name: tf.reshape(counts[:, n], shape) for n, name in enumerate(COUNTS)}
        last = tf.math.unsorted_segment_min(taken.ages[:, 0], segment, cells)
        first = tf.math.unsorted_segment_max(taken.ages[:, 1], segment, cells)
        never = scores["count"] <= 0
        scores["last"] = tf.where(never, NEVER, tf.reshape(last, shape))
        scores["first"] = tf.where(never, NEVER, tf.reshape(first, shape))
        # A pair that comes several times (an item twice in a given history) is one.
        times = tf.math.unsorted_segment_sum(tf.ones_like(taken.ages[:, 0]), segment, cells)
        once = 1.0 / tf.gather(times, segment)
        decayed, orders, latest = (
            taken.counts[:, COUNTS.index(name)] for name in ("repeat_60", "repeat_orders", "latest_order")
        )
        scores["ease"], scores["ease_recent"], scores["ease_orders"] = self._spread(
            self._ease, taken, [once, decayed, orders], batch
        )
        (scores["transitions"],) = self._spread(self._transitions, taken, [orders], batch)
        (scores["ease_decayed"],) = self._spread(self._ease_decayed, taken, [decayed], batch)
        (scores["users_cosine"],) = self._spread(self._users_cosine, taken, [decayed], batch)
        scores["baskets"], scores["latest_basket"] = self._spread(
            self._baskets, taken, [decayed, latest], batch
        )
        return scores

    def _spread(
        self, near: tuple[tf.Tensor, tf.Tensor], taken: _Taken, worth: list[tf.Tensor], batch: tf.Tensor
    ) -> list[tf.Tensor]:
        """Sums over what was taken the weights of its neighbours, times each of `worth` [t]: [b, n]."""
        items, weights = (tf.gather(part, taken.item) for part in near)
        values = weights[:, :, None] * tf.stack(worth, 1)[:, None, :]
        segment = taken.owner[:, None] * self.count + items
        flat = tf.math.unsorted_segment_sum(
            tf.reshape(values, [-1, len(worth)]), tf.reshape(segment, [-1]), batch * self.count
        )
        return [tf.reshape(flat[:, n], [batch, self.count]) for n in range(len(worth))]

    def _user(self, user: tf.Tensor, asked: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        """USER_NUMBERS of each, those of a typical user where they are unknown: [b, U]."""
        known = tf.gather(self._user_numbers, user)
        items = tf.reduce_sum(tf.cast(count > 0, tf.float32), 1)
        columns = tf.unstack(known, axis=1)
        place = USER_NUMBERS.index("user_items")
        columns[place] = tf.where(asked | (user == 0), items, columns[place])
        return tf.stack(columns, 1)

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
    *("users_cosine", "baskets", "latest_basket"),
)
_LOGGED = (
    *("count", "last", "first", "gap", "item_last", "item_first"),
    *("user_orders", "user_orders_60", "user_items", "user_basket", "user_last", "user_first"),
)
"""Long-tailed numbers, of which the head reads the logarithm."""


def _row_splits(splits: np.ndarray) -> tf.Tensor:
    """Row splits with an empty row in front, for users that are unknown."""
    return tf.constant(np.concatenate([[0], splits]), tf.int64)


def _stored(values: np.ndarray, dtype: tf.DType = tf.float32) -> tf.Variable:
    """A tensor that is saved with the weights: the graph itself, one protocol buffer, can't grow beyond 2 GB."""
    return tf.Variable(tf.constant(values, dtype), trainable=False)


def _neighbours(near: Neighbours) -> tuple[tf.Variable, tf.Variable]:
    return _stored(near.items, tf.int32), _stored(near.weights)
