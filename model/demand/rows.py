"""What the network learns from: every item at many earlier moments, and what was sold after each."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from aisle.model.demand.features import features, scale, trend
from aisle.schema.demand import Series

FEWEST = 8
"""Periods before the first origin: with fewer there is hardly a history to learn from."""


@dataclasses.dataclass(frozen=True)
class Span:
    """A horizon: so many periods, so many after the last known one.

    Example:
        >>> Span(2, after=1).total(np.array([[1.0, 2, 3, 4, 5]]), origin=2).tolist()
        [9.0]
    """

    periods: int
    after: int = 0

    def total(self, quantity: np.ndarray, origin: int) -> np.ndarray:
        """The sum over the span from an origin on; NaN where a part of it is unknown or still to come: float64 [n]."""
        begin = origin + self.after
        part = quantity[:, begin : begin + self.periods]
        return part.sum(1) if part.shape[1] == self.periods else np.full(len(quantity), np.nan)


@dataclasses.dataclass(frozen=True)
class Rows:
    """Items at an origin, or at several, one below the other.

    Example:
        >>> a = Rows(np.zeros((2, 3)), np.zeros((2, 1)), np.ones(2), np.ones(2), np.zeros(2, int))
        >>> Rows.joined([a, a]).features.shape
        (4, 3)

    Attributes:
        features: float32 [rows, f].
        totals: float64 [rows, spans], units; NaN is unknown.
        scale: float64 [rows], by which totals are divided.
        weight: float64 [rows], by which a row counts when units are divided by the scale: its errors then count in units of
            the item's own change from period to period, as in Hyndman and Koehler's MASE (2006).
        items: int64 [rows], places in the series.
    """

    features: np.ndarray
    totals: np.ndarray
    scale: np.ndarray
    weight: np.ndarray
    items: np.ndarray

    @classmethod
    def at(
        cls,
        series: Series,
        origin: int,
        spans: Sequence[Span],
        vectors: np.ndarray | None,
        seasons: bool,
        shop: np.ndarray | None = None,
    ) -> Rows:
        """The items that had sold before the origin, a period's place in the series; `shop` is these series' own if None."""
        items = np.flatnonzero((series.quantity[:, :origin] > 0).any(1))
        past = series.before(origin).of(items)
        size = scale(past)
        shop = trend(past) if shop is None else shop
        own = features(past, shop, None if vectors is None else vectors[items], seasons)
        totals = np.stack([span.total(series.quantity[items], origin) for span in spans], 1)
        return cls(own, totals, size, size / change(past, size), items)

    @classmethod
    def joined(cls, rows: Sequence[Rows]) -> Rows:
        """All of them."""
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(*(np.concatenate([getattr(one, name) for one in rows]) for name in names))


def change(series: Series, size: np.ndarray) -> np.ndarray:
    """The mean absolute change from period to period since the first sale, at least a third of the size: float64 [n].

    Without that least an item that hardly sells, or ever the same, would count as much as a hundred others.
    """
    steps = np.abs(np.diff(series.quantity, axis=1))
    known = np.isfinite(steps).sum(1)
    steps_mean = np.nansum(steps, 1) / np.maximum(known, 1)
    return np.maximum(np.where(known > 0, steps_mean, size), size / 3)
