"""How long a shop's visits pause, and when what was bought is bought again: learnt from what users took."""

from __future__ import annotations

import numpy as np
import polars as pl

from aisle.schema.events import PURCHASE

VISIT_DAYS = 30 / 1440
"""No shorter pause ends a visit: half an hour, as web analytics has it. An order may be told as of one moment."""
NEVER_DUE = 1000.0
"""Days until something is due that nobody in the shop buys twice."""
_EARLY = 1.2816
"""Standard deviations below the mean: a tenth of a normal distribution lies lower."""
_PRIOR = 5.0
"""How many intervals of an item the whole shop's count for."""


def visit_gap(known: pl.DataFrame) -> float:
    """The pause, in days, that best tells one visit's end from another's begin.

    Of all pauses between a user's interactions that one for which fewest longer ones lie within a session and fewest of its
    length or shorter between two (a decision stump), and half way, by the logarithm, to the next longer one.

    Args:
        known: interactions by time: `user_id`, `session_id`, `age` in days.

    Example:
        >>> rows = {"user_id": ["ann"] * 3, "session_id": ["a", "a", "b"], "age": [2.0, 1.9, 1.0]}
        >>> round(visit_gap(pl.DataFrame(rows)), 2)  # Between 0.1 days within one and 0.9 between two.
        0.3
    """
    pauses = known.sort("user_id", "age", descending=[False, True], maintain_order=True).select(
        pause=-pl.col("age").diff().over("user_id"),
        within=(pl.col("session_id") == pl.col("session_id").shift()).over("user_id"),
    )
    pauses = pauses.drop_nulls().sort("pause")
    if pauses.is_empty():
        return VISIT_DAYS
    pause, within = pauses["pause"].to_numpy().astype(float), pauses["within"].to_numpy().astype(float)
    # Of each place: how many at or below it lie between visits, and how many above it within one.
    wrong = np.cumsum(1 - within) + within.sum() - np.cumsum(within)
    wrong[np.append(pause[1:] == pause[:-1], False)] = np.inf
    if wrong.min() > within.sum():
        return VISIT_DAYS
    place = int(wrong.argmin())
    return max(VISIT_DAYS, float(np.sqrt(pause[place] * pause[min(place + 1, len(pause) - 1)])))


def due(known: pl.DataFrame, count: int) -> np.ndarray:
    """Days before which nine of ten repurchases of an item haven't come: float32 [n].

    Intervals are taken as lognormal; an item's mean is drawn to the shop's by a prior of a few intervals, the spread is the
    shop's. Where nobody buys anything twice, nothing is ever due.

    Args:
        known: interactions: `user_id`, `session_id`, `row` of the item, `age` in days, `weight`.
        count: items of the catalogue, n.

    Example:
        >>> took = {"user_id": ["ann"] * 3, "session_id": ["a", "b", "c"], "row": [0] * 3}
        >>> took = pl.DataFrame({**took, "age": [20.0, 10.0, 0.0], "weight": [1.0] * 3})
        >>> due(took, 2).astype(float).round(2).tolist()  # Every ten days, as far as one can tell.
        [10.0, 10.0]
    """
    bought = known.filter(pl.col("weight") >= PURCHASE.weight).sort("user_id", "row", "age")
    bought = bought.select("row", interval=pl.col("age").diff().over("user_id", "row"))
    bought = bought.filter(pl.col("interval") > 0)
    if bought.is_empty():
        return np.full(count, NEVER_DUE, np.float32)
    row, log = bought["row"].to_numpy(), np.log(bought["interval"].to_numpy().astype(float))
    total, number = np.bincount(row, log, count), np.bincount(row, minlength=count)
    mean = (total + _PRIOR * log.mean()) / (number + _PRIOR)
    return np.exp(mean - _EARLY * log.std()).astype(np.float32)
