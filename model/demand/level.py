"""How much the whole shop will sell, which its items' own histories, each too noisy, don't tell: a top-down forecast."""

from __future__ import annotations

import numpy as np

SMOOTHING = np.arange(0.05, 1.0, 0.05)
FEWEST = 8
"""Periods before the first origin, and origins: with fewer, the level is that of the last eight periods."""


def level(totals: np.ndarray, periods: int, after: int = 0) -> float:
    """The shop's total over a span: simple exponential smoothing, and the growth that it missed over earlier origins.

    The smoothing is that whose logarithmic errors over all earlier origins vary least; their mean is the growth (Gross and
    Sohl, 1990, compare ways to part such a total among the items).

    Args:
        totals: of each period, float64 [t]; NaN where the shop was closed, and left out.
        periods: of the span.
        after: periods before it.
    """
    known = totals[np.isfinite(totals)]
    known = known[np.flatnonzero(known > 0).min(initial=len(known)) :]
    last = len(known) - periods - after
    if last < 2 * FEWEST or known.min() <= 0:
        return float(periods * known[-FEWEST:].mean()) if len(known) else 0.0
    spans = np.lib.stride_tricks.sliding_window_view(known, periods)[FEWEST + after :].mean(1)
    errors = {}
    for share in SMOOTHING:
        smooth = smoothed(known, float(share))
        missed = np.log(spans) - np.log(smooth[FEWEST - 1 : FEWEST - 1 + len(spans)])
        errors[float(share)] = (missed.std(), missed.mean(), smooth[-1])
    _, growth, now = min(errors.values())
    return float(periods * now * np.exp(growth))


def smoothed(values: np.ndarray, share: float) -> np.ndarray:
    """Simple exponential smoothing, each value with so large a share when it comes: float64 [t]."""
    found = np.empty(len(values))
    found[0] = values[0]
    for place in range(1, len(values)):
        found[place] = found[place - 1] + share * (values[place] - found[place - 1])
    return found
