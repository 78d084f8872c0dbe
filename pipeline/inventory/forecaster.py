"""One model of a shop's demand, learnt once, and forecasts of any part of its items at all horizons that are needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from aisle.components.inventory.distributions import Floats, Forecast
from aisle.model.demand.forecasts import LEVELS, Forecasts
from aisle.model.demand.rows import Span
from aisle.schema.demand import Series

HISTORY = 2
"""A sum over more than the past's length by this can't be learnt from it: shorter ones are taken so many times."""


class Forecaster:
    """Forecasts sums over several horizons.

    Args:
        spans: the horizons.
        past: what is learnt from: all items, or some drawn evenly.
    """

    def __init__(self, spans: Iterable[Span], past: Series) -> None:
        # TensorFlow takes seconds to import.
        from aisle.model.demand.model import DemandModel

        self.longest = longest(past)
        self._spans = sorted(
            {_within(span, self.longest) for span in spans}, key=lambda span: (span.after, span.periods)
        )
        self._model = DemandModel(self._spans).fit(past)
        self._made: tuple[Series, dict[Span, Forecasts]] | None = None

    def of(self, past: Series, periods: int, after: int = 0) -> Forecasts:
        """Forecasts the sum over so many periods of each item of a series, which may be another part of the shop."""
        if self._made is None or self._made[0] is not past:
            self._made = (past, dict(zip(self._spans, self._model.forecast(past), strict=True)))
        found = self._made[1][_within(Span(periods, after), self.longest)]
        times = max(periods / self.longest, 1.0)
        # Beyond what can be learnt, demand goes on as in the longest sum.
        return dataclasses.replace(
            found, periods=periods, mean=times * found.mean, quantiles=times * found.quantiles
        )

    def over_days(self, past: Series, days: Floats) -> Forecast:
        """Forecasts the sum of each item's demand over its own number of days, [n]; between whole periods on a line.

        Quantiles of several periods are those of their sum, which is forecast itself: quantiles don't add up.
        """
        mean, quantiles = np.zeros(len(past)), np.zeros((len(past), len(LEVELS)))
        for periods, weight in shares(days / past.days).items():
            made = self.of(past, periods)
            mean = mean + weight * made.mean
            quantiles = quantiles + weight[:, None] * made.quantiles
        return Forecast(mean, np.array(LEVELS), quantiles)


class Earlier:
    """Models of earlier moments: a series is forecast by the latest of them that knows nothing beyond it.

    Args:
        spans: the horizons.
        past: what is known now, of all items, or some drawn evenly.
        back: the periods at its end that the first model doesn't know.
        relearnt: the periods between two models: one alone would be older than the model that orders are made by.
    """

    def __init__(self, spans: Iterable[Span], past: Series, back: int, relearnt: int) -> None:
        spans, total = list(spans), len(past.starts)
        self._models = {
            known: Forecaster(spans, past.before(known)) for known in range(total - back, total, relearnt)
        }

    def of(self, past: Series, periods: int, after: int = 0) -> Forecasts:
        """As `Forecaster.of`, of a series that ends after what the first model knows."""
        return self._models[max(known for known in self._models if known <= len(past.starts))].of(
            past, periods, after
        )


def longest(past: Series) -> int:
    """The longest sum of periods that a past can teach."""
    return max(len(past.starts) // HISTORY - 1, 1)


def shares(periods: Floats) -> dict[int, Floats]:
    """The whole periods that numbers of them lie between, and by them how much each counts, [n]."""
    whole = np.floor(periods + 1e-9).astype(int)
    above = np.clip(periods - whole, 0, 1)
    found = {}
    for count in sorted({*whole.tolist(), *(whole + 1)[above > 1e-9].tolist()} - {0}):
        found[count] = np.where(whole == count, 1 - above, np.where(whole + 1 == count, above, 0.0))
    return found


def _within(span: Span, most: int) -> Span:
    return Span(min(span.periods, most), min(span.after, most))
