"""Items that never sold, forecast by how alike ones began."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aisle.model.demand.forecasts import LEVELS, Forecasts, check
from aisle.schema.demand import Series
from aisle.schema.errors import InputError

ALIKE = 30
"""Items whose beginnings are pooled: enough for a quantile of 0.95, few enough to be alike in a small shop."""
CHUNK = 1_000
"""New items whose likeness to all others is held at once."""


def forecast_new(
    series: Series,
    vectors: np.ndarray,
    item_ids: np.ndarray,
    new: np.ndarray,
    periods: int,
    levels: Sequence[float] = LEVELS,
) -> Forecasts:
    """The mean and the quantiles of what the most alike items sold in their own first periods.

    Example:
        >>> sold = np.array([[np.nan, 5, 7, 1], [np.nan, np.nan, 6, 6], [90, 80, 90, 80]])
        >>> weeks = np.datetime64("2024-01-01") + 7 * np.arange(4)
        >>> past = Series(np.array(["red mug", "blue mug", "lamp"]), weeks, 7, sold, sold)
        >>> vectors = np.array([[1.0, 0.1], [1.0, -0.1], [0.0, 1.0]])
        >>> forecast_new(past, vectors, np.array(["green mug"]), np.array([[1.0, 0.0]]), 2, (0.5,)).mean.round(1).tolist()
        [12.0]

    Args:
        series: of the items that did sell; those whose first periods aren't all known are left out.
        vectors: of the same items, [n, d].
        item_ids: of the new ones, [m].
        new: their vectors, [m, d]; likeness is the cosine, and one that is like none begins as the others did.
        periods: from the first sale on.
        levels: of the quantiles, ascending.

    Raises:
        InputError: the levels, the vectors or the periods make no sense, or no item's first periods are known.
    """
    check(series, levels, vectors)
    if new.ndim != 2 or new.shape != (len(item_ids), vectors.shape[1]) or periods < 1:
        raise InputError(
            f"{len(item_ids):,} new items came with vectors of the shape {new.shape} and {periods} periods; expected a row "
            f"of {vectors.shape[1]} numbers each, and 1 period or more"
        )
    begun = _beginnings(series.quantity, periods)
    known = np.isfinite(begun)
    if not known.any():
        raise InputError(
            f"no item's first {periods} periods are known; expected some to forecast new ones by: ask for fewer"
        )
    sums, others = begun[known], _unit(vectors[known])
    near = min(ALIKE, len(sums))
    means, quantiles = np.empty(len(item_ids)), np.empty((len(item_ids), len(levels)))
    for start in range(0, len(item_ids), CHUNK):
        likeness = _unit(new[start : start + CHUNK]) @ others.T
        nearest = np.argpartition(-likeness, near - 1, axis=1)[:, :near]
        close = np.take_along_axis(likeness, nearest, 1)
        # Half as alike as the most alike one is not alike: a shop may have two of a kind only.
        best = close.max(1, keepdims=True)
        pooled = np.where(close >= np.where(best > 0, best / 2, -1.0), sums[nearest], np.nan)
        means[start : start + CHUNK] = np.nanmean(pooled, 1)
        quantiles[start : start + CHUNK] = np.nanquantile(pooled, levels, axis=1).T
    return Forecasts(item_ids, periods, series.days, means, np.asarray(levels, float), quantiles)


def _beginnings(quantity: np.ndarray, periods: int) -> np.ndarray:
    """The sum of each item's first periods from its first sale on; NaN where one of them isn't known: [n]."""
    first = np.argmax(quantity > 0, 1)
    places = first[:, None] + np.arange(periods)
    within = np.minimum(places, quantity.shape[1] - 1)
    taken = np.take_along_axis(quantity, within, 1)
    never = ~(quantity > 0).any(1)
    return np.where((places[:, -1] < quantity.shape[1]) & ~never, taken.sum(1), np.nan)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
