"""The four classes of demand of Syntetos, Boylan and Croston (2005)."""

from __future__ import annotations

import numpy as np

from aisle.schema.demand import Series

CLASSES = ("smooth", "erratic", "intermittent", "lumpy")
SELDOM = 1.32
"""Periods between two with a sale, above which demand comes now and then."""
UNEVEN = 0.49
"""The squared coefficient of variation of the periods with a sale, above which their size is uneven."""


def classify(series: Series) -> np.ndarray:
    """The place in `CLASSES` of each item, by its known periods since its first sale: int64 [n]."""
    sold = series.quantity > 0
    count = sold.sum(1)
    interval = np.isfinite(series.quantity).sum(1) / np.maximum(count, 1)
    total = np.where(sold, series.quantity, 0).sum(1)
    mean = total / np.maximum(count, 1)
    spread = np.where(sold, (series.quantity - mean[:, None]) ** 2, 0).sum(1) / np.maximum(count, 1)
    uneven = spread >= UNEVEN * np.maximum(mean, 1e-12) ** 2
    return np.where(interval >= SELDOM, 2, 0) + uneven
