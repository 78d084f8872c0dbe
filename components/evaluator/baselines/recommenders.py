"""What a recommender must beat: popularity, each user's own history, and item-kNN.

All see only the goal events before the cut, answer only items that had one, and rank equals by
popularity or index, so that a run is repeatable.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy import sparse

from aisle.components.evaluator.measures.metrics import EMPTY, Floats, Ints
from aisle.schema.tables import MICROSECONDS_PER_DAY

POPULARITY_DAYS = 28
HALF_LIFE_DAYS = 60
TIE_BREAK = 1e-4
"""Weight of the most popular item's popularity beside an event's weight, which is 1 at the cut.

The benchmark leaves it open; with this value its published figures come out.
"""
_CELLS = 1 << 23  # Scores held at once: 64 MiB.


@dataclasses.dataclass(frozen=True)
class Train:
    """Goal events before the cut, one entry an event.

    Attributes:
        users: index of the user, or -1 where there is none (the event counts for popularity), [events].
        items: index of the item, [events].
        timestamps: microseconds UTC, [events].
        n_users: how many users there are.
        n_items: how many items there are.
        cut: the moment the answers are given, microseconds UTC.
    """

    users: Ints
    items: Ints
    timestamps: Ints
    n_users: int
    n_items: int
    cut: int


def seen(train: Train) -> sparse.csr_matrix:
    """Returns what each user took, 1.0 where they did. [n_users, n_items]."""
    return _matrix(train, np.ones(len(train.items))).sign().tocsr()


def popularity(train: Train, users: Ints, k: int, *, exclude_seen: bool = False) -> Ints:
    """Answers the items with most events in the last 28 days before the cut.

    Args:
        train: events before the cut.
        users: indices of the users to answer, [n].
        k: answers for each.
        exclude_seen: leaves out what the user took before.

    Returns:
        Item indices, best first, -1 for an empty place, [n, k].
    """
    scores = np.where(_known(train), _recent_counts(train), -np.inf)
    return _answer(train, users, k, exclude_seen, lambda rows: np.tile(scores, (len(rows), 1)))


def own_history(train: Train, users: Ints, k: int, *, exclude_seen: bool = False) -> Ints:
    """Answers the user's own items, each event worth half as much after 60 days, then popular ones.

    Args and result as `popularity`.
    """
    age = (train.cut - train.timestamps) / (HALF_LIFE_DAYS * MICROSECONDS_PER_DAY)
    own = _matrix(train, np.exp2(-age))
    counts = _recent_counts(train)
    # Of what was taken within the same minutes, the more popular goes first.
    tie_break = np.where(_known(train), TIE_BREAK * counts / max(counts.max(initial=0.0), 1.0), -np.inf)

    def score(rows: Ints) -> Floats:
        weights = own[rows].toarray()
        return np.where(weights > 0, 1.0 + weights, 0.0) + tie_break

    return _answer(train, users, k, exclude_seen, score)


def item_knn(train: Train, users: Ints, k: int, *, exclude_seen: bool = False) -> Ints:
    """Answers the items whose buyers are those of the user's items: cosine of binary columns, summed.

    An item is no neighbour of itself, every other is (Sarwar et al. 2001). Args and result as `popularity`.
    """
    taken, similar = seen(train), item_cosines(train)
    hidden = np.where(_known(train), 0.0, -np.inf)
    return _answer(train, users, k, exclude_seen, lambda rows: (taken[rows] @ similar).toarray() + hidden)


def item_cosines(train: Train) -> sparse.csr_matrix:
    """Returns the cosine of the binary columns of every two items, 0 of an item with itself. [n_items, n_items]."""
    taken = seen(train)
    norm = np.sqrt(np.asarray(taken.sum(axis=0)).ravel())
    scaled = (taken @ sparse.diags(1.0 / np.maximum(norm, 1.0))).tocsc()
    similar = (scaled.T @ scaled).tocsr()
    return similar - sparse.diags(similar.diagonal(), format="csr")


def top_k(scores: Floats, k: int) -> Ints:
    """Returns the indices of each row's k best scores, equals by index; -1 where they are -inf. [n, k]."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    answers = np.where(np.isneginf(np.take_along_axis(scores, best, axis=1)), EMPTY, best)
    missing = k - answers.shape[1]
    return np.pad(answers, ((0, 0), (0, missing)), constant_values=EMPTY).astype(np.int64)


def _matrix(train: Train, values: Floats) -> sparse.csr_matrix:
    """Sums the events' values by user and item."""
    mine = train.users >= 0
    cells = (train.users[mine], train.items[mine])
    return sparse.csr_matrix((values[mine], cells), shape=(train.n_users, train.n_items))


def _known(train: Train) -> np.ndarray:
    return np.bincount(train.items, minlength=train.n_items) > 0


def _recent_counts(train: Train) -> Floats:
    """Counts each item's events of the last 28 days, [n_items]."""
    recent = train.timestamps >= train.cut - POPULARITY_DAYS * MICROSECONDS_PER_DAY
    return np.bincount(train.items[recent], minlength=train.n_items).astype(np.float64)


def _answer(train: Train, users: Ints, k: int, exclude_seen: bool, score: Callable[[Ints], Floats]) -> Ints:
    """Scores the users block by block, so that memory stays bounded, and keeps the k best."""
    taken = seen(train) if exclude_seen else None
    block = max(1, _CELLS // max(train.n_items, 1))
    answers = [np.empty((0, k), np.int64)]
    for start in range(0, len(users), block):
        rows = users[start : start + block]
        scores = score(rows)
        if taken is not None:
            scores[taken[rows].nonzero()] = -np.inf
        answers.append(top_k(scores, k))
    return np.concatenate(answers)
