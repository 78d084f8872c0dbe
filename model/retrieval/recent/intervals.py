"""How long a shop's visits pause, and when what was bought is bought again: learnt from what users took."""

from __future__ import annotations

import numpy as np
import polars as pl
import scipy.optimize

from aisle.schema.events import PURCHASE

VISIT_DAYS = 30 / 1440
"""No shorter pause ends a visit: half an hour, as web analytics has it. An order may be told as of one moment."""
NEVER_DUE = 1000.0
"""Days until something is due in a shop where nobody buys anything twice."""
_RARELY = 0.25
"""Of how often a next order holds the same. On Online Retail a half costs nDCG@20 of the next basket 2 %: the head knows better."""
_PRIOR = 5.0
"""Orders that are taken to have come soon after a purchase, and to have held the same as often as ever."""


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
    """Days after a purchase before which the next order holds the item less than a quarter as often as next orders do at large.

    How often it does is fitted as never falling with the days between the two orders (isotonic regression), for all items as one,
    and each item's own by a factor: how much more or less often than those days foretell it was bought again, drawn to 1 the
    more, the less is known of it and the less items differ (`_factors`). So what was bought a moment ago waits where people who
    come back soon buy other things, and doesn't where they buy the same.

    Args:
        known: interactions: `user_id`, `row` of the item, `age` in days, `weight`, and `since`, how many orders came after.
        count: items of the catalogue.

    Returns:
        Of each item, float32 [n]: 0 where there is nothing to wait for, `NEVER_DUE` where next orders never hold it so often.

    Example:
        >>> took = {"user_id": ["ann"] * 3, "row": [0] * 3, "since": [2, 1, 0], "age": [20.0, 10.0, 0.0]}
        >>> due(pl.DataFrame(took).with_columns(weight=pl.lit(1.0)), count=1).tolist()
        [0.0]
    """
    pairs = _next_orders(known)
    again = pairs["again"].to_numpy()
    if not again.any():
        return np.full(count, NEVER_DUE, np.float32)
    usual = again.mean()
    # A few orders of the usual kind before all: the first ones alone prove nothing.
    weights = np.concatenate([[_PRIOR], np.ones(len(again))])
    rate = scipy.optimize.isotonic_regression(np.concatenate([[usual], again]), weights=weights).x[1:]
    item = pairs["row"].to_numpy()
    factor = _factors(np.bincount(item, again, count), np.bincount(item, rate, count))
    days = np.append(pairs["pause"].to_numpy(), NEVER_DUE)
    place = np.searchsorted(rate, _RARELY * usual / np.maximum(factor, 1e-9))
    return np.where(place > 0, days[place], 0.0).astype(np.float32)


def _next_orders(known: pl.DataFrame) -> pl.DataFrame:
    """Each purchase but those of users' last orders: `row`, `pause` in days until the next order, and whether that holds it, `again`."""
    bought = known.filter(pl.col("weight") >= PURCHASE.weight).select("user_id", "row", "since").unique()
    started = known.group_by("user_id", "since").agg(pl.col("age").max())
    later = pl.col("since") + 1
    return (
        bought.join(started, on=["user_id", "since"])
        .join(started.with_columns(later), on=["user_id", "since"], suffix="_next")
        .join(bought.with_columns(later, again=1.0), on=["user_id", "row", "since"], how="left")
        .select("row", pause=pl.col("age") - pl.col("age_next"), again=pl.col("again").fill_null(0.0))
        .sort("pause", "row")
    )


def _factors(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """How many times as often as expected each of some things came: counts that scatter by a gamma factor, float [n].

    The factor's mean given the counts, its spread by the method of moments: Clayton and Kaldor, Empirical Bayes estimates of
    age-standardized relative risks, Biometrics 1987.

    Args:
        found: how often each came, [n].
        expected: how often all alike would have, [n].

    Example:
        >>> _factors(np.array([9.0, 0.0, 0.0]), np.array([3.0, 3.0, 0.0])).round(2).tolist()
        [2.73, 0.13, 1.0]
    """
    beyond = ((found - expected) ** 2 - expected).sum()
    if beyond <= 0:
        return np.ones(len(found))
    prior = (expected**2).sum() / beyond
    factors: np.ndarray = (found + prior) / (expected + prior)
    return factors
