"""How many users (or sessions) an interleaved experiment takes, by what those of some past days took."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from aisle.experiments.analysis.events import Events
from aisle.experiments.analysis.rehearsal import rehearsed
from aisle.schema.errors import InputError

_MOST_EFFECT = 100.0
_MOST_TAKEN = 2_000
"""Items that a user takes; of more, the draw decides no more."""


@dataclasses.dataclass(frozen=True)
class InterleavedPlan:
    """What an interleaved experiment takes.

    Attributes:
        event: what is credited.
        taken: such events of a user, on average.
        credited: the share of them that is taken of one ranking alone.
        deciding: the share of users who take more of one ranking than of the other.
        effect: how much more often the treatment's items are taken than the control's.
        users: that it takes; rounded up.
        seen: the users of the rehearsed days who would take part.
        detectable: the smallest effect that so many show; None where they show none.
    """

    event: str
    taken: float
    credited: float
    deciding: float
    effect: float
    users: int
    seen: int
    detectable: float | None


def plan_interleaved(
    kind: str,
    events: Events,
    start: float,
    days: float,
    effect: float,
    credited: float = 1.0,
    power: float = 0.8,
    alpha: float = 0.05,
    part: float = 1.0,
) -> InterleavedPlan:
    """How many users it takes to see which ranking is taken more from.

    Each item that is taken of one ranking alone is the treatment's with the chance (1 + effect) / (2 + effect); a user
    decides for the ranking that more were taken of, and the sign test counts who decides for which.

    Args:
        kind: of the events that are credited.
        events: of the past.
        start: the first rehearsed day.
        days: how long the experiment is to last.
        effect: above -1, such as 0.05.
        credited: the share of what is taken that one ranking alone has given: what both rank alike credits nobody.
        power: the chance to see it.
        alpha: of both sides together.
        part: of all users who take part, see `Experiment.part`.

    Raises:
        InputError: nothing happened in these days, or the effect can't be seen.
    """
    if not (effect > -1 and effect != 0 and math.isfinite(effect)):
        raise InputError(f"an effect of {effect!r}; expected a number above -1 other than 0, such as 0.05")
    found = rehearsed(events, start, days)
    chosen = (events.kind == kind) & (events.day >= start) & (events.day < start + days)
    place = found.places(events.unit[chosen])
    taken = np.bincount(place[place >= 0], minlength=len(found.units))
    if not taken.any():
        raise InputError(f"no event {kind!r} in these days, so nothing can be planned; take more days")
    counts = np.bincount(np.minimum(taken, _MOST_TAKEN))

    def needed(size: float) -> float:
        return _users(*_deciding(counts, size, credited), power, alpha)

    wins, losses = _deciding(counts, effect, credited)
    seen = round(part * len(taken))
    return InterleavedPlan(
        kind,
        float(taken.mean()),
        credited,
        wins + losses,
        effect,
        math.ceil(needed(effect) - 1e-3),
        seen,
        _detectable(needed, seen),
    )


def _deciding(counts: npt.NDArray[np.int64], effect: float, credited: float) -> tuple[float, float]:
    """The shares of users who take more of the treatment, and of the control.

    Args:
        counts: how many users take 0, 1, 2, … items, [m].
        effect: as of `plan_interleaved`.
        credited: so, too.
    """
    share = (1 + effect) / (2 + effect)
    held = np.arange(len(counts))
    # Of so many credited items more than half are the treatment's, or less.
    more, less = stats.binom.sf(held // 2, held, share), stats.binom.cdf((held - 1) // 2, held, share)
    wins = losses = 0.0
    for items in np.flatnonzero(counts):
        chances = stats.binom.pmf(held[: items + 1], items, credited)
        weight = counts[items] / counts.sum()
        wins += weight * float(chances @ more[: items + 1])
        losses += weight * float(chances @ less[: items + 1])
    return wins, losses


def _users(wins: float, losses: float, power: float, alpha: float) -> float:
    """That the sign test needs; the share of wins among those who decide is about normal."""
    deciding = wins + losses
    share = wins / deciding
    spread = -special.ndtri(alpha / 2) / 2 + special.ndtri(power) * math.sqrt(share * (1 - share))
    return float((spread / (share - 0.5)) ** 2 / deciding)


def _detectable(needed: Callable[[float], float], users: int) -> float | None:
    if needed(_MOST_EFFECT) > users:
        return None
    return float(optimize.brentq(lambda size: math.log(needed(size) / users), 1e-6, _MOST_EFFECT, rtol=1e-6))
