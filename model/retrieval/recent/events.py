"""Recent events in the graph: as a question brings them, and as they are counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeVar

import tensorflow as tf

Joined = TypeVar("Joined")


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
        >>> from aisle.model.retrieval.recent.reader import RecentReader
        >>> from aisle.model.retrieval.state import make_state
        >>> took = {"user_id": ["ann"], "session_id": ["s"], "item_id": ["mug"], "timestamp": [0], "weight": [1.0]}
        >>> users = pl.DataFrame({"user_id": ["ann"], "country": ["Norway"]})
        >>> state = make_state(pl.DataFrame(took), users, ["lamp", "mug"], now=1)
        >>> rows = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["lamp", "mug"], [0, 1]), -1)
        >>> items, kinds = tf.constant([["mug", "lamp", "lamp"]]), tf.constant([["click", "click", "cart"]])
        >>> events = RecentEvents(items, kinds, tf.constant([[60.0, 50.0, 40.0]]), tf.constant([0.0], tf.float64))
        >>> recent = RecentReader(state, rows).read(events, known=tf.constant([False]))
        >>> recent.item.numpy().tolist(), recent.weight[0, 1:].numpy().astype(float).round(1).tolist()
        ([[-1, 1, 0]], [0.2, 0.5])

    Attributes:
        item: rows of the catalogue, int32 [b, r].
        age: in days, infinite of pads, float32 [b, r].
        weight: of the strongest event on the item in the visit, float32 [b, r].
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

    @staticmethod
    def nothing(batch: tf.Tensor) -> Recent:
        """No event of so many."""
        none, ages = tf.zeros([batch, 0], tf.int32), tf.zeros([batch, 0])
        visits = tf.zeros([batch], tf.int32)
        return Recent(none, ages, ages, none, tf.zeros([batch, 0], tf.bool), visits, tf.zeros([batch]))

    def joined(self, join: Callable[[], Joined], before: Joined) -> Joined:
        """What `join` makes of the events and of what was known `before`; that alone, and no work, where a batch has none.

        Args:
            join: gives tensors of the types of `before`, and the same where nobody did anything.
            before: a structure of tensors.
        """
        if self.item.shape[1] == 0:
            return before
        some = tf.shape(self.item)[1] > 0
        found: Joined = tf.cond(some, join, lambda: before)
        return found

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
        return tf.reduce_min(self.age, 1)

    @property
    def oldest(self) -> tf.Tensor:
        """The age of the oldest, 0 where there is none: float32 [b]."""
        return tf.reduce_max(tf.where(self.there, self.age, 0.0), 1)
