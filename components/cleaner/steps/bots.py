"""Sessions and users that only look, and as no person does: too fast, or at the pace of a clock."""

from __future__ import annotations

import polars as pl

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.options import CleanerOptions
from aisle.schema import events as kinds

_SECOND = 1_000_000
_PAUSE = 30 * 60 * _SECOND
"""A longer time without a click is a pause, and says nothing of the pace."""


def take_out_bots(ledger: Ledger, options: CleanerOptions) -> None:
    """Takes out all events of sessions, and then of users, that are bots."""
    for kind, key in (("session", "session_id"), ("user", "user_id")):
        if key in ledger.rows.columns:
            found = bots(ledger.rows, key, options)
            ledger.take_out("denoise", f"bot {kind}", key, pl.col(key).is_in(found.implode()))


def bots(events: pl.DataFrame, key: str, options: CleanerOptions) -> pl.Series:
    """Returns the sessions or users that are bots.

    Args:
        events: `timestamp`, `event` and the key.
        key: `session_id` or `user_id`.
        options: how many clicks make one suspect, and which pace convicts.
    """
    click = pl.col("event") == kinds.CLICK.name
    counts = events.lazy().filter(pl.col(key).is_not_null()).group_by(key).agg(
        clicks=click.sum(), bought=(~pl.col("event").is_in(kinds.looks())).sum()
    )  # fmt: skip
    suspects = counts.filter((pl.col("clicks") >= options.bot_clicks) & (pl.col("bought") == 0)).collect()
    clicks = events.filter(click & pl.col(key).is_in(suspects[key].implode())).sort("timestamp")
    gap = pl.col("timestamp").diff()
    paces = clicks.select(key, gap=gap.over(key)).filter(pl.col("gap") <= _PAUSE).group_by(key).agg(
        count=pl.len(),
        mean=pl.col("gap").mean() / _SECOND,
        median=pl.col("gap").median(),
        spread=pl.col("gap").quantile(0.75) - pl.col("gap").quantile(0.25),
    )  # fmt: skip
    fast = pl.col("mean") <= options.bot_seconds
    even = pl.col("spread") < options.bot_regularity * pl.col("median")
    # Few gaps can be even by chance: half of the clicks have to follow one.
    return paces.filter((pl.col("count") >= options.bot_clicks // 2) & (fast | even))[key]
