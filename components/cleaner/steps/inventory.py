"""Cleans what is counted of items and how they are ordered."""

from __future__ import annotations

import polars as pl

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.cleaner.steps.keys import merge_duplicates, one_row_per_key
from aisle.components.cleaner.steps.missing import delete_missing, fill_missing, rules_of
from aisle.components.cleaner.steps.references import spell_as_catalogued, take_out_strangers
from aisle.components.cleaner.steps.texts import normalise
from aisle.schema.tables import MICROSECONDS_PER_DAY

_FROM_ZERO = ("lead_time_days", "lead_time_sd", "min_order", "unit_cost", "holding_rate")
_ABOVE_ZERO = ("pack_size", "review_days")


def clean_stock(
    ledger: Ledger,
    items: pl.Series,
    lost: pl.Series,
    twins: pl.DataFrame,
    options: CleanerOptions,
    now: int,
) -> None:
    """Cleans counts of stock: one for an item and a moment.

    Earlier counts stay: they say when an item was out of stock. So do counts below zero: what is owed where customers
    wait, none where they don't.

    Args:
        ledger: the stock.
        items: ids of the cleaned items.
        lost: ids of items that were quarantined.
        twins: spellings of ids that became another one.
        options: limits.
        now: microseconds UTC.
    """
    normalise(ledger, ("item_id",))
    spell_as_catalogued(ledger, items, twins)
    merge_duplicates(ledger)
    time, count = pl.col("as_of"), pl.col("on_hand")
    ledger.take_out("denoise", "timestamp at the epoch or before", "as_of", time <= 0)
    latest = now + int(options.max_future_days * MICROSECONDS_PER_DAY)
    ledger.take_out("denoise", "timestamp in the future", "as_of", time > latest)
    ledger.take_out("denoise", "bad count", "on_hand", ~count.is_finite())
    take_out_strangers(ledger, items, lost)
    _unknown_below(ledger, ("on_order",), 0)
    ledger.note("note", "stock below zero: owed to customers, or none where they don't wait", count < 0)
    # A twin's count may contradict its own; of two in one system the one that was written last holds.
    again = ~pl.struct("item_id", "as_of").is_last_distinct()
    ledger.merge("deduplicate", "counted more than once at one moment: the last read", again)
    earlier = time < time.max().over("item_id")
    ledger.note("note", "an earlier count of the item", earlier)
    _fill(ledger, options)


def clean_supply(
    ledger: Ledger, items: pl.Series, lost: pl.Series, twins: pl.DataFrame, options: CleanerOptions
) -> None:
    """Cleans how items are ordered: one row an item; a number that can't be is unknown.

    Args:
        ledger: the supply.
        items: ids of the cleaned items.
        lost: ids of items that were quarantined.
        twins: spellings of ids that became another one.
        options: limits.
    """
    normalise(ledger, ("item_id",))
    spell_as_catalogued(ledger, items, twins)
    merge_duplicates(ledger)
    take_out_strangers(ledger, items, lost)
    _unknown_below(ledger, _FROM_ZERO, 0)
    _unknown_below(ledger, _ABOVE_ZERO, 0, itself=True)
    one_row_per_key(ledger, "item_id", "lead_time_days", "")
    _fill(ledger, options)
    if "lead_time_days" in ledger.rows.columns:
        missing = pl.col("lead_time_days").is_null()
        ledger.note("note", "lead time missing: that of the setting inventory.lead_time_days", missing)


def _unknown_below(ledger: Ledger, columns: tuple[str, ...], least: float, itself: bool = False) -> None:
    """Makes numbers below the least, or that are it, unknown."""
    for name in columns:
        if name in ledger.rows.columns:
            value = pl.col(name)
            good = value.is_finite() & ((value > least) if itself else (value >= least))
            ledger.change("impute", f"bad {name}: unknown", name, pl.when(good).then(value))


def _fill(ledger: Ledger, options: CleanerOptions) -> None:
    rules = rules_of(ledger.table, options.missing)
    delete_missing(ledger, rules)
    fill_missing(ledger, rules)
