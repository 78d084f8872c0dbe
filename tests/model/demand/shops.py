"""Made-up demand for the tests of forecasts."""

from __future__ import annotations

import numpy as np

from aisle.schema.demand import Series

BEGIN = np.datetime64("2024-01-01")


def series(quantity: object, days: int = 7) -> Series:
    """Series of rows of quantities, at 2 apiece."""
    values = np.asarray(quantity, float)
    names = np.array([f"item{place}" for place in range(len(values))])
    return Series(names, BEGIN + days * np.arange(values.shape[1]), days, values, 2 * np.nan_to_num(values))


def poisson(items: int, weeks: int, seed: int = 1) -> tuple[Series, np.ndarray]:
    """Items that sell at a rate of their own, a third of which stop for good at some week: the series, and each one's rate
    after the last week."""
    rng = np.random.default_rng(seed)
    rates = rng.lognormal(1.5, 1.0, items)
    ends = np.where(np.arange(items) % 3 == 0, rng.integers(10, weeks - 8, items), weeks)
    alive = np.arange(weeks) < ends[:, None]
    sold = rng.poisson(rates[:, None] * alive).astype(float)
    sold[:, 0] = np.maximum(sold[:, 0], 1)
    return series(sold), np.where(ends == weeks, rates, 0.0)
