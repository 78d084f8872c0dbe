"""What forecasts are measured against: simple rules, intermittent demand's own methods, and gradient-boosted trees."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import stats

from aisle.model.demand.rows import FEWEST, Rows, Span
from aisle.schema.demand import Series
from benchmarks.inventory.weekly import HORIZON, LEVELS, Origin

RECENT = 8
ROWS = 60_000
"""That trees learn from, drawn at random."""
TREES = {
    "num_leaves": 31,
    "learning_rate": 0.1,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.5,
    "verbose": -1,
}


def rules(origin: Origin) -> dict[str, np.ndarray]:
    """Points of each rule: [n, HORIZON]."""
    last = origin.history[:, -RECENT:]
    told = {"naive": last[:, -1], "mean of 8 weeks": last.mean(1), "median of 8": np.median(last, 1)}
    return {name: _flat(values) for name, values in told.items()}


def of_distributions(origin: Origin) -> dict[str, np.ndarray]:
    """Quantiles of distributions fitted to the last weeks of each item: [n, HORIZON, LEVELS]."""
    last, levels = origin.history[:, -RECENT:], np.array(LEVELS)
    mean, variance = last.mean(1), last.var(1, ddof=1)
    wide = np.maximum(variance, mean * 1.0001 + 1e-9)
    size = mean**2 / (wide - mean)
    told = {
        "Poisson of the mean": stats.poisson.ppf(levels, mean[:, None]),
        "normal": np.maximum(stats.norm.ppf(levels, mean[:, None], np.sqrt(variance)[:, None] + 1e-9), 0),
        "empirical, 8 weeks": np.quantile(last, levels, axis=1).T,
        "negative binomial": np.where(
            mean[:, None] > 0,
            stats.nbinom.ppf(levels, np.maximum(size, 1e-9)[:, None], (mean / wide).clip(1e-9, 1)[:, None]),
            0,
        ),
    }
    return {name: _flat(values) for name, values in told.items()}


def intermittent(origin: Origin, slow: bool) -> dict[str, np.ndarray]:
    """Points of statsforecast's methods; with `slow` AutoETS too: [n, HORIZON]."""
    from statsforecast import StatsForecast
    from statsforecast import models as of

    methods = [of.CrostonClassic(), of.CrostonOptimized(), of.TSB(0.3, 0.3), of.ADIDA(), of.IMAPA()]
    if slow:
        methods.append(of.AutoETS())
    weeks = origin.history.shape[1]
    item, week = np.nonzero(np.arange(weeks) >= origin.first[:, None])
    long = pl.DataFrame({"unique_id": item, "ds": week, "y": origin.history[item, week]})
    told = StatsForecast(methods, freq=1, n_jobs=1).forecast(df=long, h=HORIZON).sort("unique_id", "ds")
    return {
        str(method): told[str(method)].to_numpy().reshape(-1, HORIZON).astype(float) for method in methods
    }


def trees(weekly: Series, week: int, seed: int = 1) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Points of LightGBM's L1 and median, and its quantiles of 80 trees, on the same features without titles.

    They learn from earlier origins' items, each with the week ahead as one more feature and divided by its scale.
    """
    import lightgbm  # It needs a library of the system, which only who fits trees must have.

    past = weekly.before(week)
    spans = [Span(1, ahead) for ahead in range(HORIZON)]
    rows = Rows.joined([Rows.at(past, origin, spans, None, False) for origin in range(FEWEST, week)])
    item, ahead = np.nonzero(np.isfinite(rows.totals))
    drawn = np.random.default_rng(seed).permutation(len(item))[:ROWS]
    item, ahead = item[drawn], ahead[drawn]
    inputs = np.column_stack([rows.features[item], ahead])
    data = lightgbm.Dataset(inputs, rows.totals[item, ahead] / rows.scale[item], weight=rows.weight[item])
    now = Rows.at(past, week, spans, None, False)
    measured = np.isin(now.items, Origin.of(weekly, week).items)

    def learn(objective: dict[str, object]) -> np.ndarray:
        booster = lightgbm.train({**TREES, "num_threads": 1, "seed": seed, **objective}, data, 80)
        ahead_of = [
            np.column_stack([now.features, np.full(len(now.items), ahead)]) for ahead in range(HORIZON)
        ]
        found = np.stack([np.asarray(booster.predict(one)) for one in ahead_of], 1) * now.scale[:, None]
        return np.maximum(found, 0)[measured]

    quantiles = np.stack([learn({"objective": "quantile", "alpha": level}) for level in LEVELS], -1)
    points = {"LightGBM L1, scaled": learn({"objective": "l1"}), "LightGBM, median": quantiles[:, :, 0]}
    return points, np.maximum.accumulate(quantiles, -1)


def _flat(values: np.ndarray) -> np.ndarray:
    """The same for each week ahead."""
    return np.repeat(values[:, None], HORIZON, axis=1)
