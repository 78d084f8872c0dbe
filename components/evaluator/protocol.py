"""Who is tested on what: the test truth of an Interactions artifact's tables.

A known user is one with a goal event before the test; a known item likewise. A user's truth is the
known items they had a goal event on in the test window: all of them, or the new ones only.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from aisle.components.evaluator.baselines import Train, seen
from aisle.components.evaluator.metrics import Bools, Ints, relevant_items
from aisle.schema.errors import InputError

TEST = "test"
CLICK, PURCHASE, JUDGEMENT = "click", "purchase", "judgement"


@dataclasses.dataclass(frozen=True)
class Protocol:
    """The test: who asks, what they took, and what was known before.

    Attributes:
        item_ids: the catalogue; an item's place is its index.
        user_ids: the users who are tested, [n].
        users: their indices in `train`, [n].
        truth: what each took in the test window, [n, items]; every row has one or more.
        new: the same without what they had taken before; rows may be empty.
        train: goal events before the test.
    """

    item_ids: pa.Array
    user_ids: pa.Array
    users: Ints
    truth: sparse.csr_matrix
    new: sparse.csr_matrix
    train: Train

    @property
    def has_new(self) -> Bools:
        """Which of the users took something new, [n]."""
        return relevant_items(self.new) > 0


def make_protocol(
    items: pa.Table, interactions: pa.Table, splits: dict[str, Any], max_users: int = 0, seed: int = 17
) -> Protocol:
    """Draws the test up.

    Args:
        items: the catalogue, with `item_id`.
        interactions: `user_id`, `item_id`, `timestamp` (microseconds), `event`, `split`.
        splits: `test_start` (microseconds) and `goal`.
        max_users: at most so many users, drawn at random; 0 is all.
        seed: of the draw.

    Raises:
        InputError: if the catalogue is empty or the goal is unknown.
    """
    if items.num_rows == 0:
        raise InputError("no data: the items table is empty; the evaluation needs a catalogue")
    item_ids = pc.unique(items.column("item_id").cast(pa.string()))
    events = interactions.filter(goal_events(interactions, splits["goal"]))
    item = positions(events.column("item_id"), item_ids)
    time = events.column("timestamp").to_numpy().astype(np.int64)
    before = (time < splits["test_start"]) & (item >= 0)
    names = events.column("user_id").combine_chunks().cast(pa.string())
    known_users = _distinct(names.filter(pa.array(before)))
    user = positions(names, known_users)
    train = Train(
        user[before], item[before], time[before], len(known_users), len(item_ids), int(splits["test_start"])
    )
    known_item = np.bincount(train.items, minlength=train.n_items) > 0
    tested = (time >= splits["test_start"]) & (user >= 0) & (item >= 0)
    tested[tested] = known_item[item[tested]]
    truth = sparse.csr_matrix(
        (np.ones(int(tested.sum())), (user[tested], item[tested])), shape=(train.n_users, train.n_items)
    ).sign()
    users = _draw(np.flatnonzero(relevant_items(truth)), max_users, seed)
    truth = truth[users]
    new = (truth - truth.multiply(seen(train)[users])).tocsr()
    new.eliminate_zeros()
    return Protocol(item_ids, known_users.take(pa.array(users)), users, truth, new, train)


def goal_events(interactions: pa.Table, goal: str) -> pa.Array:
    """Says which interactions reach the goal: purchases, or anything where clicks are the goal.

    Raises:
        InputError: if the goal is neither `purchase`, `click` nor `judgement`.
    """
    if goal == PURCHASE:
        return pc.equal(interactions.column("event"), PURCHASE)
    if goal in (CLICK, JUDGEMENT):
        return pa.array(np.ones(interactions.num_rows, np.bool_))
    raise InputError(f"splits.json names the goal {goal!r}; {PURCHASE}, {CLICK} or {JUDGEMENT} is expected")


def positions(values: pa.Array | pa.ChunkedArray, known: pa.Array) -> Ints:
    """Returns the place of each value in `known`, -1 where it isn't there. [values]."""
    found = pc.index_in(values.cast(known.type), value_set=known)
    return np.asarray(pc.fill_null(found, -1).to_numpy(), np.int64)


def _distinct(names: pa.Array) -> pa.Array:
    """The users named, sorted; the empty name is no user."""
    distinct = pc.unique(names.drop_null())
    distinct = distinct.filter(pc.not_equal(distinct, ""))
    return distinct.take(pc.sort_indices(distinct))


def _draw(users: Ints, at_most: int, seed: int) -> Ints:
    if not at_most or len(users) <= at_most:
        return users.astype(np.int64)
    drawn = np.random.default_rng(seed).choice(users, at_most, replace=False)
    return np.sort(drawn).astype(np.int64)
