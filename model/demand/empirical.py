"""What an item sold lately, taken as what it will sell: the mean and the quantiles of its own recent sums."""

from __future__ import annotations

import numpy as np

from aisle.model.demand.features import mean
from aisle.schema.demand import Series

RECENT_DAYS = 56
"""The mean is of so many days: long enough to steady an item that sells now and then, short enough to follow a season."""
SPREAD_DAYS = 182
"""The quantiles of a sum are of as many overlapping sums as these days hold."""


def forecast(series: Series, periods: int, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean [n] and the quantiles [n, q] of the sum over so many periods."""
    per_period = mean(series.quantity, max(RECENT_DAYS // series.days, 1))
    window = (
        max(SPREAD_DAYS // series.days, 2 * periods) if periods > 1 else max(RECENT_DAYS // series.days, 1)
    )
    sums = _sums(series.quantity[:, -window:], per_period, periods)
    return per_period * periods, np.quantile(sums, levels, axis=1).T


def _sums(quantity: np.ndarray, per_period: np.ndarray, periods: int) -> np.ndarray:
    """Overlapping sums, what is unknown taken as the mean: [n, sums]."""
    filled = np.where(np.isfinite(quantity), quantity, per_period[:, None])
    if filled.shape[1] <= periods:
        return filled.sum(1, keepdims=True) * (periods / filled.shape[1])
    return np.lib.stride_tricks.sliding_window_view(filled, periods, axis=1).sum(-1)
