"""Forecasts of a shop's items: each week ahead, sums over any number of days, and how earlier ones did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from aisle.components.demand.options import DemandOptions
from aisle.components.demand.series import series
from aisle.components.inventory.distributions import Floats, Forecast
from aisle.model.demand.forecasts import LEVELS, Forecasts, forecast
from aisle.pipeline.inventory.shop import Shop
from aisle.schema.demand import Series
from aisle.schema.tables import MICROSECONDS_PER_DAY

PART = 100_000
"""Items that are forecast at a time: memory holds theirs, however many a shop has."""
RECENT_DAYS = 91
"""Whose sales say which items matter."""
COVERED = (0.5, 0.9, 0.95, 0.99)
BACKTESTS = 3
"""Origins of a backtest, each as many weeks before the other as it forecasts."""


def parts(shop: Shop, options: DemandOptions, size: int = PART) -> Iterator[Series]:
    """Yields the demand of all items that sold, so many at a time."""
    count = shop.sold["item_id"].n_unique()
    for first in range(0, count, size):
        yield series(shop.sold, options, shop.end, shop.counts(), (first, first + size))


def sample(shop: Shop, options: DemandOptions, most: int) -> Series:
    """The demand of at most so many items, evenly drawn from all."""
    items = shop.sold["item_id"].unique().sort()
    chosen = items.gather_every(max(1, -(-len(items) // most)))
    return series(
        shop.sold.filter(shop.sold["item_id"].is_in(chosen.implode())), options, shop.end, shop.counts()
    )


def most_sold(shop: Shop, options: DemandOptions, most: int) -> Series:
    """The demand of at most so many items, those that brought the most lately."""
    since = shop.sold["timestamp"].max() - RECENT_DAYS * MICROSECONDS_PER_DAY  # type: ignore[operator]
    lately = shop.sold.filter(pl.col("timestamp") > since).group_by("item_id").agg(pl.col("revenue").sum())
    chosen = lately.sort("revenue", "item_id", descending=[True, False]).head(most)["item_id"]
    return series(
        shop.sold.filter(pl.col("item_id").is_in(chosen.implode())), options, shop.end, shop.counts()
    )


def over_days(past: Series, days: Floats) -> Forecast:
    """Forecasts the sum of each item's demand over its own number of days, [n]; between whole periods on a line.

    Quantiles of several periods are those of their sum, which is forecast itself: quantiles don't add up.
    """
    whole = np.floor(days / past.days + 1e-9).astype(int)
    share = np.clip(days / past.days - whole, 0, 1)
    made: dict[int, Forecasts] = {}
    mean, quantiles = np.zeros(len(past)), np.zeros((len(past), len(LEVELS)))
    for periods in sorted(set(whole.tolist()) | set((whole + 1)[share > 1e-9].tolist())):
        weight = np.where(whole == periods, 1 - share, np.where(whole + 1 == periods, share, 0.0))
        if periods < 1 or not weight.any():
            continue
        made[periods] = forecast(past, periods)
        mean += weight * made[periods].mean
        quantiles += weight[:, None] * made[periods].quantiles
    return Forecast(mean, np.asarray(LEVELS, float), quantiles)


def backtest(past: Series, weeks: int, make: Callable[..., Forecasts] = forecast) -> dict[str, Any]:
    """Says how the same forecasts did at earlier origins, against what then sold.

    Args:
        past: what is known now.
        weeks: periods that are summed.
        make: the forecast.

    Returns:
        `origins` (their first days), `bias` (of the means' sum), `wape` (the absolute errors of the means by the
        demand), and `coverage` by level: the share of items whose demand stayed within. Empty where the past is short.
    """
    total, told, known = len(past.starts), [], []
    origins: list[str] = []
    for back in range(1, BACKTESTS + 1):
        origin = total - back * weeks
        if origin < 2 * weeks:
            break
        before = past.before(origin)
        selling = np.isfinite(before.quantity).any(1)
        told.append(make(before.of(selling), weeks))
        known.append(np.nansum(past.quantity[selling, origin : origin + weeks], axis=1))
        origins.append(str(past.starts[origin]))
    if not told:
        return {}
    demand, mean = np.concatenate(known), np.concatenate([one.mean for one in told])
    quantiles = np.concatenate([one.quantiles for one in told])
    sold = max(float(demand.sum()), 1e-9)
    return {
        "origins": origins,
        "bias": float((mean.sum() - demand.sum()) / sold),
        "wape": float(np.abs(mean - demand).sum() / sold),
        "coverage": [_covered(demand, quantiles, told[0].levels, level) for level in COVERED],
    }


def _covered(
    demand: Floats, quantiles: Floats, levels: Sequence[float] | Floats, level: float
) -> dict[str, float]:
    column = int(np.argmin(np.abs(np.asarray(levels) - level)))
    return {"level": level, "covered": float((demand <= quantiles[:, column]).mean())}
