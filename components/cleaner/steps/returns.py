"""Returns, and the purchases that they undo."""

from __future__ import annotations

import polars as pl

from aisle.components.cleaner.ledger import Ledger, flags
from aisle.components.cleaner.options import CleanerOptions
from aisle.schema import events as kinds


def tell_returns(ledger: Ledger, named: bool) -> None:
    """Makes a purchase of a quantity below zero a return, where the user had bought as many pieces of the item before.

    So many a shop's tills write returns. Where the shop has events called return it is a fault, as it is without an
    earlier purchase.

    Args:
        ledger: the events, all of an item.
        named: whether the shop has events called return.
    """
    rows, key = ledger.rows, ["user_id", "item_id"]
    if named or not {"user_id", "quantity"} <= set(rows.columns):
        return
    bought = rows.with_row_index("row").filter(
        (pl.col("event") == kinds.PURCHASE.name)
        & pl.col("user_id").is_not_null()
        & pl.col("quantity").is_finite()
    )
    bought = bought.join(bought.filter(pl.col("quantity") < 0), on=key, how="semi").sort(
        "timestamp", -pl.col("quantity"), maintain_order=True
    )
    held = bought.with_columns(held=pl.col("quantity").cum_sum().over(key))
    back = flags(len(rows), held.filter((pl.col("quantity") < 0) & (pl.col("held") >= 0))["row"])
    event = rows.select(pl.when(back).then(pl.lit(kinds.RETURN.name)).otherwise(pl.col("event"))).to_series()
    ledger.change(
        "normalise", "purchase of a quantity below zero, of what was bought before: a return", "event", event
    )


def settle_returns(ledger: Ledger, options: CleanerOptions) -> None:
    """Notes returns, and settles what becomes of the purchases that they undo in full."""
    ledger.note("note", "cancellation or return", pl.col("event") == kinds.RETURN.name)
    if not {"user_id", "quantity"} <= set(ledger.rows.columns):
        return
    back = undone(ledger.rows)
    reason = "purchase undone by a return"
    if options.keep_undone_purchases:
        ledger.note("note", reason, back)
    else:
        ledger.take_out("denoise", reason, "event", back)


def undone(rows: pl.DataFrame) -> pl.Series:
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
    moves = pieces.filter(pl.col("event").is_in([kinds.PURCHASE.name, kinds.RETURN.name])).with_columns(
        move=pl.when(pl.col("event") == kinds.RETURN.name).then(1).otherwise(-1)
    )
    moves = moves.filter((pl.col("move") == 1).any().over(key))
    moves = moves.sort("timestamp", "move", descending=True, maintain_order=True)
    moves = moves.with_columns(open=pl.col("move").cum_sum().over(key))
    lowest = pl.col("open").cum_min().shift(1).fill_null(0).over(key)
    undone = moves.filter((pl.col("move") == -1) & (pl.col("open") >= pl.min_horizontal(lowest, 0)))["row"]
    return flags(len(rows), undone)
