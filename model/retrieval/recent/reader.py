"""Which of the recent events count beside what the version knows, and how."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.counts import SAME_ORDER_DAYS
from aisle.model.retrieval.recent.events import Recent, RecentEvents
from aisle.model.retrieval.state import State
from aisle.model.stored import stored
from aisle.schema.events import PURCHASE, weights
from aisle.schema.features import HISTORY_LENGTH

_DAY_SECONDS = 86400.0
_MOST_ELAPSED = 30.0
"""A version is taken to be so many days old at most: its head has learnt from questions of a month, and knows no longer."""
_OLDEST = 3650 * _DAY_SECONDS
_ROUNDED = 2.0**-23
"""An age in float32 is exact to such a share."""


class RecentReader(tf.Module):
    """Reads recent events by what the version knows of the shop.

    Events are counted as the Labeler counts them: those on one item in one visit are one, the strongest. Two visits are apart
    by the pause that the shop's own are (`intervals.visit_gap`).

    Example:
        >>> from aisle.model.retrieval.state import make_state
        >>> took = {"user_id": ["ann"], "session_id": ["s"], "item_id": ["mug"], "timestamp": [0], "weight": [1.0]}
        >>> users = pl.DataFrame({"user_id": ["ann"], "country": ["Norway"]})
        >>> state = make_state(pl.DataFrame(took), users, ["lamp", "mug"], now=60_000_000)
        >>> rows = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["lamp", "mug"], [0, 1]), -1)
        >>> ages = tf.constant([[30.0, 90.0]])  # Of now, two minutes after 1970 began: the second event is learnt.
        >>> kinds = tf.constant([["click", "click"]])
        >>> events = RecentEvents(tf.constant([["mug", "lamp"]]), kinds, ages, tf.constant([120.0], tf.float64))
        >>> RecentReader(state, rows).read(events, known=tf.constant([True])).item.numpy().tolist()
        [[-1, 1]]
    """

    def __init__(self, state: State, items: tf.lookup.StaticHashTable) -> None:
        """Args: `state`: the version's. `items`: row of each item id, -1 for others."""
        super().__init__()
        self._items = items
        kinds = tf.lookup.KeyValueTensorInitializer(list(weights()), list(weights().values()))
        self._kinds = tf.lookup.StaticHashTable(kinds, 0.0)
        self._kept = {name: stored(values, values.dtype) for name, values in _arrays(state).items()}

    def move_to(self, state: State) -> None:
        """Goes to another moment."""
        for name, values in _arrays(state).items():
            self._kept[name].assign(values)

    @property
    def cut_off(self) -> tf.Tensor:
        """The end of what the version has learnt, which is not learnt itself: microseconds UTC, int64 []."""
        return self._kept["now"]

    def read(self, events: RecentEvents, known: tf.Tensor) -> Recent:
        """Looks events up, and leaves out what the version has learnt.

        Args:
            events: as they came.
            known: whether the version knows what each of these users took: only of them has it learnt anything. Bool [b].
        """
        nothing = Recent.nothing(tf.size(known))
        if events.items.shape[1] == 0:
            return nothing
        fields = [field.name for field in dataclasses.fields(Recent)]
        found = tf.cond(
            tf.shape(events.items)[1] > 0,
            lambda: _flat(self._read(events, known)),
            lambda: _flat(nothing),
        )
        return Recent(**dict(zip(fields, found, strict=True)))

    def _read(self, events: RecentEvents, known: tf.Tensor) -> Recent:
        """As `read`, where a batch has any."""
        shape = tf.stack([tf.size(known), tf.shape(events.items)[1]])
        row = tf.broadcast_to(self._items.lookup(events.items), shape)
        weight = tf.broadcast_to(self._kinds.lookup(events.kinds), shape)
        seconds = tf.broadcast_to(tf.where(events.ages > 0, tf.minimum(events.ages, _OLDEST), 0.0), shape)
        since_made = tf.where(
            events.now > 0, events.now - tf.cast(self._kept["now"], tf.float64) / 1e6, np.inf
        )[:, None]
        learnt = tf.cast(seconds, tf.float64) * (1 + _ROUNDED) >= since_made
        there = (row >= 0) & (weight > 0) & ~(learnt & known[:, None])
        # Oldest first, of one age as they came, what doesn't count in front, and no more than a history holds.
        age = tf.where(there, seconds / _DAY_SECONDS, np.inf)[:, ::-1]
        newest = tf.math.top_k(-age, tf.minimum(shape[1], HISTORY_LENGTH)).indices[:, ::-1]
        row, weight, age = (
            tf.gather(values, newest, batch_dims=1) for values in (row[:, ::-1], weight[:, ::-1], age)
        )
        since, visits = self._visits(age)
        there = tf.math.is_finite(age)
        strongest = there & ~_beaten(row, since, weight)
        order = tf.argsort(tf.cast(strongest, tf.int32), 1, stable=True)
        there, row, weight, age, since = (
            tf.gather(values, order, batch_dims=1) for values in (strongest, row, weight, age, since)
        )
        row, age = tf.where(there, row, -1), tf.where(there, age, np.inf)
        in_latest = there & (age <= tf.reduce_min(age, 1)[:, None] + SAME_ORDER_DAYS)
        again = tf.reduce_any(_same(row) & _later(row), 2)
        elapsed = tf.cast(tf.clip_by_value(since_made[:, 0] / _DAY_SECONDS, 0.0, _MOST_ELAPSED), tf.float32)
        older = known & (visits > 0) & tf.math.is_finite(since_made[:, 0])
        return Recent(row, age, weight, since, in_latest & ~again, visits, tf.where(older, elapsed, 0.0))

    def not_due(self, recent: Recent, count: int) -> tf.Tensor:
        """Which items were bought so lately that hardly anybody buys them again yet: bool [b, n]."""
        bought = recent.there & (recent.weight >= PURCHASE.weight)
        item = tf.maximum(recent.item, 0)
        early = bought & (recent.age < tf.gather(self._kept["due"], item))
        batch = tf.shape(recent.item)[0]
        cells = item + tf.range(batch)[:, None] * count
        marks = tf.math.unsorted_segment_sum(
            tf.reshape(tf.cast(early, tf.int32), [-1]), tf.reshape(cells, [-1]), batch * count
        )
        return tf.reshape(marks > 0, [batch, count])

    def _visits(self, age: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """How many visits begin after each event, int32 [b, r], and how many there are, int32 [b].

        Args:
            age: in days, oldest first, infinite of what is no event, float32 [b, r].
        """
        before = tf.pad(age, [[0, 0], [1, 0]], constant_values=np.inf)[:, :-1]
        starts = tf.math.is_finite(age) & (before - age > self._kept["visit_gap"])
        since = tf.cumsum(tf.cast(starts, tf.int32), 1, exclusive=True, reverse=True)
        return since, tf.reduce_sum(tf.cast(starts, tf.int32), 1)


def _flat(recent: Recent) -> tuple[tf.Tensor, ...]:
    return tuple(getattr(recent, field.name) for field in dataclasses.fields(recent))


def _same(values: tf.Tensor) -> tf.Tensor:
    """Whether two of a row are the same: [b, r] to bool [b, r, r]."""
    return values[:, :, None] == values[:, None, :]


def _later(values: tf.Tensor) -> tf.Tensor:
    """Whether the second of two stands behind the first: [b, r] to bool [r, r]."""
    place = tf.range(tf.shape(values)[1])
    return place[None, :] > place[:, None]


def _beaten(row: tf.Tensor, since: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Events that another one on the item in the visit stands for, the strongest, of those the first: bool [b, r]."""
    stronger = weight[:, None, :] > weight[:, :, None]
    first = _same(weight) & tf.transpose(_later(row))
    return tf.reduce_any(_same(row) & _same(since) & (stronger | first), 2)


def _arrays(state: State) -> dict[str, np.ndarray]:
    """What the graph knows of the shop."""
    return {
        "now": np.array(state.now, np.int64),
        "visit_gap": np.array(state.visit_gap, np.float32),
        "due": state.due,
    }
