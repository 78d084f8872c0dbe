"""The forecaster of a whole shop: one network for all items, blended with each item's own recent periods."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from aisle.model.demand import empirical
from aisle.model.demand.blend import blended, mean_of, shares
from aisle.model.demand.classes import CLASSES, classify
from aisle.model.demand.features import SEASONS_FROM, trend
from aisle.model.demand.forecasts import LEVELS, Forecasts, check
from aisle.model.demand.level import level
from aisle.model.demand.net import QuantileNet, Training
from aisle.model.demand.rows import FEWEST, Rows, Span
from aisle.schema.demand import Series

GRID = (0.05, 0.15, 0.25, 0.35, 0.5, 0.65, 0.75, 0.85, 0.9, 0.95, 0.975, 0.99)
"""The levels that the network learns beside those asked for: enough for a mean."""
LIMITS = (0.5, 2.0)
"""Of the factor of the means: what lies beyond comes of a handful of items."""
FEWEST_ROWS = 1_000
"""Of items at origins, from which on a network is learnt; a smaller shop gets the empirical forecasts."""


@dataclasses.dataclass(frozen=True)
class Learning:
    """How much is learnt from, and how.

    Example:
        >>> Learning(nets=1).nets
        1

    Attributes:
        rows: items at origins at most; of more, as many whole items are drawn.
        nets: networks of which the mean is taken, of different seeds.
        trials: earlier origins, the last ones that are over, on which the blend is chosen.
        training: of a network.
    """

    rows: int = 150_000
    nets: int = 3
    trials: int = 4
    training: Training = Training()


class DemandModel:
    """Forecasts the demand over several horizons.

    Example:
        >>> weeks = np.datetime64("2024-01-01") + 7 * np.arange(30)
        >>> sold = np.tile([2.0, 4.0], (40, 15))
        >>> series = Series(np.arange(40).astype(str), weeks, 7, sold, sold)
        >>> model = DemandModel([Span(2), Span(1, after=2)]).fit(series)
        >>> [round(float(one.mean[0]), 2) for one in model.forecast(series)]
        [6.0, 3.0]

    Args:
        spans: the horizons.
        levels: of the quantiles, ascending.
        learning: from how much.
    """

    def __init__(
        self, spans: Sequence[Span], levels: Sequence[float] = LEVELS, learning: Learning | None = None
    ) -> None:
        self._spans = tuple(spans)
        self._asked = np.asarray(levels, float)
        self._levels = np.asarray(sorted({*GRID, *levels}))
        self._learning = learning or Learning()
        self._nets: list[QuantileNet] = []
        self._seasons = False
        self._shop: np.ndarray | None = None
        self._share = np.zeros((len(CLASSES), len(self._spans)))
        self._factor = np.ones(len(self._spans))

    def fit(self, series: Series, vectors: np.ndarray | None = None) -> DemandModel:
        """Learns from the items of a shop; where they are too few, forecasts stay empirical.

        Args:
            series: of all items, or of a part drawn at random.
            vectors: of the same items, [n, d]; what is forecast must come with such vectors, too.

        Raises:
            InputError: there is no period, or levels or vectors make no sense.
        """
        check(series, list(self._asked), vectors)
        periods = len(series.starts)
        span = (series.starts[-1] - series.starts[0]).astype("timedelta64[D]").astype(int)
        self._seasons = bool(span >= SEASONS_FROM)
        most = max(self._learning.rows // max(periods - FEWEST, 1), 1)
        if len(series) > most:
            drawn = np.sort(np.random.default_rng(1).choice(len(series), most, replace=False))
            series, vectors = series.of(drawn), None if vectors is None else vectors[drawn]
        self._shop = trend(series)
        origins = range(FEWEST, periods)
        rows = {origin: Rows.at(series, origin, self._spans, vectors, self._seasons) for origin in origins}
        ends = max(one.periods + one.after for one in self._spans)
        step = max(ends // 2, 1)
        trials = [periods - ends - step * number for number in range(self._learning.trials)]
        before = [rows[origin] for origin in origins if origin + ends <= trials[-1]]
        if sum(len(one.items) for one in before) < FEWEST_ROWS:
            return self
        self._nets = [self._learn(Rows.joined(before), 1)]
        self._choose(series, {origin: rows[origin] for origin in trials})
        self._nets = [
            self._learn(Rows.joined([*rows.values()]), 1 + seed) for seed in range(self._learning.nets)
        ]
        if not self._seasons:
            # A season isn't seen in a level that is smoothed: there the last origins' factor stays.
            now = Rows.at(series, periods, self._spans, vectors, False, self._shop)
            self._factor = self._top_down(series, now)
        return self

    def forecast(self, series: Series, vectors: np.ndarray | None = None) -> list[Forecasts]:
        """The forecasts of each span: of all items or, so that memory is bounded, of a part of them.

        The series must end where those do that were learnt from.
        """
        rows = Rows.at(series, len(series.starts), self._spans, vectors, self._seasons, self._shop)
        net, own, own_mean = self._members(series, rows)
        classes = classify(series)[rows.items]
        quantiles = blended(net, own, self._share[classes])
        means = self._factor * blended(mean_of(net, self._levels), own_mean, self._share[classes])
        asked = np.searchsorted(self._levels, self._asked)
        found = []
        for place, span in enumerate(self._spans):
            mean, grid = np.zeros(len(series)), np.zeros((len(series), len(asked)))
            mean[rows.items], grid[rows.items] = means[:, place], quantiles[:, place][:, asked]
            found.append(Forecasts(series.item_ids, span.periods, series.days, mean, self._asked, grid))
        return found

    def _learn(self, rows: Rows, seed: int) -> QuantileNet:
        told = np.isfinite(rows.totals).any(1)
        features, scaled = rows.features[told], rows.totals[told] / rows.scale[told, None]
        training = dataclasses.replace(self._learning.training, seed=seed)
        net = QuantileNet(features, len(self._spans), self._levels, training)
        net.fit(features, scaled, rows.weight[told])
        return net

    def _choose(self, series: Series, trials: dict[int, Rows]) -> None:
        """The blend that is best on the last origins that are over, of which the network has seen nothing."""
        parts = []
        for origin, rows in trials.items():
            past = series.before(origin)
            parts.append(
                (
                    *self._members(past, rows),
                    rows.totals,
                    rows.weight / rows.scale,
                    classify(past)[rows.items],
                )
            )
        net, own, own_mean, totals, weight, classes = (
            np.concatenate(one) for one in zip(*parts, strict=True)
        )
        self._share = shares(net, own, totals, weight, classes, self._levels)
        mean = blended(mean_of(net, self._levels), own_mean, self._share[classes])
        known = np.isfinite(totals)
        came = np.where(known, totals, 0).sum(0)
        self._factor = np.clip(came / np.maximum(np.where(known, mean, 0).sum(0), 1e-9), *LIMITS)

    def _top_down(self, series: Series, rows: Rows) -> np.ndarray:
        """What makes the means of all items add up to what the whole shop's series foretells: float64 [spans]."""
        net, _, own_mean = self._members(series, rows)
        mean = blended(mean_of(net, self._levels), own_mean, self._share[classify(series)[rows.items]])
        # A period in which the shop was closed is known of no item.
        known = np.isfinite(series.quantity).any(0)
        totals = np.where(known, np.nansum(series.quantity, 0), np.nan)
        expected = [level(totals, span.periods, span.after) for span in self._spans]
        return np.clip(np.array(expected) / np.maximum(mean.sum(0), 1e-9), *LIMITS)

    def _members(self, series: Series, rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The network's quantiles, and the empirical ones with their mean, in units: [n, spans, q] twice, [n, spans]."""
        past = series.of(rows.items)
        own = [empirical.forecast(past, span.periods, self._levels) for span in self._spans]
        own_mean, own_quantiles = (np.stack(one, 1) for one in zip(*own, strict=True))
        if not self._nets:
            return np.zeros_like(own_quantiles), own_quantiles, own_mean
        net = np.mean([one.quantiles(rows.features) for one in self._nets], 0)
        return net * rows.scale[:, None, None], own_quantiles, own_mean
