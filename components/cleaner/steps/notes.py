"""Notes that staff typed where a product's title belongs: told by their look and by how the item sells."""

from __future__ import annotations

import polars as pl

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.cleaner.shop.titles import looks_like_note


def take_out_titles(ledger: Ledger, unsold: pl.Series, capitals: bool, options: CleanerOptions) -> None:
    """Takes out items' rows whose title looks like a note, if the shop's own data say that it is one.

    It is one if the item has another title that looks like none, or if all that ever happened to the item was
    without a price and without anybody. A book may well be called "Lost", and a spare part "300".

    Args:
        ledger: the items.
        unsold: the ids that nobody noticed or paid for, see `shop.selling.unsold`.
        capitals: whether the catalogue is in capitals, see `shop.titles.in_capitals`.
        options: the notes' words.
    """
    like = looks_like_note(ledger.rows["title"], capitals, options)
    if not like.any():
        return
    better = ledger.rows["item_id"].filter(~like)
    item = pl.col("item_id")
    wrong = pl.lit(like) & (item.is_in(better.implode()) | item.is_in(unsold.implode()))
    kept = ledger.rows.select(pl.lit(like) & ~wrong).to_series()
    ledger.note("note", "title like a stock note: used", kept)
    ledger.take_out("denoise", "stock note in title", "title", wrong)


def take_out_lines(ledger: Ledger, free: pl.Series, capitals: bool, options: CleanerOptions) -> None:
    """Takes out events that are described by a note, if nobody in particular did them and nobody paid.

    Args:
        ledger: the events; their `description` may be absent.
        free: the ids of items that are given away.
        capitals: whether the catalogue is in capitals, see `shop.titles.in_capitals`.
        options: the notes' words.
    """
    names = ledger.rows.columns
    if "description" not in names or not {"price", "quantity"} & set(names):
        return
    nothing = [pl.col(name) <= 0 for name in ("price", "quantity") if name in names]
    unpaid = pl.any_horizontal(nothing).fill_null(False) & ~pl.col("item_id").is_in(free.implode())
    if "user_id" in names:
        unpaid = unpaid & pl.col("user_id").is_null()
    rows = ledger.rows.select("description", unpaid=unpaid)
    texts = rows["description"].filter(rows["unpaid"]).drop_nulls().unique()
    notes = texts.filter(looks_like_note(texts, capitals, options))
    wrong = rows["unpaid"] & rows["description"].is_in(notes.implode())
    ledger.take_out("denoise", "stock note in description", "description", wrong)
