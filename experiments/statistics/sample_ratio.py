"""Whether the arms hold the users that were planned: where they don't, no figure of the experiment can be trusted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from scipy import stats

from aisle.schema.errors import InputError

ALARM = 0.001
"""Below it chance is no explanation, and one sound experiment in a thousand is stopped for nothing."""


@dataclasses.dataclass(frozen=True)
class SampleRatio:
    """The users of each arm beside the plan.

    Attributes:
        users: found in each arm.
        planned: expected in each of so many.
        statistic: Pearson's χ².
        p_value: the chance of one at least as large.
        alarm: whether the experiment can't be trusted.
    """

    users: Mapping[str, int]
    planned: Mapping[str, float]
    statistic: float
    p_value: float
    alarm: bool


def sample_ratio(users: Mapping[str, int], shares: Mapping[str, float], alarm: float = ALARM) -> SampleRatio:
    """Holds the users of each arm against the shares that were planned.

    Raises:
        InputError: an arm has no planned share, or nobody is in any.
    """
    if unplanned := sorted(set(users) - set(shares)):
        raise InputError(
            f"users of the arm {unplanned[0]!r}, which has no planned share; there are: {', '.join(shares)}"
        )
    total, weight = sum(users.values()), sum(shares.values())
    if total < 1 or not all(share > 0 for share in shares.values()):
        raise InputError(f"{total} users, planned shares {dict(shares)}; expected users, and shares above 0")
    found = {arm: users.get(arm, 0) for arm in shares}
    planned = {arm: total * share / weight for arm, share in shares.items()}
    test = stats.chisquare(np.array([*found.values()]), np.array([*planned.values()]))
    p_value = float(test.pvalue)
    return SampleRatio(found, planned, float(test.statistic), p_value, p_value < alarm)
