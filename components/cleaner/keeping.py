"""What would keep the rows that go for a reason: a setting of the Cleaner, or what must be mended in the feed."""

from __future__ import annotations

import re

from aisle.schema.tables import TABLE_BY_NAME

_KEEPING: dict[str, str] = {
    "non-product code": "take the pattern out of cleaner.non_product",
    "priced like no product": "set cleaner.odd_sales=0",
    "stock note": "say by cleaner.stock_notes which titles are notes ([] for none)",
    "nothing but white space": "fill {column} in the feed",
    "unknown event": "say by [values] in the settings which of our kinds it is (docs/tables.md)",
    "timestamp in the future": "raise cleaner.max_future_days, or mend the clock of who writes the feed, or the unit in reading.timestamps",
    "timestamp at the epoch": "mend the clock of who writes the feed, or the unit in reading.timestamps",
    "timestamp far from all others": "set cleaner.isolated_spans=0",
    "not a timestamp": "say by reading.timestamps how {table}.{column} is written",
    "not a number|not an integer": "say by reading.numbers how {table}.{column} is written, or mend it in the feed",
    "bad quantity": "write what came back as events called return, and leave {column} empty where it isn't known",
    "invalid UTF-8": 'save the file as UTF-8, or name its encoding, as in --set \'reading.encodings={{"{table}": "gb18030"}}\'',
    "wrong number of cells": "write as many cells into each line as the header has",
    "neither true nor false": 'say by [values.{table}.{column}] what the shop calls true and false, as in "Y" = "true"',
    "bad bid|bad budget": "write {column} in whole micros, millionths of the currency, from 0 up; a bid is 10^12 at most",
    "bad frequency_cap": "write from 1 up how often a user may see it in a day, or leave {column} empty for no limit",
    "unknown bid_kind": 'say by [values.{table}.{column}] which of click and purchase it is, as in "CPC" = "click"',
    "ended before it started": "write an end after the start",
    "neither an item nor a category|an item and a category": "give each campaign an item_id or a category",
    "unknown category": "write a category that an item is in, with / between its levels",
    "another currency": "convert all bids and budgets to one currency",
    "bad count": "write how many pieces there are, below zero for what is owed",
    "bad grade": "write grades from 0 up",
    "bot without": "set cleaner.bot_regularity=0",
    "bot ": "raise cleaner.bot_clicks",
    "item was quarantined": "keep the items first: the table items says why they are lost",
    "unknown item, of a code": "add these items to the table items, or set cleaner.odd_sales=0",
    "unknown item": "add these items to the table items",
    "purchase undone by a return": "set cleaner.keep_undone_purchases=true",
    r"\w+ outlier": 'set cleaner.{column}_outliers="note"',
    r"\w+: missing": "take {table}.{column} out of cleaner.missing",
}
"""By how a reason of the Cleaner's steps or of the reader begins, as a pattern."""


def keeping(table: str, column: str, reason: str) -> str:
    """Returns what would keep the rows of a table that go for a reason: of the Cleaner's steps, or of the reader's.

    Args:
        table: whose rows they are.
        column: whose value is wrong; "" where it is the whole row.
        reason: as the quarantine says it.
    """
    for begins, way in _KEEPING.items():
        if re.match(begins, reason):
            return way.format(table=table, column=column)
    declared = TABLE_BY_NAME[table].column(column)
    if declared is None:
        return "mend these rows in the feed"
    if declared.required:
        return f"mend {column} in the feed"
    return f"mend {column} in the feed, or leave the column out: it may be absent"
