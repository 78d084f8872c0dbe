"""From events to interactions: what a user took in a session, and when, split by time."""

from __future__ import annotations

import dataclasses
import zlib

import polars as pl

from aisle.components.labeler.options import LabelerOptions
from aisle.schema.errors import InputError
from aisle.schema.tables import MICROSECONDS_PER_DAY

EVENT_WEIGHT: dict[str, float] = {"click": 0.2, "cart": 0.5, "purchase": 1.0}
"""How much of a liking each kind of event shows; also their order of strength."""

TRAIN, EVAL, TEST = "train", "eval", "test"


@dataclasses.dataclass(frozen=True)
class Splits:
    """The times (microseconds UTC) that part training, validation and test, and the goal event.

    `goal` is `purchase` where the shop has purchases, else `click`; `judgement` without events.
    """

    eval_start: int
    test_start: int
    end: int
    goal: str


def choose_splits(events: pl.DataFrame, options: LabelerOptions) -> Splits:
    """Places the test window at the end of `events` and the validation window before it.

    A window takes its days, but at most `max_share` of the data's whole time, and starts on
    midnight UTC where that leaves it non-empty.

    Args:
        events: canonical events, `timestamp` in microseconds.
        options: the windows' lengths.
    """
    positive = events.filter(pl.col("event").is_in(list(EVENT_WEIGHT)))
    if positive.is_empty():
        raise InputError(
            "the events hold no click, cart or purchase: there is nothing to learn from; "
            "add such events, or a judgements table"
        )
    first, last = int(positive["timestamp"].min()), int(positive["timestamp"].max())  # type: ignore[arg-type]
    end = last + 1
    cap = int((end - first) * options.max_share)
    test_start = _midnight(end - min(options.test_days * MICROSECONDS_PER_DAY, cap), first, end)
    eval_start = _midnight(test_start - min(options.eval_days * MICROSECONDS_PER_DAY, cap), first, test_start)
    goal = "purchase" if (positive["event"] == "purchase").any() else "click"
    return Splits(eval_start, test_start, end, goal)


def make_interactions(events: pl.DataFrame, splits: Splits) -> pl.DataFrame:
    """Merges a session's events on an item into one interaction, its strongest event.

    The interaction's time is that of its strongest event (the earliest such), so that a purchase
    in the test window never shows in training through the click before it.

    Args:
        events: canonical events; `user_id`, `session_id` and `query` may be null.
        splits: where training ends.

    Returns:
        Columns user_id, item_id, timestamp, event, weight, session_id, query, split; ascending by
        timestamp.
    """
    order = pl.col("event").replace_strict(EVENT_WEIGHT, default=None, return_dtype=pl.Float32)
    day = (pl.col("timestamp") // MICROSECONDS_PER_DAY).cast(pl.String)
    return (
        events.lazy()
        .filter(pl.col("event").is_in(list(EVENT_WEIGHT)))
        .select(
            pl.col("user_id").fill_null(""),
            "item_id",
            "timestamp",
            "event",
            order.alias("weight"),
            pl.coalesce(pl.col("session_id"), day).alias("session_id"),
            pl.col("query").fill_null(""),
        )
        .with_columns(pl.col("query").max().over("user_id", "session_id", "item_id").alias("query"))
        .sort("weight", "timestamp", descending=[True, False], maintain_order=True)
        .unique(["user_id", "session_id", "item_id"], keep="first", maintain_order=True)
        .with_columns(split_of(pl.col("timestamp"), splits).alias("split"))
        .sort("timestamp", "user_id", "session_id", "item_id")
        .collect()
    )


def split_of(timestamp: pl.Expr, splits: Splits) -> pl.Expr:
    """The split a time falls into."""
    return (
        pl.when(timestamp < splits.eval_start)
        .then(pl.lit(TRAIN))
        .when(timestamp < splits.test_start)
        .then(pl.lit(EVAL))
        .otherwise(pl.lit(TEST))
    )


def make_impressions(events: pl.DataFrame, splits: Splits) -> pl.DataFrame:
    """Joins the clicks and purchases of a session to the results it was shown for a query.

    Returns:
        Columns query, user_id, item_id, position, timestamp, click, purchase (float 0 or 1),
        split; one row per result of a search.
    """
    shown = events.filter((pl.col("event") == "impression") & (pl.col("query").fill_null("") != ""))
    keys = ["user_id", "session_id", "item_id"]

    def took(kinds: list[str], name: str) -> pl.DataFrame:
        rows = events.filter(pl.col("event").is_in(kinds)).select(keys).unique()
        return rows.with_columns(pl.lit(1.0).alias(name))

    return (
        shown.unique([*keys, "query"], keep="first", maintain_order=True)
        .join(took(["click", "cart", "purchase"], "click"), on=keys, how="left", nulls_equal=True)
        .join(took(["purchase"], "purchase"), on=keys, how="left", nulls_equal=True)
        .select(
            "query",
            pl.col("user_id").fill_null(""),
            "item_id",
            pl.col("position").fill_null(0),
            "timestamp",
            pl.col("click").fill_null(0.0),
            pl.col("purchase").fill_null(0.0),
            split_of(pl.col("timestamp"), splits).alias("split"),
        )
        .sort("timestamp", "query", "item_id")
    )


def split_judgements(judgements: pl.DataFrame) -> pl.DataFrame:
    """Puts whole queries into splits, by a hash that is the same everywhere: 8 train, 1 eval, 1 test."""
    numbers = {query: zlib.crc32(query.encode()) % 10 for query in judgements["query"].unique()}
    bucket = pl.lit(pl.Series([numbers[query] for query in judgements["query"]], dtype=pl.Int64))
    split = pl.when(bucket < 8).then(pl.lit(TRAIN)).when(bucket < 9).then(pl.lit(EVAL))
    return judgements.select("query", "item_id", "grade", split.otherwise(pl.lit(TEST)).alias("split"))


def _midnight(time: int, first: int, last: int) -> int:
    """The midnight at or before `time`, unless that leaves one side of (first, last) empty."""
    floor = time // MICROSECONDS_PER_DAY * MICROSECONDS_PER_DAY
    return floor if first < floor < last else max(first + 1, min(time, last - 1))
