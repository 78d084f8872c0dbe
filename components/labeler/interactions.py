"""From events to interactions: what a user took in a session, and when, split by time."""

from __future__ import annotations

import dataclasses

import polars as pl

from aisle.components.labeler.options import LabelerOptions
from aisle.schema import events as kinds
from aisle.schema.errors import InputError
from aisle.schema.splits import EVAL, TEST, TRAIN
from aisle.schema.tables import MICROSECONDS_PER_DAY

ORDER = ("timestamp", "user_id", "session_id", "item_id")
"""In which interactions stand; no two agree in all of it."""
LIKING_ORDER = ("user_id", "timestamp", "item_id")
"""In which events that show a liking stand; those that agree in it, as they came."""


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
    positive = events.filter(pl.col("event").is_in(list(kinds.weights())))
    if positive.is_empty():
        *most, last_kind = kinds.weights()
        raise InputError(
            f"the events hold no {', '.join(most)} or {last_kind}: there is nothing to learn from; "
            "add such events, or a judgements table"
        )
    first, last = int(positive["timestamp"].min()), int(positive["timestamp"].max())  # type: ignore[arg-type]
    end = last + 1
    cap = int((end - first) * options.max_share)
    test_start = _midnight(end - min(options.test_days * MICROSECONDS_PER_DAY, cap), first, end)
    eval_start = _midnight(test_start - min(options.eval_days * MICROSECONDS_PER_DAY, cap), first, test_start)
    goal = kinds.goal(positive["event"].unique()) or kinds.CLICK.name
    return Splits(eval_start, test_start, end, goal)


def make_interactions(events: pl.DataFrame, splits: Splits) -> pl.DataFrame:
    """Merges a session's events on an item into one interaction, its strongest event.

    The interaction's time is that of its strongest event (the earliest such), so that a purchase
    in the test window never shows in training through the click before it. Its query is the latest
    one that led to the item by then: what is searched for afterwards is the future.

    A click that an ad led to is left out: attention was bought for it. A cart or a purchase is what the user took, and part
    of their history; it is marked, so that nothing learns from it what is liked.

    Args:
        events: canonical events; `user_id`, `session_id` and `query` may be null, `sponsored` a boolean or absent.
        splits: where training ends.

    Returns:
        Columns user_id, item_id, timestamp, event, weight, session_id, query, sponsored, split;
        ascending by timestamp.
    """
    if "sponsored" not in events.columns:
        events = events.with_columns(pl.lit(False).alias("sponsored"))
    clicked_ad = pl.col("sponsored") & (pl.col("event") == kinds.CLICK.name)
    order = pl.col("event").replace_strict(kinds.weights(), default=None, return_dtype=pl.Float32)
    session = pl.coalesce(pl.col("session_id"), (pl.col("timestamp") // MICROSECONDS_PER_DAY).cast(pl.String))
    query: pl.Expr = pl.when(pl.col("query") != "").then("query")
    if events["query"].null_count() < len(events):
        query = query.forward_fill().over(pl.col("user_id").fill_null(""), session, "item_id")
    return (
        events.lazy()
        .filter(pl.col("event").is_in(list(kinds.weights())) & ~clicked_ad)
        .sort("timestamp", maintain_order=True)
        .select(
            pl.col("user_id").fill_null(""),
            "item_id",
            "timestamp",
            "event",
            order.alias("weight"),
            session.alias("session_id"),
            query.fill_null("").alias("query"),
            "sponsored",
        )
        .sort("weight", "timestamp", descending=[True, False], maintain_order=True)
        .unique(["user_id", "session_id", "item_id"], keep="first", maintain_order=True)
        .with_columns(split_of(pl.col("timestamp"), splits).alias("split"))
        .sort(ORDER)
        .collect()
    )


def liking_events(events: pl.DataFrame) -> pl.DataFrame:
    """Every event of a known user that shows a liking, as it happened: what is told of them at any moment.

    An interaction knows what a click led to; at the moment of the click nobody did.

    Args:
        events: canonical events; `user_id` may be null, `sponsored` a boolean.

    Returns:
        Columns user_id, item_id, timestamp, event, and sponsored, whether an ad led to it; ascending by user and time.
    """
    return shown_likings(events).sort(LIKING_ORDER, maintain_order=True)


def shown_likings(events: pl.DataFrame) -> pl.DataFrame:
    """Returns what `liking_events` does, in the order of the events."""
    liked = pl.col("event").is_in(list(kinds.weights())) & (pl.col("user_id") != "")
    return events.select("user_id", "item_id", "timestamp", "event", "sponsored").filter(liked)


def split_of(timestamp: pl.Expr, splits: Splits) -> pl.Expr:
    """The split a time falls into."""
    return (
        pl.when(timestamp < splits.eval_start)
        .then(pl.lit(TRAIN))
        .when(timestamp < splits.test_start)
        .then(pl.lit(EVAL))
        .otherwise(pl.lit(TEST))
    )


def _midnight(time: int, first: int, last: int) -> int:
    """The midnight at or before `time`, unless that leaves one side of (first, last) empty."""
    floor = time // MICROSECONDS_PER_DAY * MICROSECONDS_PER_DAY
    return floor if first < floor < last else max(first + 1, min(time, last - 1))
