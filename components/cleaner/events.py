"""Cleans the events: what no shopper did, or what can't have happened, is taken out."""

from __future__ import annotations

import polars as pl

from aisle.components.cleaner.keys import merge_duplicates
from aisle.components.cleaner.ledger import ROW, Ledger, flags
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.cleaner.texts import cut, is_stock_note, normalise
from aisle.schema.tables import EVENT_TYPES, MICROSECONDS_PER_DAY

_SECOND = 1_000_000
_EPOCH_YEAR = 365 * MICROSECONDS_PER_DAY
"""A clock that was never set counts from 1970: nothing was sold online in that year."""
_PURCHASE = pl.col("event") == "purchase"


def clean_events(
    ledger: Ledger, items: pl.Series, no_product: str, capitals: bool, options: CleanerOptions, now: int
) -> None:
    """Cleans events; each row goes by the first reason that fits.

    Args:
        ledger: the events.
        items: the ids of the cleaned items.
        no_product: the pattern of ids that are no products.
        capitals: whether the catalogue is in capitals.
        options: patterns and limits.
        now: microseconds UTC.
    """
    normalise(ledger, ("item_id", "user_id", "session_id", "query", "text", "description"))
    ledger.change("normalise", "event: case or white space", "event", _spelling(ledger.rows["event"]))
    cut(ledger, "query", options.max_title)
    cut(ledger, "text", options.max_description)
    merge_duplicates(ledger)
    _near_duplicates(ledger, options.near_duplicate_seconds)
    ledger.take_out(
        "denoise", "unknown event", "event", ~pl.col("event").is_in(list(EVENT_TYPES)).fill_null(False)
    )
    time = pl.col("timestamp")
    ledger.take_out("denoise", "timestamp at the epoch or before", "timestamp", time < _EPOCH_YEAR)
    latest = now + int(options.max_future_days * MICROSECONDS_PER_DAY)
    ledger.take_out("denoise", "timestamp in the future", "timestamp", time > latest)
    ledger.take_out("denoise", "non-product code", "item_id", pl.col("item_id").str.contains(no_product))
    if "description" in ledger.rows.columns:
        notes = is_stock_note(ledger.rows["description"], capitals, options)
        ledger.take_out("denoise", "stock note in description", "description", notes)
    _numbers(ledger, options)
    ledger.take_out(
        "denoise", "unknown item", "item_id", ~pl.col("item_id").is_in(items.to_list()).fill_null(False)
    )
    _bots(ledger, options)
    _returns(ledger, options)
    if "user_id" in ledger.rows.columns:
        ledger.note("note", "no customer: used as anonymous", pl.col("user_id").is_null())


def _spelling(events: pl.Series) -> pl.Series:
    return events.str.strip_chars().str.to_lowercase()


def _near_duplicates(ledger: Ledger, seconds: float) -> None:
    """Merges an event into an equal one of the same user or session moments before, such as a double send."""
    who = [name for name in ("user_id", "session_id") if name in ledger.rows.columns]
    if not who:
        return
    same = [name for name in ledger.rows.columns if name not in (ROW, "timestamp")]
    known = pl.any_horizontal(pl.col(who).is_not_null())
    twice = ledger.rows.with_row_index("row").filter(known & pl.struct(same).is_duplicated())
    near = twice.sort("timestamp", maintain_order=True).filter(
        pl.col("timestamp").diff().over(same) <= int(seconds * _SECOND)
    )
    ledger.merge("deduplicate", f"the same within {seconds:g} seconds", flags(len(ledger.rows), near["row"]))


def _numbers(ledger: Ledger, options: CleanerOptions) -> None:
    """A purchase's price and quantity must be above zero if known; elsewhere a bad price is unknown."""
    names = ledger.rows.columns
    if "price" in names:
        price = pl.col("price")
        bad = price.is_not_null() & ~(price.is_finite() & (price > 0))
        ledger.take_out("denoise", "bad price", "price", bad & _PURCHASE)
        ledger.change("impute", "bad price: unknown", "price", pl.when(~bad).then(price))
    if "quantity" in names:
        ledger.take_out("denoise", "bad quantity", "quantity", _PURCHASE & (pl.col("quantity") <= 0))
        outlier = _PURCHASE & (pl.col("quantity") > options.outlier_quantity)
        ledger.note("note", f"outlier: more than {options.outlier_quantity} pieces", outlier)


def _bots(ledger: Ledger, options: CleanerOptions) -> None:
    """Takes out sessions that only click, much, and faster than a person can."""
    if "session_id" not in ledger.rows.columns:
        return
    click = pl.col("event") == "click"
    sessions = ledger.rows.filter(pl.col("session_id").is_not_null()).group_by("session_id").agg(
        clicks=click.sum(),
        other=(~pl.col("event").is_in(["click", "impression"])).sum(),
        seconds=(pl.col("timestamp").filter(click).max() - pl.col("timestamp").filter(click).min()) / _SECOND,
    )  # fmt: skip
    enough = (pl.col("clicks") >= options.bot_clicks) & (pl.col("other") == 0)
    bots = sessions.filter(enough & (pl.col("seconds") <= options.bot_seconds * (pl.col("clicks") - 1)))
    ids = bots["session_id"].to_list()
    ledger.take_out("denoise", "bot session", "session_id", pl.col("session_id").is_in(ids))


def _returns(ledger: Ledger, options: CleanerOptions) -> None:
    """Notes returns, and settles what becomes of the purchases that they undo in full."""
    ledger.note("note", "cancellation or return", pl.col("event") == "return")
    if not {"user_id", "quantity"} <= set(ledger.rows.columns):
        return
    undone = _undone(ledger.rows)
    reason = "purchase undone by a return"
    if options.keep_undone_purchases:
        ledger.note("note", reason, undone)
    else:
        ledger.take_out("denoise", reason, "event", undone)


def _undone(rows: pl.DataFrame) -> pl.Series:
    """Says which purchases a later return of as many pieces of the item by the same user undoes.

    The latest purchases are undone first, each return undoing one.
    """
    pieces = rows.with_row_index("row").filter(pl.col("user_id").is_not_null()).select(
        "row", "event", "user_id", "item_id", "timestamp", pieces=pl.col("quantity").abs()
    )  # fmt: skip
    key = ["user_id", "item_id", "pieces"]
    # From the latest event to the first: a return opens a claim, the next purchase before it takes it up.
    # On one timestamp the purchase came first. With claims counted up and purchases counted down, a
    # purchase is undone where the running sum stays above its least value so far.
    moves = pieces.filter(pl.col("event").is_in(["purchase", "return"])).with_columns(
        move=pl.when(pl.col("event") == "return").then(1).otherwise(-1)
    )
    moves = moves.filter((pl.col("move") == 1).any().over(key))
    moves = moves.sort("timestamp", "move", descending=True, maintain_order=True)
    moves = moves.with_columns(open=pl.col("move").cum_sum().over(key))
    lowest = pl.col("open").cum_min().shift(1).fill_null(0).over(key)
    undone = moves.filter((pl.col("move") == -1) & (pl.col("open") >= pl.min_horizontal(lowest, 0)))["row"]
    return flags(len(rows), undone)
