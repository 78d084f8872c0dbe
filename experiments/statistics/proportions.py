"""Shares of users: their intervals and how they differ, where counts are small or near none or all."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from aisle.experiments.statistics.estimate import Interval
from aisle.schema.errors import InputError


@dataclasses.dataclass(frozen=True)
class Test:
    """A test's statistic and the chance of one at least as large where nothing differs."""

    __test__ = False  # For pytest, which takes the name for its own.

    statistic: float
    p_value: float


def equal_shares(successes: Sequence[int], users: Sequence[int]) -> Test:
    """Pearson's test that two or more arms have one share, their variance pooled, as R's `prop.test` for three and more."""
    for done, n in zip(successes, users, strict=True):
        _check(done, n)
    return independent([list(successes), [n - done for done, n in zip(successes, users, strict=True)]])


def independent(counts: Sequence[Sequence[int]]) -> Test:
    """Pearson's test that a table's rows don't depend on its columns.

    Raises:
        InputError: a row or a column is empty.
    """
    table = np.asarray(counts)
    if not (table.sum(axis=0).all() and table.sum(axis=1).all()):
        raise InputError(f"a row or a column of {table.tolist()} is empty: there is nothing to compare")
    found = stats.chi2_contingency(table, correction=False)
    return Test(float(found.statistic), float(found.pvalue))


def exact(successes: int, users: int, share: float) -> Test:
    """The binomial test of a share, its statistic the share that was found."""
    _check(successes, users)
    return Test(successes / users, float(stats.binomtest(successes, users, share).pvalue))


def exact_interval(successes: int, users: int, level: float = 0.95) -> Interval:
    """Of a share, by Clopper and Pearson: never too narrow."""
    return _interval(successes, users, level, "exact")


def wilson(successes: int, users: int, level: float = 0.95) -> Interval:
    """Of a share, by Wilson (1927): good for few users and shares near 0 and 1, too."""
    return _interval(successes, users, level, "wilson")


def newcombe(control: tuple[int, int], treatment: tuple[int, int], level: float = 0.95) -> Interval:
    """Of the difference of two shares, from Wilson's intervals (Newcombe, 1998, method 10).

    Args:
        control: successes and users.
        treatment: the same.
        level: of both intervals.
    """
    (low, high), (other_low, other_high) = wilson(*control, level), wilson(*treatment, level)
    before, after = control[0] / control[1], treatment[0] / treatment[1]
    return (
        after - before - math.hypot(after - other_low, high - before),
        after - before + math.hypot(other_high - after, before - low),
    )


def _interval(successes: int, users: int, level: float, method: str) -> Interval:
    _check(successes, users)
    found = stats.binomtest(successes, users).proportion_ci(level, method)
    return float(found.low), float(found.high)


def _check(successes: int, users: int) -> None:
    if not 0 <= successes <= users or users < 1:
        raise InputError(
            f"{successes} of {users} users; expected at least one user, and from none to all of them"
        )
