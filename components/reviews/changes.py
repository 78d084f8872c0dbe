"""Which complaints rose, of which item, and since when."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import polars as pl

from aisle.components.reviews.options import ReviewOptions
from aisle.schema.tables import MICROSECONDS_PER_DAY

FEWEST = 5
"""Complaints since the change."""
_TWICE = 2.0


def rises(complaints: pl.DataFrame, options: ReviewOptions) -> list[dict[str, Any]]:
    """Complaints whose share of an item's reviews at least doubled on one of the last days.

    Each of the days is tried as the start of the change by Fisher's exact test; the best one's p-value is multiplied by how
    many were tried, and the findings of all items and aspects are chosen so that few are chance (Benjamini and Hochberg, 1995).

    Args:
        complaints: a row for each review and aspect: `item_id`, `aspect`, `timestamp`, `bad` (whether it complains of that).
        options: how far back, and how many findings may be chance.

    Returns:
        `item_id`, `aspect`, `since`, `before`, `after` (shares), `p`; the surest first.
    """
    if complaints.is_empty():
        return []
    tried = []
    last = int(complaints["timestamp"].max()) // MICROSECONDS_PER_DAY  # type: ignore[arg-type]
    first = last - options.days
    late = complaints.filter(pl.col("bad") & (pl.col("timestamp") // MICROSECONDS_PER_DAY > first))
    enough = late.group_by("item_id", "aspect").len().filter(pl.col("len") >= FEWEST)
    likely = complaints.join(enough, ["item_id", "aspect"], "semi", maintain_order="left")
    for (item, aspect), rows in likely.group_by("item_id", "aspect", maintain_order=True):
        day = rows["timestamp"].to_numpy() // MICROSECONDS_PER_DAY
        found = _best(day, rows["bad"].to_numpy().astype(bool), first)
        if found:
            tried.append({"item_id": item, "aspect": aspect, **found})
    pairs = complaints.select("item_id", "aspect").n_unique()
    ordered = sorted(tried, key=lambda one: (one["p"], one["item_id"], one["aspect"]))
    kept = [n for n, one in enumerate(ordered, 1) if one["p"] <= options.false_findings * n / pairs]
    return [one for one in ordered[: max(kept, default=0)] if one["after"] >= _TWICE * one["before"]]


def _best(day: np.ndarray, bad: np.ndarray, first: int) -> dict[str, Any] | None:
    """The likeliest start of a rise after a day; None where there is none to try."""
    from scipy import stats

    starts = np.unique(day[day > max(first, day.min())])
    best: dict[str, Any] | None = None
    for start in starts:
        after = day >= start
        some, of_bad = int((bad & after).sum()), int(bad.sum())
        if some < FEWEST:
            continue
        p = float(stats.hypergeom.sf(some - 1, len(day), of_bad, int(after.sum())))
        if best is None or p < best["p"]:
            since = datetime.date(1970, 1, 1) + datetime.timedelta(days=int(start))
            shares = {"before": float(bad[~after].mean()), "after": float(bad[after].mean())}
            best = {"since": since.isoformat(), **shares, "p": p}
    return best and {**best, "p": min(1.0, best["p"] * len(starts))}
