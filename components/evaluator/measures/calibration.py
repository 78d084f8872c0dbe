"""Whether a predicted probability happens as often as it says."""

from __future__ import annotations

from typing import Any

import numpy as np

from aisle.components.evaluator.measures.metrics import Floats

BINS = 10


def reliability(
    predicted: Floats, observed: Floats, counts: Floats, bins: int = BINS
) -> list[dict[str, Any]]:
    """Merges the buckets of a fine histogram into bins that hold about as many examples each.

    Bins of equal mass, as Naeini et al. (2015) take them: most probabilities are small, and of ten bins
    of equal width nine would be all but empty. A bucket is never cut, so a bin may hold more or fewer.

    Args:
        predicted: sum of the predictions of each bucket, buckets by rising prediction, [buckets].
        observed: sum of the labels, [buckets].
        counts: examples, [buckets].
        bins: at most so many.

    Returns:
        A record a bin that isn't empty: the mean `predicted`, the mean `observed`, and the `count`.
    """
    total = counts.sum()
    if not total > 0:
        return []
    middle = np.cumsum(counts) - counts / 2
    places = np.minimum((middle / total * bins).astype(np.int64), bins - 1)
    sums = [np.bincount(places, values, bins) for values in (predicted, observed, counts)]
    return [
        {"predicted": float(p / n), "observed": float(o / n), "count": int(round(n))}
        for p, o, n in zip(*sums, strict=True)
        if n > 0
    ]


def calibration_error(table: list[dict[str, Any]]) -> float | None:
    """Expected calibration error (Guo et al. 2017): the bins' |observed - predicted|, by their counts.

    Args:
        table: of `reliability`.

    Returns:
        From 0 to 1; None without a bin.
    """
    total = sum(row["count"] for row in table)
    if not total:
        return None
    return float(sum(row["count"] * abs(row["observed"] - row["predicted"]) for row in table) / total)
