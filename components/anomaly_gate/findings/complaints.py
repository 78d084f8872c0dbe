"""A finding of the reviews in the events: items that are rated badly far more often of late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl
import pyarrow as pa

from aisle.components.anomaly_gate.evidence import MAX_CONTRIBUTORS, Finding, TableEvidence
from aisle.components.anomaly_gate.findings.names import event_names
from aisle.components.anomaly_gate.kept import Rows, ask
from aisle.components.anomaly_gate.options import WARNING
from aisle.components.reports.page import counted, share
from aisle.components.reviews.changes import FEWEST, rises
from aisle.components.reviews.options import ReviewOptions
from aisle.schema.events import REVIEW, canonical
from aisle.schema.tables import EVENTS, MICROSECONDS_PER_DAY

COMPLAINTS_ROSE = "COMPLAINTS_ROSE"
_SURE = ReviewOptions(false_findings=0.01)
"""Stricter than `aisle reviews`: nobody asked a run for it."""
_NO_REVIEW = pl.DataFrame(
    schema={"item_id": pl.String, "timestamp": pl.Int64, "aspect": pl.String, "bad": pl.Boolean}
)
_COLUMNS = ("event", "item_id", "timestamp", "rating")


def complaint_findings(tables: Sequence[TableEvidence]) -> Iterator[Finding]:
    """Yields the items whose share of bad ratings at least doubled on one of the last days; see `components.reviews.changes`.

    Ratings alone tell it here: what the words say, and of what they complain, `aisle reviews` finds out.

    Args:
        tables: the evidence, a table each.
    """
    events = next((table.kept for table in tables if table.name == EVENTS.name), None)
    if events is None or not set(_COLUMNS) <= set(events.schema.names):
        return
    if "rating" not in events.numbers() or not pa.types.is_integer(events.schema.field("timestamp").type):
        return
    risen = rises(_reviews(events), _SURE)
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


def _reviews(events: Rows) -> pl.DataFrame:
    """Returns what `rises` needs of the reviews: all of items that had enough bad ones of late, of each other item one.

    Returns:
        `item_id`, `timestamp`, `aspect`, `bad`. Of an item without a rise its latest review stands for all.
    """
    names = [name for name in event_names(events)["event"].drop_nulls() if canonical(name) == REVIEW.name]

    def rated(piece: pl.DataFrame) -> pl.DataFrame:
        return piece.filter(pl.col("event").is_in(names)).drop_nulls()

    if not names:
        return _NO_REVIEW
    rating, time = pl.col("rating"), pl.col("timestamp")
    ends = ask(
        events,
        _COLUMNS,
        lambda piece: rated(piece).select(low=rating.min(), high=rating.max(), last=time.max()),
    ).select(pl.min("low"), pl.max("high"), pl.max("last"))
    low, high, last = ends.row(0)
    if last is None:
        return _NO_REVIEW
    span = high - low
    bad = (rating - low <= _SURE.bad * span) & pl.lit(span > 0)
    late = time // MICROSECONDS_PER_DAY > last // MICROSECONDS_PER_DAY - _SURE.days
    items = ask(
        events,
        _COLUMNS,
        lambda piece: rated(piece).group_by("item_id").agg(late=(bad & late).sum(), timestamp=time.max()),
        lambda shown: shown.group_by("item_id").agg(pl.sum("late"), pl.max("timestamp")),
        by="item_id",
    )
    likely = items.filter(pl.col("late") >= FEWEST)["item_id"].implode()
    aspect = pl.lit("rating").alias("aspect")
    told = ask(
        events,
        _COLUMNS,
        lambda piece: (
            rated(piece)
            .filter(pl.col("item_id").is_in(likely))
            .select("item_id", "timestamp", aspect, bad=bad)
        ),
    )
    others = items.filter(pl.col("late") < FEWEST)
    return pl.concat([told, others.select("item_id", "timestamp", aspect, bad=pl.lit(False))])
