"""Who is tested on what: the test truth of an Interactions artifact's tables.

A known user is one with a goal event before the test; a known item likewise. A user's truth is the
known items they had a goal event on in the test window: all of them, or the new ones only.

Beside that, and never mixed with it, stand what those users took of items nobody had taken before, and
what newcomers took, who had no goal event before the test.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from aisle.components.evaluator.baselines.recommenders import Train, seen
from aisle.components.evaluator.measures.metrics import Bools, Ints, relevant_items
from aisle.schema import events as kinds
from aisle.schema.errors import InputError

CLICK, PURCHASE, JUDGEMENT = kinds.CLICK.name, kinds.PURCHASE.name, "judgement"


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
        unheard: what each took of the items nobody had taken before, [n, items]; rows may be empty.
        newcomer_ids: users with a goal event in the test but none before, [m].
        newcomer_truth: the known items each of those took, [m, items]; every row has one or more.
    """

    item_ids: pa.Array
    user_ids: pa.Array
    users: Ints
    truth: sparse.csr_matrix
    new: sparse.csr_matrix
    train: Train
    unheard: sparse.csr_matrix
    newcomer_ids: pa.Array
    newcomer_truth: sparse.csr_matrix

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
        interactions: `user_id`, `item_id`, `timestamp` (microseconds), `event`, `split`, and maybe `sponsored`: what an
            ad led to is history, and nothing to be found.
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
    known = known_item[np.maximum(item, 0)]
    late = (time >= splits["test_start"]) & (item >= 0) & organic(events)
    truth, unheard = (
        _taken(user[rows], item[rows], train.n_users, train.n_items)
        for rows in (late & (user >= 0) & known, late & (user >= 0) & ~known)
    )
    users = _draw(np.flatnonzero(relevant_items(truth)), max_users, seed)
    truth = truth[users]
    new = (truth - truth.multiply(seen(train)[users])).tocsr()
    new.eliminate_zeros()
    newcomers = _distinct(names.filter(pa.array(late & (user < 0) & known)))
    newcomer = positions(names, newcomers)
    rows = late & (newcomer >= 0) & known
    newcomer_truth = _taken(newcomer[rows], item[rows], len(newcomers), train.n_items)
    drawn = _draw(np.arange(len(newcomers)), max_users, seed)
    return Protocol(
        item_ids,
        known_users.take(pa.array(users)),
        users,
        truth,
        new,
        train,
        unheard[users],
        newcomers.take(pa.array(drawn)),
        newcomer_truth[drawn],
    )


def recent_histories(interactions: pa.Table, protocol: Protocol, length: int) -> list[list[str]]:
    """What each tested user last did before the test, whatever the event.

    Args:
        interactions: `user_id`, `item_id`, `timestamp`.
        protocol: the test.
        length: at most so many items each.

    Returns:
        Item ids of each user, oldest first.
    """
    time = interactions.column("timestamp").to_numpy().astype(np.int64)
    user = positions(interactions.column("user_id"), protocol.user_ids)
    item = positions(interactions.column("item_id"), protocol.item_ids)
    chosen = np.flatnonzero((time < protocol.train.cut) & (user >= 0) & (item >= 0))
    chosen = chosen[np.lexsort((item[chosen], time[chosen], user[chosen]))]
    ends = np.searchsorted(user[chosen], np.arange(len(protocol.user_ids)), side="right")
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    ids = protocol.item_ids.to_pylist()
    return [
        [ids[place] for place in item[chosen[max(start, end - length) : end]]]
        for start, end in zip(starts, ends, strict=True)
    ]


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


def organic(interactions: pa.Table) -> Bools:
    """[n] what no ad led to: what a model is to find. All, where nothing says so."""
    if "sponsored" not in interactions.column_names:
        return np.ones(interactions.num_rows, np.bool_)
    return ~interactions.column("sponsored").to_numpy().astype(np.bool_)


def positions(values: pa.Array | pa.ChunkedArray, known: pa.Array) -> Ints:
    """Returns the place of each value in `known`, -1 where it isn't there. [values]."""
    found = pc.index_in(values.cast(known.type), value_set=known)
    return np.asarray(pc.fill_null(found, -1).to_numpy(), np.int64)


def _taken(user: Ints, item: Ints, users: int, items: int) -> sparse.csr_matrix:
    """1.0 where the user took the item, however often. [users, items]."""
    cells = sparse.csr_matrix((np.ones(len(user)), (user, item)), shape=(users, items))
    return cells.sign().tocsr()


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
