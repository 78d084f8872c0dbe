"""A finding of the reviews in the events: items that are rated badly far more often of late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from aisle.components.anomaly_gate.evidence import MAX_CONTRIBUTORS, Finding, TableEvidence
from aisle.components.anomaly_gate.options import WARNING
from aisle.components.reports.page import counted, share
from aisle.components.reviews.changes import rises
from aisle.components.reviews.options import ReviewOptions
from aisle.schema.events import REVIEW, canonical
from aisle.schema.tables import EVENTS

COMPLAINTS_ROSE = "COMPLAINTS_ROSE"
_SURE = ReviewOptions(false_findings=0.01)
"""Stricter than `aisle reviews`: nobody asked a run for it."""
_COLUMNS = ("event", "item_id", "timestamp", "rating")


def complaint_findings(tables: Sequence[TableEvidence]) -> Iterator[Finding]:
    """Yields the items whose share of bad ratings at least doubled on one of the last days; see `components.reviews.changes`.

    Ratings alone tell it here: what the words say, and of what they complain, `aisle reviews` finds out.

    Args:
        tables: the evidence, a table each.
    """
    events = next((table.rows for table in tables if table.name == EVENTS.name), None)
    if events is None or not set(_COLUMNS) <= set(events.column_names):
        return
    rows = pl.DataFrame(pl.from_arrow(events.select(_COLUMNS)))
    if not rows["rating"].dtype.is_numeric() or not rows["timestamp"].dtype.is_integer():
        return
    names = [name for name in rows["event"].drop_nulls().unique() if canonical(name) == REVIEW.name]
    rated = rows.filter(pl.col("event").is_in(names)).drop_nulls()
    rating = pl.col("rating")
    span = rating.max() - rating.min()
    bad = (rating - rating.min() <= _SURE.bad * span) & (span > 0)
    risen = rises(
        rated.select("item_id", "timestamp", pl.lit("rating").alias("aspect"), bad.alias("bad")), _SURE
    )
    if not risen:
        return
    first = risen[0]
    yield Finding(
        EVENTS.name, "rating", COMPLAINTS_ROSE, WARNING,
        what=f"Of {counted(len(risen), 'item')} the share of bad ratings at least doubled. Most surely of {first['item_id']}: "
        f"since {first['since']} {share(first['after'])}, before {share(first['before'])}.",
        value=len(risen), threshold=0,
        contributors=tuple(
            {"value": one["item_id"], "share": one["after"], "before": one["before"]}
            for one in risen[:MAX_CONTRIBUTORS]
        ),
        mend="See what changed of the item or its delivery; aisle reviews says what customers complain of.",
    )  # fmt: skip
