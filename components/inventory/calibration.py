"""Which quantile meets a fill rate: learnt by replaying the shop's own past.

The share of the demand that is sold from stock isn't the chance of no stock-out, and a forecast's quantiles are not those of
the future: what a level gave in past weeks says what it gives.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from aisle.components.inventory.distributions import Floats, Forecast
from aisle.components.inventory.replay import Replay, replay
from aisle.components.inventory.rule import Rule
from aisle.schema.demand import Series

LEVELS = (0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99)
STRETCHES = (1.15, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0)
"""Of the highest level's quantile: where sales come in bulk, no quantile of a short past is high enough."""
RULES = (*(Rule(level) for level in LEVELS), *(Rule(LEVELS[-1], stretch) for stretch in STRETCHES))
"""Replayed, the leanest first; the answer lies between two of them."""
_FEWEST = 4
"""Periods of a past that says something."""


class Sums(Protocol):
    """A forecast of sums over a horizon, whoever makes it: see `Forecast`."""

    @property
    def mean(self) -> Floats: ...
    @property
    def levels(self) -> Floats: ...
    @property
    def quantiles(self) -> Floats: ...


Forecaster = Callable[[Series, int], Sums]
"""Forecasts the sums over so many periods behind the series."""


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What levels gave in the past.

    Attributes:
        periods: how many were replayed; 0 where the past is too short, and the level is the service.
        rule: the one that meets the service, or the highest replayed where none does.
        rules: replayed.
        replays: what each gave.
    """

    periods: int
    rule: Rule
    rules: tuple[Rule, ...]
    replays: tuple[Replay, ...]

    @property
    def reached(self) -> float | None:
        """The greatest fill that any rule gave; None where nothing was replayed."""
        return max((gave.fill for gave in self.replays), default=None)

    @property
    def met(self) -> Replay | None:
        """What the least rule that is enough gave; None where nothing was replayed."""
        enough = (gave for rule, gave in zip(self.rules, self.replays, strict=True) if rule >= self.rule)
        return next(enough, None)


def calibrate(
    series: Series,
    forecast: Forecaster,
    price: Floats,
    service: float,
    lead: int,
    periods: int,
    lost: bool = True,
    rules: Sequence[Rule] = RULES,
) -> Calibration:
    """Replays the last periods by several rules, and finds the one that meets the service.

    Args:
        series: the past of all items.
        forecast: makes forecasts as of then.
        price: by which items are weighed, [n].
        service: the share of the demand's value to be sold from stock.
        lead: periods from an order to its arrival.
        periods: how many to replay; fewer where the past is short.
        lost: whether who finds nothing goes away.
        rules: to replay, ascending.
    """
    total = len(series.starts)
    periods = min(periods, total // 2)
    demand = _forecastable(series, periods)
    if periods < _FEWEST or not demand.sum():
        return Calibration(0, Rule(service), (), ())
    found = [forecast(series.before(total - back), lead + 1) for back in range(periods, 0, -1)]
    told = [Forecast(one.mean, one.levels, one.quantiles) for one in found]
    replays = tuple(
        replay(demand, np.column_stack([rule.of(one) for one in told]), price, lead, lost) for rule in rules
    )
    return Calibration(
        periods, _meeting([one.fill for one in replays], rules, service), tuple(rules), replays
    )


def _forecastable(series: Series, periods: int) -> Floats:
    """What was asked for in the last periods, of items that had sold before: no rule stocks what nobody knew of, [n, t]."""
    seen = np.maximum.accumulate(np.isfinite(series.quantity), axis=1)
    first = seen.shape[1] - periods
    before = np.column_stack([np.zeros((len(seen), 1), bool), seen])[:, first : first + periods]
    return np.where(before, np.nan_to_num(series.quantity[:, first:]), 0.0)


def _meeting(fills: Sequence[float], rules: Sequence[Rule], service: float) -> Rule:
    """The rule by which the fill reaches the service; between two, on a line (of levels, over what they let lack)."""
    reached = np.maximum.accumulate(fills)
    if reached[-1] < service:
        return rules[-1]
    at = int(np.argmax(reached >= service))
    if at == 0:
        return rules[0]
    share = (service - reached[at - 1]) / (reached[at] - reached[at - 1])
    low, high = rules[at - 1], rules[at]
    lacking = np.log1p(-np.array([low.level, high.level]))
    level = 1 - np.exp(lacking[0] + share * (lacking[1] - lacking[0]))
    return Rule(float(level), float(low.stretch + share * (high.stretch - low.stretch)))
