"""How much of what follows a click has followed by now: purchases come late, and a young click isn't yet one without."""

from __future__ import annotations

import dataclasses

import numpy as np

from aisle.ads.calibration import Floats


@dataclasses.dataclass(frozen=True)
class Delays:
    """How long purchases take.

    Attributes:
        seconds: after the click, rising, [k].
        shares: of the purchases within the window that have come by then, [k], the last one 1.
    """

    seconds: Floats
    shares: Floats

    def come(self, waited: Floats) -> Floats:
        """[n] the share of the purchases that has come so many seconds after the click, 0 to 1."""
        before = np.searchsorted(self.seconds, waited, side="right")
        return np.asarray(np.concatenate([[0.0], self.shares])[before], np.float64)


def fit_delays(waited: Floats, delay: Floats, window: float) -> Delays:
    """How long purchases take, of clicks of which many are young.

    The curve of Kaplan and Meier (1958), a click without a purchase being one that is only known to have waited: no shape is
    assumed, where Chapelle (2014) has it exponential. It takes all clicks to wait alike.

    Args:
        waited: [n] seconds from each click to now.
        delay: [n] seconds from the click to its purchase; infinite where there is none.
        window: a purchase belongs to a click at most so many seconds before it.
    """
    known = np.minimum(waited, window)
    bought = delay <= known
    until = np.where(bought, delay, known)
    moments, which = np.unique(until, return_inverse=True)
    events, leaving = np.bincount(which, bought), np.bincount(which)
    at_risk = len(until) - np.concatenate([[0], np.cumsum(leaving)[:-1]])
    come = 1 - np.cumprod(1 - events / at_risk)
    steps = events > 0
    if not steps.any():
        # Nobody bought: as if every purchase came at once, so that all clicks count.
        return Delays(np.zeros(1), np.ones(1))
    return Delays(moments[steps], come[steps] / come[-1])
