"""Few buyers of very much: what they spend is set to a bound, so that they don't decide the experiment alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from aisle.experiments.statistics.sample import Floats
from aisle.schema.errors import InputError


@dataclasses.dataclass(frozen=True)
class Winsorised:
    """Values with the largest set to a bound.

    Attributes:
        values: of each user, [n].
        bound: the largest that is left.
        changed: how many were above it.
        total_kept: the sum over what it was: what the metric no longer tells.
    """

    values: Floats
    bound: float
    changed: int
    total_kept: float


def winsorise(values: npt.ArrayLike, share: float = 0.99, above_zero: bool = False) -> Winsorised:
    """Sets what is above a quantile to it.

    Give it all arms' users at once: a bound of each arm's own would move the means apart.

    Args:
        values: of each user, at least 0, [n].
        share: the quantile.
        above_zero: take it among users with more than 0: where few buy, the quantile of all may be 0.

    Raises:
        InputError: a value is no number or below 0, or nothing is left but 0.
    """
    given = np.asarray(values, dtype=float)
    if not len(given) or not (given >= 0).all() or not 0 < share <= 1:
        raise InputError(
            f"winsorising {len(given)} values at {share:g}; expected numbers of 0 and above, and a share up to 1"
        )
    considered = given[given > 0] if above_zero else given
    bound = float(np.quantile(considered, share)) if len(considered) else 0.0
    if bound == 0 and given.any():
        raise InputError(f"{share:.0%} of all users have 0, so nothing would be left; use `above_zero=True`")
    cut = np.minimum(given, bound)
    total = given.sum()
    kept = float(cut.sum() / total) if total else 1.0
    return Winsorised(cut, bound, int((given > bound).sum()), kept)
