"""Recent events that a question brings, in the graph: which of them count, and how, beside what the version knows."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.counts import SAME_ORDER_DAYS
from aisle.model.retrieval.state import State
from aisle.model.stored import stored
from aisle.schema.events import PURCHASE, weights

DAY_SECONDS = 86400.0
MOST_ELAPSED = 30.0
"""A version is taken to be so many days old at most: its head has learnt from questions of a month, and knows no longer."""
_OLDEST = 3650 * DAY_SECONDS
_ROUNDED = 2.0**-23
"""An age in float32 is exact to such a share."""


@dataclasses.dataclass(frozen=True)
class RecentEvents:
    """The contract's inputs of recent events; a single row is every question's.

    Example:
        >>> nobody = RecentEvents.none()
        >>> nobody.items.shape.as_list(), nobody.now.numpy().tolist()
        ([1, 0], [0.0])

    Attributes:
        items: their item ids, string [b, r]; "" and unknown ones are none.
        kinds: names of `aisle.schema.events`, string [b, r]; those that show no liking count nothing.
        ages: seconds before now, float32 [b, r]; below 0, or no number, is 0.
        now: seconds since 1970, float64 [b]; 0 is untold: then all events count, and what the version knows is as old as it
            was when it was made.
    """

    items: tf.Tensor
    kinds: tf.Tensor
    ages: tf.Tensor
    now: tf.Tensor

    @staticmethod
    def none() -> RecentEvents:
        """No event of anybody."""
        empty = tf.zeros([1, 0], tf.string)
        return RecentEvents(empty, empty, tf.zeros([1, 0]), tf.zeros([1], tf.float64))


@dataclasses.dataclass(frozen=True)
class Recent:
    """Recent events as they are counted: one for each item and visit, oldest first, -1 pads in front.

    Example:
        >>> from aisle.model.retrieval.state import make_state
        >>> took = {"user_id": ["ann"], "session_id": ["s"], "item_id": ["mug"], "timestamp": [0], "weight": [1.0]}
        >>> users = pl.DataFrame({"user_id": ["ann"], "country": ["Norway"]})
        >>> state = make_state(pl.DataFrame(took), users, ["lamp", "mug"], now=1)
        >>> rows = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["lamp", "mug"], [0, 1]), -1)
        >>> items, kinds = tf.constant([["mug", "lamp", "lamp"]]), tf.constant([["click", "click", "cart"]])
        >>> events = RecentEvents(items, kinds, tf.constant([[60.0, 50.0, 40.0]]), tf.constant([0.0], tf.float64))
        >>> recent = RecentReader(state, rows).read(events, known=tf.constant([False]))
        >>> recent.item.numpy().tolist(), recent.weight.numpy().round(1).tolist()
        ([[-1, 1, 0]], [[0.0, 0.20000000298023224, 0.5]])

    Attributes:
        item: rows of the catalogue, int32 [b, r].
        age: in days, float32 [b, r].
        weight: of the strongest event on the item in the visit, 0 of pads, float32 [b, r].
        since: how many visits came after it, int32 [b, r].
        latest: whether it stands for its item in the latest order, bool [b, r].
        visits: how many there are, int32 [b].
        elapsed: days by which what the version knows of each has grown older; 0 where it knows nothing, or where there
            is no event, float32 [b].
    """

    item: tf.Tensor
    age: tf.Tensor
    weight: tf.Tensor
    since: tf.Tensor
    latest: tf.Tensor
    visits: tf.Tensor
    elapsed: tf.Tensor

    @property
    def there(self) -> tf.Tensor:
        """Which of them are events: bool [b, r]."""
        return self.item >= 0

    @property
    def any(self) -> tf.Tensor:
        """Who did anything: bool [b]."""
        return self.visits > 0

    @property
    def newest(self) -> tf.Tensor:
        """The age of the newest, infinite where there is none: float32 [b]."""
        return tf.reduce_min(tf.where(self.there, self.age, np.inf), 1)

    @property
    def oldest(self) -> tf.Tensor:
        """The age of the oldest, 0 where there is none: float32 [b]."""
        return tf.reduce_max(tf.where(self.there, self.age, 0.0), 1)


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
        shape = tf.stack([tf.size(known), tf.shape(events.items)[1]])
        row = tf.broadcast_to(self._items.lookup(events.items), shape)
        weight = tf.broadcast_to(self._kinds.lookup(events.kinds), shape)
        seconds = tf.broadcast_to(tf.where(events.ages > 0, tf.minimum(events.ages, _OLDEST), 0.0), shape)
        since_made = tf.where(
            events.now > 0, events.now - tf.cast(self._kept["now"], tf.float64) / 1e6, np.inf
        )[:, None]
        learnt = tf.cast(seconds, tf.float64) * (1 + _ROUNDED) >= since_made
        there = (row >= 0) & (weight > 0) & ~(learnt & known[:, None])
        starts, since = self._visits(seconds, there)
        strongest = there & ~_beaten(row, since, weight, seconds, there)
        order = tf.argsort(tf.where(strongest, seconds, np.inf), 1, "DESCENDING", stable=True)

        def ordered(values: tf.Tensor) -> tf.Tensor:
            return tf.gather(values, order, batch_dims=1)

        there, row, age = (ordered(values) for values in (strongest, row, seconds / DAY_SECONDS))
        newest = tf.reduce_min(tf.where(there, age, np.inf), 1)[:, None]
        in_latest = there & (age <= newest + SAME_ORDER_DAYS)
        place = tf.range(shape[1])
        again = tf.reduce_any(_same(row) & there[:, None, :] & (place[None, :] > place[:, None]), 2)
        elapsed = tf.cast(tf.clip_by_value(since_made[:, 0] / DAY_SECONDS, 0.0, MOST_ELAPSED), tf.float32)
        ages = known & tf.reduce_any(there, 1) & tf.math.is_finite(since_made[:, 0])
        return Recent(
            tf.where(there, row, -1),
            age,
            tf.where(there, ordered(weight), 0.0),
            ordered(since),
            in_latest & ~again,
            tf.reduce_sum(tf.cast(starts, tf.int32), 1),
            tf.where(ages, elapsed, 0.0),
        )

    def not_due(self, recent: Recent, count: int) -> tf.Tensor:
        """Which items were bought so lately that hardly anybody buys them again yet: bool [b, n]."""
        bought = recent.there & (recent.weight >= PURCHASE.weight)
        early = bought & (recent.age < tf.gather(self._kept["due"], tf.maximum(recent.item, 0)))
        batch = tf.shape(recent.item)[0]
        cells = tf.maximum(recent.item, 0) + tf.range(batch)[:, None] * count
        marks = tf.math.unsorted_segment_sum(
            tf.reshape(tf.cast(early, tf.int32), [-1]), tf.reshape(cells, [-1]), batch * count
        )
        return tf.reshape(marks > 0, [batch, count])

    def _visits(self, seconds: tf.Tensor, there: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Which events begin a visit, bool [b, r], and how many visits begin after each, int32 [b, r]."""
        before = _before(seconds)
        pause = seconds[:, None, :] - seconds[:, :, None]
        joined = before & there[:, None, :] & (pause <= self._kept["visit_gap"] * DAY_SECONDS)
        starts = there & ~tf.reduce_any(joined, 2)
        after = tf.linalg.matrix_transpose(before) & starts[:, None, :]
        return starts, tf.reduce_sum(tf.cast(after, tf.int32), 2)


