"""What interleaved answers say: which of two rankings users took more from."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
from scipy import stats

from aisle.experiments.statistics.estimate import Estimate, Interval
from aisle.experiments.statistics.proportions import exact_interval
from aisle.schema.errors import InputError


@dataclasses.dataclass(frozen=True)
class Preference:
    """Of users between two rankings.

    Attributes:
        wins: of the users, those who took more from either.
        ties: those who took as much from both, or nothing.
        lead: the share of users who prefer the treatment, ties halved, less one half (Chapelle, Joachims, Radlinski and
            Yue, 2012): from -0.5 to 0.5.
        p_value: of the sign test, which leaves ties out.
    """

    wins: tuple[int, int]
    ties: int
    lead: Estimate
    p_value: float

    @property
    def share(self) -> float:
        """Of those who prefer either, who prefer the treatment; one half where there are none."""
        return self.wins[1] / sum(self.wins) if sum(self.wins) else 0.5

    def interval(self, level: float = 0.95) -> Interval:
        """Of `share`, by Clopper and Pearson: apart from one half just where the sign test finds a preference."""
        return exact_interval(self.wins[1], sum(self.wins), level) if sum(self.wins) else (0.0, 1.0)


def preference(credits: npt.ArrayLike) -> Preference:
    """What interleaved answers say.

    Args:
        credits: of both teams, added up over all answers of each user, [n, 2]: a user's answers aren't independent.

    Raises:
        InputError: they are of fewer than two users, or no counts.
    """
    counts = np.asarray(credits, dtype=float)
    if counts.ndim != 2 or counts.shape[1] != 2 or len(counts) < 2 or not (counts >= 0).all():
        raise InputError(
            f"credits of the shape {counts.shape}; expected counts of both teams, for two users or more"
        )
    signs = np.sign(counts[:, 1] - counts[:, 0])
    wins = int((signs < 0).sum()), int((signs > 0).sum())
    lead = Estimate(
        float(signs.mean() / 2), float(signs.std(ddof=1) / 2 / np.sqrt(len(signs))), len(signs) - 1
    )
    p_value = float(stats.binomtest(wins[1], sum(wins)).pvalue) if sum(wins) else 1.0
    return Preference(wins, len(signs) - sum(wins), lead, p_value)
