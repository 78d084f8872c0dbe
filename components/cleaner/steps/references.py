"""Rows that name an item: how it is spelled in the catalogue, and whether it is there."""

from __future__ import annotations

import polars as pl

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.steps.keys import fold


def spell_as_catalogued(ledger: Ledger, ids: pl.Series, twins: pl.DataFrame) -> None:
    """Spells an id that only one item has, in another case or width, as that item does.

    Args:
        ledger: of rows that name an item.
        ids: of the cleaned items.
        twins: spellings of ids that became another one, see `keys.merge_twins`.
    """
    strange = ledger.rows["item_id"].drop_nulls().unique().alias("strange")
    strange = strange.filter(~strange.is_in(ids.implode()) & ~strange.is_in(twins["strange"].implode()))
    folded = pl.DataFrame({"item": ids, "folded": fold(ids)})
    only = folded.filter(~pl.col("folded").is_duplicated())
    found = pl.DataFrame({"strange": strange, "folded": fold(strange)}).join(only, on="folded")
    found = pl.concat([found.select("strange", "item"), twins])
    spelled = ledger.rows["item_id"].replace(found["strange"], found["item"])
    ledger.change("normalise", "item_id: spelled as in the catalogue", "item_id", spelled)


def take_out_strangers(
    ledger: Ledger, ids: pl.Series, lost: pl.Series, unless: pl.Expr | None = None
) -> None:
    """Takes out rows on what isn't in the catalogue, and says whether it ever was.

    Args:
        ledger: of rows that name an item.
        ids: of the cleaned items.
        lost: ids of items that were quarantined: who mends those gets these rows back.
        unless: rows that stay though they name no item of the catalogue.
    """
    item = pl.col("item_id")
    gone = ~item.is_in(ids.implode()).fill_null(False)
    gone = gone if unless is None else gone & ~unless
    was_there = gone & item.is_in(lost.implode()).fill_null(False)
    ledger.take_out("denoise", "item was quarantined", "item_id", was_there)
    ledger.take_out("denoise", "unknown item", "item_id", gone)
