"""How far a system leans on what sells anyway: novelty, recommended popularity, head and tail.

Answers are item indices, best first, [n, k]; -1 is an empty place. An item given twice counts once.
"""

from __future__ import annotations

import numpy as np

from aisle.components.evaluator.measures.metrics import Floats, Ints, without_repeats

GROUPS = ("head", "mid", "tail")
HEAD, MID = 0.5, 0.8
"""The head is the most popular items that make half of the events; mid reaches to 80 % of them."""


def novelty(answers: Ints, takers: Ints, users: int) -> Floats:
    """Mean self-information of each row's answers, in bits: log2(users / users who took the item).

    Zhou et al. (2010) and, as -log2 p(item), Vargas and Castells (2011): an answer of n bits is an item
    that one user in 2^n took. An item that nobody took counts as if one user had.

    Args:
        answers: item indices [n, k].
        takers: how many users took each item before, [items].
        users: how many users there are.

    Returns:
        [n]; NaN for a row without an answer.
    """
    return _mean_by_row(answers, np.log2(max(users, 1) / np.maximum(takers, 1.0)))


def recommended_popularity(answers: Ints, counts: Ints) -> Floats:
    """Mean number of events of each row's answers (ARP; Yin et al. 2012).

    Args:
        answers: item indices [n, k].
        counts: events of each item before, [items].

    Returns:
        [n]; NaN for a row without an answer.
    """
    return _mean_by_row(answers, counts.astype(np.float64))


def popularity_groups(counts: Ints) -> Ints:
    """Parts the items by their events before the test, as Abdollahpouri et al. (2019) do by ratings.

    In the order of popularity (equals by index), an item belongs to the head as long as those before
    it make less than half of all events, to mid as long as they make less than 80 %, else to the tail.

    Args:
        counts: events of each item, [items].

    Returns:
        Places in `GROUPS`, [items]; all are tail where there are no events.
    """
    groups = np.full(len(counts), GROUPS.index("tail"), np.int64)
    total = int(counts.sum())
    if not total:
        return groups
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    groups[order] = np.searchsorted([HEAD * total, MID * total], before, side="right")
    groups[counts == 0] = GROUPS.index("tail")
    return groups


def _mean_by_row(answers: Ints, values: Floats) -> Floats:
    """The mean of the items' values over each row's places that hold one. [n]."""
    answers = without_repeats(answers)
    given = answers >= 0
    found = np.where(given, values[np.maximum(answers, 0)] if len(values) else 0.0, 0.0).sum(axis=1)
    number = given.sum(axis=1)
    return np.divide(found, number, out=np.full(len(answers), np.nan), where=number > 0)
