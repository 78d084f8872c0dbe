"""What users took, and what goes with it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.co_occurrence import PAST_DECAY
from aisle.model.retrieval.state import COUNTS, HALF_LIVES, SAME_ORDER_DAYS, USER_NUMBERS, Neighbours, State
from aisle.model.stored import stored
from aisle.schema.features import HISTORY_LENGTH

NEVER = 1000.0
"""The age, in days, of what never was."""


@dataclasses.dataclass(frozen=True)
class Asking:
    """The users of a batch, with the histories that they bring.

    Attributes:
        user: their rows, 0 for the unknown, int32 [b].
        given: item rows of the history that each brings, -1 pads in front, int32 [b, HISTORY_LENGTH].
        brings: whether each brings a history, which takes the place of the known one, bool [b].
    """

    user: tf.Tensor
    given: tf.Tensor
    brings: tf.Tensor


@dataclasses.dataclass(frozen=True)
class _Pairs:
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


class Taken(tf.Module):
    """The users' histories, and every item's scores by what they took."""

    def __init__(self, state: State, items: tf.lookup.StaticHashTable) -> None:
        """Makes the graph's tensors.

        Args:
            state: as of the moment the questions are asked.
            items: row of each item id, -1 for others.
        """
        super().__init__()
        self._items = items
        self._count = len(state.item_numbers)
        names = tf.constant(["", *state.users])
        users = tf.lookup.KeyValueTensorInitializer(names, tf.range(len(state.users) + 1))
        self._users = tf.lookup.StaticHashTable(users, 0)
        self._countries = tf.constant(["", *state.countries])
        self._splits = _row_splits(state.splits)
        self._history = stored(state.history, tf.int32)
        self._age = stored(state.age)
        self._weight = stored(state.weight)
        self._typical_age = tf.constant(state.typical_age)
        self._taken_splits = _row_splits(state.taken_splits)
        self._taken = stored(state.taken, tf.int32)
        self._counts = stored(state.counts)
        self._ages = stored(state.ages)
        self._user_numbers = stored(state.user_numbers)
        self._ease, self._ease_decayed = _neighbours(state.ease), _neighbours(state.ease_decayed)
        self._transitions = _neighbours(state.transitions)
        self._users_cosine, self._baskets = _neighbours(state.users_cosine), _neighbours(state.baskets)

    def asking(self, user_id: tf.Tensor, history: tf.Tensor) -> Asking:
        """Looks up who asks: string [b], and string [b, h], where "" pads."""
        rows = self._items.lookup(history)
        ragged = tf.ragged.boolean_mask(rows, rows >= 0)[:, -HISTORY_LENGTH:]
        given = tf.reverse(ragged[:, ::-1].to_tensor(-1, shape=[None, HISTORY_LENGTH]), [1])
        return Asking(self._users.lookup(user_id), given, tf.reduce_any(history != "", axis=1))

    def countries(self, asking: Asking) -> tf.Tensor:
        """The country of each, "" where it isn't known: string [b]."""
        return tf.gather(self._countries, asking.user)

    def histories(self, asking: Asking) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Item rows (-1 pads), ages in days and weights, [b, HISTORY_LENGTH], latest last."""

        def known(values: tf.Tensor, default: Any) -> tf.Tensor:
            ragged = tf.RaggedTensor.from_row_splits(values, self._splits, validate=False)
            return tf.reverse(
                tf.gather(ragged, asking.user)[:, ::-1].to_tensor(default, shape=[None, HISTORY_LENGTH]), [1]
            )

        brings = asking.brings[:, None]
        age = tf.broadcast_to(self._typical_age[::-1][None], tf.shape(asking.given))
        return (
            tf.where(brings, asking.given, known(self._history, -1)),
            tf.where(brings, age, known(self._age, 0.0)),
            tf.where(brings, tf.ones_like(age), known(self._weight, 0.0)),
        )

    def scores(self, asking: Asking) -> dict[str, tf.Tensor]:
        """What was taken, and what goes with it: float32 [b, n] by name."""
        taken, batch = self._pairs(asking), tf.shape(asking.user)[0]
        cells = batch * self._count
        segment = taken.owner * self._count + taken.item
        shape = [batch, self._count]
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
        return scores | self._spread_all(taken, once, batch)

    def numbers(self, asking: Asking, count: tf.Tensor) -> tf.Tensor:
        """USER_NUMBERS of each, those of a typical user where they are unknown.

        `user_items` is counted instead where a history is brought, or the user is unknown.

        Args:
            asking: who.
            count: the score `count`, float32 [b, n].

        Returns:
            float32 [b, U].
        """
        known = tf.gather(self._user_numbers, asking.user)
        items = tf.reduce_sum(tf.cast(count > 0, tf.float32), 1)
        columns = tf.unstack(known, axis=1)
        place = USER_NUMBERS.index("user_items")
        columns[place] = tf.where(asking.brings | (asking.user == 0), items, columns[place])
        return tf.stack(columns, 1)

    def _pairs(self, asking: Asking) -> _Pairs:
        """What each user is known to have taken, or was said to have."""
        places = tf.range(tf.shape(self._taken)[0])
        ragged = tf.RaggedTensor.from_row_splits(places, self._taken_splits, validate=False)
        known = tf.gather(ragged, tf.where(asking.brings, 0, asking.user))
        there = (asking.given >= 0) & asking.brings[:, None]
        owner, place = tf.unstack(tf.cast(tf.where(there), tf.int32), axis=1)
        age = tf.gather(self._typical_age[::-1], place)
        latest = tf.cast(age <= self._typical_age[0] + SAME_ORDER_DAYS, tf.float32)
        decayed = [tf.math.pow(0.5, age / half_life) for half_life in HALF_LIVES]
        since = tf.math.pow(PAST_DECAY, tf.cast(HISTORY_LENGTH - 1 - place, tf.float32))
        counts = tf.stack([tf.ones_like(age), *decayed, since, latest], 1)
        return _Pairs(
            tf.concat([tf.cast(known.value_rowids(), tf.int32), owner], 0),
            tf.concat([tf.gather(self._taken, known.values), tf.boolean_mask(asking.given, there)], 0),
            tf.concat([tf.gather(self._counts, known.values), counts], 0),
            tf.concat([tf.gather(self._ages, known.values), tf.stack([age, age], 1)], 0),
        )

    def _spread_all(self, taken: _Pairs, once: tf.Tensor, batch: tf.Tensor) -> dict[str, tf.Tensor]:
        """What goes with what was taken, by each table of neighbours; `once` [t] counts an item once."""
        decayed, orders, latest = (
            taken.counts[:, COUNTS.index(name)] for name in ("repeat_60", "repeat_orders", "latest_order")
        )
        scores = {}
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
        self, near: tuple[tf.Tensor, tf.Tensor], taken: _Pairs, worth: list[tf.Tensor], batch: tf.Tensor
    ) -> list[tf.Tensor]:
        """Sums over what was taken the weights of its neighbours, times each of `worth` [t]: [b, n]."""
        items, weights = (tf.gather(part, taken.item) for part in near)
        values = weights[:, :, None] * tf.stack(worth, 1)[:, None, :]
        segment = taken.owner[:, None] * self._count + items
        flat = tf.math.unsorted_segment_sum(
            tf.reshape(values, [-1, len(worth)]), tf.reshape(segment, [-1]), batch * self._count
        )
        return [tf.reshape(flat[:, n], [batch, self._count]) for n in range(len(worth))]


def _row_splits(splits: np.ndarray) -> tf.Tensor:
    """Row splits with an empty row in front, for users that are unknown."""
    return tf.constant(np.concatenate([[0], splits]), tf.int64)


def _neighbours(near: Neighbours) -> tuple[tf.Variable, tf.Variable]:
    return stored(near.items, tf.int32), stored(near.weights)
