"""What users took, in the graph."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.co_occurrence import PAST_DECAY
from aisle.model.retrieval.counts import COUNTS, HALF_LIVES, SAME_ORDER_DAYS
from aisle.model.retrieval.recent.events import Recent, RecentEvents
from aisle.model.retrieval.recent.joining import joined_histories, joined_numbers, joined_pairs
from aisle.model.retrieval.recent.reader import RecentReader
from aisle.model.retrieval.sources.source import Pairs, Tensors
from aisle.model.retrieval.state import USER_NUMBERS, State
from aisle.model.stored import put, stored
from aisle.schema.features import HISTORY_LENGTH

NEVER = 1000.0
"""The age, in days, of what never was."""


@dataclasses.dataclass(frozen=True)
class Asking:
    """The users of a batch, with the histories that they bring.

    Example:
        >>> from aisle.model.retrieval.state import make_state
        >>> took = {"user_id": ["ann"], "session_id": ["s"], "item_id": ["mug"], "timestamp": [0], "weight": [1.0]}
        >>> users = pl.DataFrame({"user_id": ["ann"], "country": ["Norway"]})
        >>> rows = tf.lookup.KeyValueTensorInitializer(["lamp", "mug"], [0, 1])
        >>> state = make_state(pl.DataFrame(took), users, ["lamp", "mug"], now=1)
        >>> taken = Taken(state, tf.lookup.StaticHashTable(rows, -1), moves=False)
        >>> asking = taken.asking(tf.constant(["ann", "bob"]), tf.constant([["", ""], ["mug", "lamp"]]))
        >>> asking.user.numpy().tolist(), asking.brings.numpy().tolist(), asking.given[1, -3:].numpy().tolist()
        ([1, 0], [False, True], [-1, 1, 0])

    Attributes:
        user: their rows, 0 for the unknown, int32 [b].
        given: item rows of the history that each brings, -1 pads in front, int32 [b, HISTORY_LENGTH].
        brings: whether each brings a history, which takes the place of the known one, bool [b].
        recent: what each did since, beside either.
    """

    user: tf.Tensor
    given: tf.Tensor
    brings: tf.Tensor
    recent: Recent


class Taken(tf.Module):
    """The users' histories, and the sums of what they took.

    Example:
        >>> from aisle.model.retrieval.state import make_state
        >>> took = {"user_id": ["ann"], "session_id": ["s"], "item_id": ["mug"], "timestamp": [0], "weight": [1.0]}
        >>> users = pl.DataFrame({"user_id": ["ann"], "country": ["Norway"]})
        >>> rows = tf.lookup.KeyValueTensorInitializer(["lamp", "mug"], [0, 1])
        >>> state = make_state(pl.DataFrame(took), users, ["lamp", "mug"], now=1)
        >>> taken = Taken(state, tf.lookup.StaticHashTable(rows, -1), moves=False)
        >>> asking = taken.asking(tf.constant(["ann", "ann"]), tf.constant([[""], ["lamp"]]))
        >>> taken.sums(asking)[1]["count"].numpy().tolist()  # As is known, and as she says instead.
        [[0.0, 1.0], [1.0, 0.0]]
    """

    def __init__(self, state: State, items: tf.lookup.StaticHashTable, moves: bool) -> None:
        """Makes the graph's tensors.

        Args:
            state: as of the moment the questions are asked.
            items: row of each item id, -1 for others.
            moves: whether `move_to` will be called.
        """
        super().__init__()
        self._items = items
        self._count = len(state.item_numbers)
        names = tf.constant(["", *state.users])
        users = tf.lookup.KeyValueTensorInitializer(names, tf.range(len(state.users) + 1))
        self._users = tf.lookup.StaticHashTable(users, 0)
        self._recent = RecentReader(state, items)
        self._kept = {
            name: stored(values, tf.as_dtype(values.dtype), any_length=moves)
            for name, values in _arrays(state).items()
        }

    def moving(self) -> list[tf.Variable]:
        """What `move_to` fills that grows with what was taken."""
        return list(self._kept.values())

    def move_to(self, state: State) -> None:
        """Goes to another moment, whose state has a row for the same users."""
        for name, values in _arrays(state).items():
            put(self._kept[name], values)
        self._recent.move_to(state)

    @property
    def cut_off(self) -> tf.Tensor:
        """Before which all is known: microseconds UTC, int64 []."""
        return self._recent.cut_off

    def asking(self, user_id: tf.Tensor, history: tf.Tensor, events: RecentEvents | None = None) -> Asking:
        """Looks up who asks.

        Args:
            user_id: string [b].
            history: string [b, h], "" pads.
            events: what they did of late; None is nothing.
        """
        rows = self._items.lookup(history)
        ragged = tf.ragged.boolean_mask(rows, rows >= 0)[:, -HISTORY_LENGTH:]
        given = tf.reverse(ragged[:, ::-1].to_tensor(-1, shape=[None, HISTORY_LENGTH]), [1])
        user, brings = self._users.lookup(user_id), tf.reduce_any(history != "", axis=1)
        recent = self._recent.read(events or RecentEvents.none(), self._took(user) & ~brings)
        return Asking(user, given, brings, recent)

    def not_due(self, recent: Recent) -> tf.Tensor:
        """Which items each bought so lately that hardly anybody buys them again yet: bool [b, n]."""
        return self._recent.not_due(recent, self._count)

    def countries(self, asking: Asking) -> tf.Tensor:
        """The country of each, "" where it isn't known: string [b]."""
        return tf.gather(self._kept["countries"], asking.user)

    def histories(self, asking: Asking) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Item rows (-1 pads), ages in days and weights, [b, HISTORY_LENGTH], latest last."""

        def known(values: tf.Tensor, default: Any) -> tf.Tensor:
            ragged = tf.RaggedTensor.from_row_splits(values, self._kept["splits"], validate=False)
            return tf.reverse(
                tf.gather(ragged, asking.user)[:, ::-1].to_tensor(default, shape=[None, HISTORY_LENGTH]), [1]
            )

        brings = asking.brings[:, None]
        age = tf.broadcast_to(self._kept["typical_age"][::-1][None], tf.shape(asking.given))
        before = (
            tf.where(brings, asking.given, known(self._kept["history"], -1)),
            tf.where(brings, age, known(self._kept["age"], 0.0)),
            tf.where(brings, tf.ones_like(age), known(self._kept["weight"], 0.0)),
        )
        return asking.recent.joined(lambda: joined_histories(before, asking.recent), before)

    def sums(self, asking: Asking) -> tuple[Pairs, Tensors]:
        """What each took, and SUMS of every item by name, float32 [b, n] each."""
        before = self._pairs(asking)
        pairs = asking.recent.joined(lambda: joined_pairs(before, asking.recent), before)
        owner, item, counts, ages = pairs
        batch = tf.shape(asking.user)[0]
        cells, shape = batch * self._count, [batch, self._count]
        segment = owner * self._count + item
        summed = tf.math.unsorted_segment_sum(counts, segment, cells)
        sums = {name: tf.reshape(summed[:, n], shape) for n, name in enumerate(COUNTS)}
        last = tf.math.unsorted_segment_min(ages[:, 0], segment, cells)
        first = tf.math.unsorted_segment_max(ages[:, 1], segment, cells)
        never = sums["count"] <= 0
        sums["last"] = tf.where(never, NEVER, tf.reshape(last, shape))
        sums["first"] = tf.where(never, NEVER, tf.reshape(first, shape))
        # A pair that comes several times (an item twice in a given history) is one.
        times = tf.math.unsorted_segment_sum(tf.ones_like(ages[:, 0]), segment, cells)
        once = 1.0 / tf.gather(times, segment)
        by_name = dict(zip(COUNTS, tf.unstack(counts, axis=1), strict=True))
        return Pairs(owner, item, by_name, ages, once), sums

    def numbers(self, asking: Asking, sums: Tensors) -> tf.Tensor:
        """USER_NUMBERS of each, those of a typical user where they are unknown and did nothing of late.

        `user_items` is counted instead where a history is brought, or the user is unknown.

        Args:
            asking: who.
            sums: SUMS by name, float32 [b, n] each.

        Returns:
            float32 [b, U].
        """
        known = tf.gather(self._kept["user_numbers"], asking.user)
        items = tf.reduce_sum(tf.cast(sums["count"] > 0, tf.float32), 1)
        columns = tf.unstack(known, axis=1)
        place = USER_NUMBERS.index("user_items")
        columns[place] = tf.where(asking.brings | (asking.user == 0), items, columns[place])
        before = dict(zip(USER_NUMBERS, columns, strict=True))
        none = ~asking.brings & ~self._took(asking.user)
        numbers = asking.recent.joined(lambda: joined_numbers(before, none, asking.recent, sums), before)
        return tf.stack([numbers[name] for name in USER_NUMBERS], 1)

    def _took(self, user: tf.Tensor) -> tf.Tensor:
        """Whether anything is known that each took: int32 [b] to bool [b]."""
        splits = self._kept["taken_splits"]
        return tf.gather(splits, user + 1) > tf.gather(splits, user)

    def _pairs(self, asking: Asking) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """What each user is known to have taken, or was said to have: owner, item, COUNTS [t, C], ages [t, 2]."""
        places = tf.range(tf.shape(self._kept["taken"])[0])
        ragged = tf.RaggedTensor.from_row_splits(places, self._kept["taken_splits"], validate=False)
        known = tf.gather(ragged, tf.where(asking.brings, 0, asking.user))
        there = (asking.given >= 0) & asking.brings[:, None]
        owner, place = tf.unstack(tf.cast(tf.where(there), tf.int32), axis=1)
        age = tf.gather(self._kept["typical_age"][::-1], place)
        latest = tf.cast(age <= self._kept["typical_age"][0] + SAME_ORDER_DAYS, tf.float32)
        decayed = [tf.math.pow(0.5, age / half_life) for half_life in HALF_LIVES]
        since = tf.math.pow(PAST_DECAY, tf.cast(HISTORY_LENGTH - 1 - place, tf.float32))
        counts = tf.stack([tf.ones_like(age), *decayed, since, latest], 1)
        return (
            tf.concat([tf.cast(known.value_rowids(), tf.int32), owner], 0),
            tf.concat(
                [tf.gather(self._kept["taken"], known.values), tf.boolean_mask(asking.given, there)], 0
            ),
            tf.concat([tf.gather(self._kept["counts"], known.values), counts], 0),
            tf.concat([tf.gather(self._kept["ages"], known.values), tf.stack([age, age], 1)], 0),
        )


def _arrays(state: State) -> dict[str, np.ndarray]:
    """What the graph knows of users, with a row in front for those that are unknown."""
    return {
        "countries": np.array(["", *state.countries], object),
        "splits": np.concatenate([[0], state.splits]),
        "history": state.history.astype(np.int32),
        "age": state.age.astype(np.float32),
        "weight": state.weight.astype(np.float32),
        "typical_age": state.typical_age,
        "taken_splits": np.concatenate([[0], state.taken_splits]),
        "taken": state.taken.astype(np.int32),
        "counts": state.counts,
        "ages": state.ages,
        "user_numbers": state.user_numbers,
    }