def _before(seconds: tf.Tensor) -> tf.Tensor:
    """Whether the second of two events came before the first, by age and then by place: [b, r] to bool [b, r, r]."""
    older = seconds[:, None, :] > seconds[:, :, None]
    place = tf.range(tf.shape(seconds)[1])
    tied = (seconds[:, None, :] == seconds[:, :, None]) & (place[None, :] < place[:, None])
    return older | tied


def _same(values: tf.Tensor) -> tf.Tensor:
    """Whether two of a row are the same: [b, r] to bool [b, r, r]."""
    return values[:, :, None] == values[:, None, :]


def _beaten(
    row: tf.Tensor, since: tf.Tensor, weight: tf.Tensor, seconds: tf.Tensor, there: tf.Tensor
) -> tf.Tensor:
    """Events that another one on the item in the visit stands for, the strongest, of those the first: bool [b, r]."""
    stronger = weight[:, None, :] > weight[:, :, None]
    first = (weight[:, None, :] == weight[:, :, None]) & _before(seconds)
    return tf.reduce_any(_same(row) & _same(since) & there[:, None, :] & (stronger | first), 2)


def _arrays(state: State) -> dict[str, np.ndarray]:
    """What the graph knows of the shop."""
    return {
        "now": np.array(state.now, np.int64),
        "visit_gap": np.array(state.visit_gap, np.float32),
        "due": state.due,
    }
