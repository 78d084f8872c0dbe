"""Histograms that can be compared: the same buckets then and now, whatever a few extreme values do."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import polars as pl

from aisle.components.anomaly_gate.compare.quantiles import Floats, finite, quantiles
from aisle.components.anomaly_gate.kept import Rows, ask

BUCKETS = 24
MIDDLE = (0.01, 0.99)
"""TFDV's equal-width buckets span all values: one price of 16,000 leaves the others a single bucket."""


@dataclasses.dataclass(frozen=True)
class Histogram:
    """Values counted in equal-width buckets, and beside them.

    Attributes:
        low: the lower end of the first bucket.
        high: the upper end of the last one, inclusive.
        counts: values in each bucket.
        below: values below `low`.
        above: values above `high`.
    """

    low: float
    high: float
    counts: tuple[int, ...]
    below: int = 0
    above: int = 0

    @property
    def edges(self) -> Floats:
        """Returns the buckets' ends, [buckets + 1]."""
        return np.linspace(self.low, self.high, len(self.counts) + 1)

    @property
    def total(self) -> int:
        """Returns how many values were counted, in the buckets and beside them."""
        return sum(self.counts) + self.below + self.above

    def to_json(self) -> dict[str, Any]:
        """Returns the histogram as a dictionary of its attributes."""
        return dataclasses.asdict(self)


def from_json(values: dict[str, Any]) -> Histogram:
    """Reads what `Histogram.to_json` gave."""
    return Histogram(**{**values, "counts": tuple(values["counts"])})


def middle(rows: Rows, column: str) -> Histogram | None:
    """Counts the middle 98 % of a column's finite values in `BUCKETS` buckets; None where there is no value."""

    def find() -> Histogram | None:
        ends = quantiles(rows, column, MIDDLE)
        if ends is None:
            return None
        low, high = ends
        return counted(rows, column, low, high, BUCKETS if high > low else 1)

    return rows.once(f"middle of {column}", find)


def counted(
    rows: Rows,
    column: str,
    low: float,
    high: float,
    buckets: int,
    within: tuple[float, float] = (-np.inf, np.inf),
) -> Histogram:
    """Counts a column's finite values in given buckets, those alone that lie between two ends, inclusive."""

    def show(piece: pl.DataFrame) -> pl.DataFrame:
        values = finite(piece[column])
        found = over(values[(values >= within[0]) & (values <= within[1])], low, high, buckets)
        return pl.DataFrame([(found.below, *found.counts, found.above)], orient="row")

    below, *counts, above = ask(rows, [column], show, pl.DataFrame.sum).row(0)
    return Histogram(low, high, tuple(counts), below, above)


def over(values: Floats, low: float, high: float, buckets: int) -> Histogram:
    """Counts finite values in given buckets."""
    below, above = int((values < low).sum()), int((values > high).sum())
    if np.all(np.diff(np.linspace(low, high, buckets + 1)) > 0):
        counts = np.histogram(values, bins=buckets, range=(low, high))[0]
    else:
        # Equal ends hold one value, which numpy would widen, and of ends that are hardly apart it refuses to make buckets.
        counts = np.zeros(buckets, np.int64)
        counts[0] = len(values) - below - above
    return Histogram(low, high, tuple(counts.tolist()), below, above)


def spread(histogram: Histogram, low: float, high: float, buckets: int) -> list[float]:
    """Returns a histogram's counts in other buckets, a bucket's values taken as evenly spread in it."""
    if histogram.low == histogram.high:
        place = np.clip((histogram.low - low) / ((high - low) or 1) * buckets, 0, buckets - 1)
        return [float(sum(histogram.counts)) if bucket == int(place) else 0.0 for bucket in range(buckets)]
    cumulative = np.concatenate([[0], np.cumsum(histogram.counts)])
    at = np.interp(np.linspace(low, high, buckets + 1), histogram.edges, cumulative)
    counts: list[float] = np.diff(at).tolist()
    return counts
