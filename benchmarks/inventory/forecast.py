"""Forecasts of Online Retail's weekly demand, four weeks ahead, beside what they must beat.

    python -m benchmarks.inventory.forecast --source ../shared/data/online-retail [--ets] [--items 1000000] \\
        [--results docs/results.md]

The origin is 2011-10-09: 44 weeks are known, 3,482 items were first sold at least 8 weeks before. A point forecast is the
median, which the best of the others are too, or the mean, which is what an order must be sized by: medians score well, and
under-order by a quarter. Both are shown. How the forecasts are made was chosen on earlier origins.

RMSSE and MASE are of Hyndman and Koehler (2006), in units of an item's own change from week to week since its first sale;
by worth they are weighted with the revenue of the last four weeks. The pinball loss is the mean of the levels 0.5, 0.75, 0.9,
0.95 and 0.99.
"""

from __future__ import annotations

import argparse
import pathlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from aisle.model.demand.model import DemandModel
from aisle.model.demand.rows import Span
from aisle.model.demand.titles import title_vectors
from aisle.schema.demand import Series
from benchmarks.data.data_path import peak_mb
from benchmarks.inventory import baselines
from benchmarks.inventory.weekly import HORIZON, LEVELS, ORIGIN, Origin, read
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table

Found = dict[str, Any]
OURS = "aisle"
CHUNK = 20_000


def _of(kind: str, row: str, key: str) -> Callable[[Found], float]:
    return lambda found: found[kind][row][key]


FIGURES = (
    Figure("wrmsse", _of("points", f"{OURS}, median", "wrmsse"), most=0.90),
    Figure("wrmsse_of_mean", _of("points", f"{OURS}, mean", "wrmsse")),
    Figure("mase", _of("points", f"{OURS}, median", "mase"), most=1.12),
    Figure("mase_of_mean", _of("points", f"{OURS}, mean", "mase")),
    Figure("bias_of_mean", _of("points", f"{OURS}, mean", "bias"), least=-0.05, most=0.05),
    Figure("pinball", _of("quantiles", OURS, "pinball"), most=0.53),
    Figure("weighted_pinball", _of("quantiles", OURS, "weighted"), most=0.45),
    *(
        Figure(f"cover_{level:g}", _of("quantiles", OURS, f"cover_{level:g}"), level - 0.015, level + 0.015)
        for level in LEVELS[2:]
    ),
    Figure("backtest_minutes", lambda found: found["backtest_minutes"], most=5.0),
    Figure("many_items_mb", lambda found: found.get("many", {}).get("mb"), most=1_000.0),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="Online Retail, a CSV file a day")
    command.add_argument("--week", type=int, default=ORIGIN, help="the origin: weeks known (default 44)")
    command.add_argument("--ets", action="store_true", help="AutoETS too, which takes as long as all else")
    command.add_argument("--items", type=int, default=1_000_000, help="forecast in parts (0: none)")
    command.add_argument("--alone", action="store_true", help="without the baselines that learn")
    command.run(measure, {"forecasts": markdown})


def measure(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """The scores of ours and of the others."""
    began = time.monotonic()
    weekly, titles = read(told.source)
    vectors = title_vectors(titles)
    origin = Origin.of(weekly, told.week)
    model, points, quantiles = backtest(weekly, vectors, told.week)
    minutes = (time.monotonic() - began) / 60
    points |= baselines.rules(origin)
    quantiles |= baselines.of_distributions(origin)
    if not told.alone:
        points |= baselines.intermittent(origin, told.ets)
        of_trees, quantiles["LightGBM, 80 trees"] = baselines.trees(weekly, told.week)
        points |= of_trees
        halves = [quantiles["LightGBM, 80 trees"], quantiles["empirical, 8 weeks"]]
        quantiles["the mean of it and the empirical"] = np.mean(halves, 0)
    found: Found = {
        "items": len(origin.items),
        "week": told.week,
        "points": {name: origin.points(forecast) for name, forecast in points.items()},
        "quantiles": {name: origin.quantiles(forecast) for name, forecast in quantiles.items()},
        "backtest_minutes": minutes,
    }
    if told.items:
        found["many"] = many(model, weekly.before(told.week), vectors, told.items)
    return found


def backtest(
    weekly: Series, vectors: np.ndarray, week: int
) -> tuple[DemandModel, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Our points [n, HORIZON] and quantiles [n, HORIZON, LEVELS] of the items measured, by the weeks before one."""
    past, items = weekly.before(week), Origin.of(weekly, week).items
    model = DemandModel([Span(1, ahead) for ahead in range(HORIZON)], LEVELS).fit(past, vectors)
    told = model.forecast(past, vectors)
    quantiles = np.stack([one.quantiles[items] for one in told], 1)
    mean = np.stack([one.mean[items] for one in told], 1)
    points = {f"{OURS}, median": quantiles[:, :, 0], f"{OURS}, mean": mean}
    return model, points, {OURS: quantiles}


def many(model: DemandModel, series: Series, vectors: np.ndarray, items: int) -> dict[str, float]:
    """Forecasts so many items, the shop's own again and again, in parts: seconds, and by how many MB memory grew."""
    before, began = peak_mb(), time.monotonic()
    total = 0.0
    for start in range(0, items, CHUNK):
        part = np.arange(start, min(start + CHUNK, items)) % len(series)
        total += sum(one.mean.sum() for one in model.forecast(series.of(part), vectors[part]))
    return {"items": items, "seconds": time.monotonic() - began, "mb": peak_mb() - before, "units": total}


def markdown(found: Found) -> str:
    """The tables people read."""
    points = [
        (name, *(f"{score[key]:.3f}" for key in ("rmsse", "wrmsse", "mase")), f"{score['bias']:+.2f}")
        for name, score in found["points"].items()
    ]
    levels = LEVELS[2:]
    quantiles = [
        (
            name,
            f"{score['pinball']:.3f}",
            f"{score['weighted']:.3f}",
            *(f"{score[f'cover_{level:g}']:.3f}" for level in levels),
        )
        for name, score in found["quantiles"].items()
    ]
    heads = ("quantiles", "pinball", "by worth", *(f"within {level:g}" for level in levels))
    took = f"{found['items']:,} items; read, learnt and forecast in {found['backtest_minutes']:.1f} minutes."
    if many_items := found.get("many"):
        took += f" {many_items['items']:,} items in parts took {many_items['seconds']:.0f} s and {many_items['mb']:.0f} MB more."
    parts = (table(("point", "RMSSE", "by worth", "MASE", "bias"), points), table(heads, quantiles))
    return "\n\n".join((took, *parts))


if __name__ == "__main__":
    main()
