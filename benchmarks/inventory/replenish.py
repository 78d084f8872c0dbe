"""Thirteen weeks of replenishment on Online Retail: what each way to stock sells, and what it keeps.

    python -m benchmarks.inventory.replenish --source ../shared/data/online-retail [--results docs/inventory.md] [--check]

At the start of each of the 13 weeks to 2011-11-05 every item first sold eight weeks before them is ordered up to a level for two
weeks' demand; an order comes a week later, and who finds nothing goes away. It starts with the first level in stock. The fill and
the stock left at the end of a week weigh items by their mean price. The level of `aisle` is learnt on the 13 weeks before.
"""

from __future__ import annotations

import argparse
import functools
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from aisle.components.inventory.calibration import RULES, Calibration, calibrate
from aisle.components.inventory.distributions import Floats, Forecast
from aisle.components.inventory.replay import Replay, replay
from aisle.components.inventory.rule import Rule
from aisle.model.demand.forecasts import Forecasts
from aisle.schema.demand import Series
from benchmarks.inventory.weekly import YOUNGEST, read
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table

WEEKS, LEAD = 13, 1
SERVICE = 0.95
RECENT, LONG = 8, 26
"""Weeks of the baselines' means and variances."""
REFIT = 7
"""Weeks between two trainings: what lies between knows nothing of the weeks since."""
ASKED_FILL = 0.88

FIGURES = (
    Figure("fill", lambda found: _gave(found, "aisle", "fill"), least=0.93),
    Figure("weeks_of_stock", lambda found: _gave(found, "aisle", "weeks")),
    Figure("weeks_of_stock_at_0.88", lambda found: found["weeks_at"]["aisle"], most=2.6),
    Figure(
        "weeks_of_stock_at_0.88_by_negative_binomial", lambda found: found["weeks_at"]["negative binomial"]
    ),
    Figure("fill_by_negative_binomial", lambda found: _gave(found, "negative binomial", "fill")),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="Online Retail")
    command.run(measured, {"inventory-replenish": markdown})


