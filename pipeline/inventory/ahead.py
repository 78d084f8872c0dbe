"""Forecasts of a shop's items: each week ahead, sums over any number of days, and how earlier ones did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import polars as pl

from aisle.components.demand.options import DemandOptions
from aisle.components.demand.series import series
from aisle.components.inventory.distributions import Floats
from aisle.model.demand.forecasts import Forecasts
from aisle.model.demand.rows import Span
from aisle.pipeline.inventory.forecaster import Earlier, Forecaster
from aisle.pipeline.inventory.shop import Shop
from aisle.schema.demand import Series
from aisle.schema.tables import MICROSECONDS_PER_DAY

LEARNT = 20_000
"""Items that a model is learnt from, and whose past is replayed."""
RELEARNT = 7
"""Weeks between two models of the past."""
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


def learnt(shop: Shop, options: DemandOptions, spans: Iterable[Span]) -> Forecaster:
    """A model of the shop's demand."""
    return Forecaster(spans, sample(shop, options, LEARNT))


def learnt_before(shop: Shop, options: DemandOptions, spans: Iterable[Span], back: int) -> Earlier | None:
    """Models as they would have been in the last so many periods; None of none."""
    return Earlier(spans, sample(shop, options, LEARNT), back, RELEARNT) if back else None


def spans_of(weeks: int) -> list[Span]:
    """The horizons of a forecast: each week, and the sums up to each."""
    return [*(Span(1, after) for after in range(weeks)), *(Span(count + 1) for count in range(weeks))]


def looked_back(past: Series, weeks: int) -> int:
    """How many weeks a backtest needs, 0 where the past is too short for one."""
    origins = min(BACKTESTS, (len(past.starts) - 2 * weeks) // weeks)
    return max(origins, 0) * weeks


def backtest(past: Series, weeks: int, model: Earlier) -> dict[str, Any] | None:
    """Says how forecasts did at earlier origins, against what then sold.

    Args:
        past: what is known now.
        weeks: that are summed.
        model: of the last `looked_back` weeks.

    Returns:
        The record `Backtest` of the report; None where the past is too short.
    """
    told, known, origins = list[Forecasts](), list[Floats](), list[str]()
    for back in range(weeks, looked_back(past, weeks) + 1, weeks):
        origin = len(past.starts) - back
        before = past.before(origin)
        selling = np.isfinite(before.quantity).any(1)
        told.append(model.of(before.of(selling), weeks))
        known.append(np.nansum(past.quantity[selling, origin : origin + weeks], axis=1))
        origins.append(str(past.starts[origin]))
    if not told:
        return None
    demand, mean = np.concatenate(known), np.concatenate([one.mean for one in told])
    quantiles = np.concatenate([one.quantiles for one in told])
    sold = max(float(demand.sum()), 1e-9)
    return {
        "origins": origins,
        "bias": float((mean.sum() - demand.sum()) / sold),
        "wape": float(np.abs(mean - demand).sum() / sold),
        "coverage": [_covered(demand, quantiles, told[0].levels, level) for level in COVERED],
    }


def _covered(demand: Floats, quantiles: Floats, levels: Floats, level: float) -> dict[str, float]:
    column = int(np.argmin(np.abs(np.asarray(levels) - level)))
    return {"level": level, "covered": float((demand <= quantiles[:, column]).mean())}