def measured(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """What each way to stock gave."""
    weekly, _ = read(told.source)
    first = len(weekly.starts) - WEEKS
    weekly = weekly.of(np.isfinite(weekly.quantity[:, : first - YOUNGEST + 1]).any(1))
    demand = np.nan_to_num(weekly.quantity)
    price = weekly.revenue.sum(1) / np.maximum(demand.sum(1), 1e-9)
    asked = demand[:, first:]

    def gave(levels: Callable[[int], Floats]) -> Replay:
        return replay(
            asked, np.column_stack([levels(week) for week in range(first, first + WEEKS)]), price, LEAD
        )

    rows = {name: gave(functools.partial(rule, demand, SERVICE)) for name, rule in BASELINES.items()}
    curves = {
        "negative binomial": [gave(functools.partial(_nbinom, demand, rule.level)) for rule in RULES[:10]]
    }
    found, forecasts = _learnt(weekly, first, price)
    told_ = {week: Forecast(one.mean, one.levels, one.quantiles) for week, one in forecasts.items()}
    rows["aisle, 0.95 quantile"] = gave(lambda week: Rule(SERVICE).of(told_[week]))
    rows["aisle"] = gave(lambda week: found.rule.of(told_[week]))
    curves["aisle"] = [gave(functools.partial(_ruled, told_, rule)) for rule in RULES]
    return {
        "items": len(weekly),
        "rule": {"level": found.rule.level, "stretch": found.rule.stretch},
        "systems": {name: _row(one) for name, one in rows.items()},
        "weeks_at": {name: _weeks_at(curve) for name, curve in curves.items()},
        "curve": [
            {"level": rule.level, "stretch": rule.stretch, **_row(one)}
            for rule, one in zip(RULES, curves["aisle"], strict=True)
        ],
    }


def _learnt(weekly: Series, first: int, price: Floats) -> tuple[Calibration, dict[int, Forecasts]]:
    """The rule of the weeks before, and the forecasts of those measured; no model knows a week it forecasts."""
    forecasts: dict[int, Forecasts] = {}

    def known(series: Series, periods: int) -> Forecasts:
        return forecasts[len(series.starts)]

    for begin in (first - WEEKS, first):
        for start in range(begin, begin + WEEKS, REFIT):
            forecasts |= _forecast(weekly, start, min(start + REFIT, begin + WEEKS))
    return calibrate(weekly.before(first), known, price, SERVICE, LEAD, WEEKS), forecasts


def _forecast(weekly: Series, start: int, end: int) -> dict[int, Forecasts]:
    from aisle.model.demand.model import DemandModel
    from aisle.model.demand.rows import Span

    model = DemandModel([Span(LEAD + 1)]).fit(weekly.before(start))
    return {week: model.forecast(weekly.before(week))[0] for week in range(start, end)}


def _ruled(told: dict[int, Forecast], rule: Rule, week: int) -> Floats:
    return rule.of(told[week])


def _mean(demand: Floats, week: int) -> Floats:
    return np.asarray((LEAD + 1) * demand[:, week - RECENT : week].mean(1))


def _variance(demand: Floats, week: int) -> Floats:
    return np.asarray((LEAD + 1) * demand[:, week - LONG : week].var(1, ddof=1))


def _nbinom(demand: Floats, level: float, week: int) -> Floats:
    mean, variance = _mean(demand, week), _variance(demand, week)
    wide = np.maximum(variance, 1.0001 * mean + 1e-9)
    size = np.maximum(mean**2 / (wide - mean), 1e-9)
    quantile = stats.nbinom.ppf(level, size, np.clip(mean / wide, 1e-9, 1))
    return np.where(variance > mean, quantile, stats.poisson.ppf(level, mean))


BASELINES: dict[str, Callable[[Floats, float, int], Floats]] = {
    "none": lambda demand, level, week: _mean(demand, week),
    "Poisson": lambda demand, level, week: stats.poisson.ppf(level, _mean(demand, week)),
    "normal": lambda demand, level, week: (
        _mean(demand, week) + stats.norm.ppf(level) * np.sqrt(_variance(demand, week))
    ),
    "negative binomial": _nbinom,
    "five weeks of cover": lambda demand, level, week: 5 / (LEAD + 1) * _mean(demand, week),
}
"""Order-up-to levels of the demand so far, for a level of service, as of a week."""


def _row(one: Replay) -> dict[str, float]:
    return {"fill": one.fill, "in_stock": one.in_stock, "weeks": one.periods_of_stock}


def _weeks_at(curve: Sequence[Replay]) -> float | None:
    """The weeks of stock at the fill asked for, between two points of a curve; None where it is not reached."""
    fills = [one.fill for one in curve]
    weeks = [one.periods_of_stock for one in curve]
    return float(np.interp(ASKED_FILL, fills, weeks)) if fills[0] <= ASKED_FILL <= fills[-1] else None


def _gave(found: Found, system: str, what: str) -> float:
    return float(found["systems"][system][what])


def markdown(found: Found) -> str:
    """The tables people read."""
    rows = (
        (name, f"{one['fill']:.3f}", f"{one['in_stock']:.3f}", f"{one['weeks']:.2f}")
        for name, one in found["systems"].items()
    )
    rule = found["rule"]
    at = ", ".join(f"{name} {weeks:.2f}" for name, weeks in found["weeks_at"].items() if weeks is not None)
    return "\n".join(
        [
            f"{found['items']:,} items, {WEEKS} weeks, asked {SERVICE:g}. The rule learnt: {rule['stretch']:.2f} times the "
            f"{rule['level']:.3f} quantile. It took {found['minutes']} minutes.",
            "",
            table(("", "fill by value", "weeks with demand that met all of it", "weeks of stock"), rows),
            "",
            f"Weeks of stock at a fill of {ASKED_FILL:g}: {at}.",
        ]
    )


if __name__ == "__main__":
    main()
