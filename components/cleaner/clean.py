"""Cleans the canonical tables; every row is used, merged or quarantined."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import polars as pl
import pyarrow as pa

from aisle.components.cleaner.ledger import FILE, LINE, Ledger
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.tables import QUARANTINE_SCHEMA
from aisle.schema.tables import EVENT_TYPES, MICROSECONDS_PER_DAY

LINES = "lines"
"""An extra column of items: how many source lines a row stands for."""


@dataclasses.dataclass(frozen=True)
class CleanResult:
    """The cleaned tables by name, the ledger (see docs/reports.md), and the rows taken out."""

    tables: dict[str, pa.Table]
    ledger: dict[str, Any]
    quarantine: pa.Table


def clean(
    tables: Mapping[str, pa.Table],
    provenance: Mapping[str, pa.Table],
    unread: Mapping[str, int],
    options: CleanerOptions,
    now: int | None = None,
) -> CleanResult:
    """Cleans tables.

    Args:
        tables: typed rows by table name; `items` is there.
        provenance: file and line of each row, by table name.
        unread: how many rows of each table the reader quarantined.
        options: patterns and limits.
        now: microseconds UTC; later timestamps are wrong. None takes the clock.
    """
    now = int(time.time() * 1e6) if now is None else now
    ledgers = {}
    for name, table in tables.items():
        rows = pl.DataFrame(pl.from_arrow(table))
        where = pl.DataFrame(pl.from_arrow(provenance[name]))
        rows = rows.with_columns(where["file"].alias(FILE), where["line"].alias(LINE))
        lost = unread.get(name, 0)
        ledger = Ledger(name, rows, len(rows) + lost)
        if lost:
            step = {"step": "read", "reason": "not readable as its type", "outcome": "quarantined", "rows": lost}
            ledger.steps.append({**step, "examples": []})
        ledgers[name] = ledger
    raw_ids = ledgers["items"].rows["item_id"]
    _clean_items(ledgers["items"], options)
    items = ledgers["items"].rows["item_id"]
    if "users" in ledgers:
        _one_row_per_key(ledgers["users"], "user_id", "country", "joined_at")
    if "events" in ledgers:
        _clean_events(ledgers["events"], items, _no_product(raw_ids, options), options, now)
    if "judgements" in ledgers:
        _clean_judgements(ledgers["judgements"], items)
    records = [record for ledger in ledgers.values() for record in ledger.quarantine]
    return CleanResult(
        tables={name: _arrow(ledger.rows.drop(FILE, LINE)) for name, ledger in ledgers.items()},
        ledger={"version": 1, "tables": {name: ledger.summary() for name, ledger in ledgers.items()}},
        quarantine=pa.Table.from_pylist(records, QUARANTINE_SCHEMA),
    )


def _clean_items(ledger: Ledger, options: CleanerOptions) -> None:
    for column in ("title", "description", "category", "brand"):
        if column in ledger.rows.columns:
            ledger.change("normalise", f"{column}: Unicode, white space or control characters", column, _normal(column))
    _merge_duplicates(ledger)
    ledger.take_out("denoise", "non-product code", "item_id", _matches(_no_product(ledger.rows["item_id"], options)))
    ledger.take_out("denoise", "stock note in title", "title", _stock_note(ledger.rows["title"], options))
    if "category" in ledger.rows.columns:
        # Two spellings of one category become the commoner one.
        folded = pl.col("category").str.to_lowercase().str.replace_all(r"\s*/\s*", "/")
        usual = pl.col("category").drop_nulls().mode().sort().first().over(folded)
        ledger.change("normalise", "category: spelling", "category", pl.when(pl.col("category").is_not_null()).then(usual))
    if "price" in ledger.rows.columns:
        good = pl.col("price").is_finite() & (pl.col("price") > 0)
        ledger.change("impute", "bad price", "price", pl.when(good).then(pl.col("price")))
    _one_row_per_key(ledger, "item_id", "title", "available_at")


def _clean_events(ledger: Ledger, items: pl.Series, no_product: str, options: CleanerOptions, now: int) -> None:
    """Takes out what can't be used; each row goes by the first reason that fits."""
    ledger.change("normalise", "event: case or white space", "event", pl.col("event").str.strip_chars().str.to_lowercase())
    _merge_duplicates(ledger)
    names = ledger.rows.columns
    ledger.take_out("denoise", "unknown event", "event", ~pl.col("event").is_in(list(EVENT_TYPES)))
    year = 365 * MICROSECONDS_PER_DAY
    ledger.take_out("denoise", "timestamp at the epoch", "timestamp", pl.col("timestamp") < year)
    latest = now + int(options.max_future_days * MICROSECONDS_PER_DAY)
    ledger.take_out("denoise", "timestamp in the future", "timestamp", pl.col("timestamp") > latest)
    ledger.take_out("denoise", "non-product code", "item_id", _matches(no_product))
    if "description" in names:
        ledger.take_out("denoise", "stock note in description", "description", _stock_note(ledger.rows["description"], options))
    bought = pl.col("event") == "purchase"
    if "price" in names:
        bad = pl.col("price").is_not_null() & ~(pl.col("price").is_finite() & (pl.col("price") > 0))
        ledger.take_out("denoise", "bad price", "price", bad & bought)
        ledger.change("impute", "bad price", "price", pl.when(~bad).then(pl.col("price")))
    if "quantity" in names:
        ledger.take_out("denoise", "bad quantity", "quantity", bought & (pl.col("quantity") <= 0))
    ledger.take_out("denoise", "unknown item", "item_id", ~pl.col("item_id").is_in(items.to_list()))
    ledger.note("note", "cancellation or return", pl.col("event") == "return")
    if "user_id" in names:
        ledger.note("note", "no customer", pl.col("user_id").is_null())


def _clean_judgements(ledger: Ledger, items: pl.Series) -> None:
    ledger.change("normalise", "query: Unicode, white space or control characters", "query", _normal("query"))
    ledger.take_out("denoise", "empty query", "query", pl.col("query").is_null())
    ledger.take_out("denoise", "bad grade", "grade", ~(pl.col("grade").is_finite() & (pl.col("grade") >= 0)))
    ledger.take_out("denoise", "unknown item", "item_id", ~pl.col("item_id").is_in(items.to_list()))
    key = ["query", "item_id"]
    ledger.change("deduplicate", "contradicting grades: their median", "grade", pl.col("grade").median().over(key))
    ledger.merge("deduplicate", "judged more than once", pl.struct(key).is_first_distinct().not_())


def _merge_duplicates(ledger: Ledger) -> None:
    columns = [name for name in ledger.rows.columns if name not in (FILE, LINE)]
    ledger.merge("deduplicate", "exact duplicate", pl.struct(columns).is_first_distinct().not_())


def _one_row_per_key(ledger: Ledger, key: str, value: str, time_column: str) -> None:
    """Keeps, per key, the row with the most frequent value; of equals the latest, then the last read."""
    rows = ledger.rows
    if value not in rows.columns:
        ledger.merge("deduplicate", f"one row per {key}", pl.col(key).is_last_distinct().not_())
        return
    if LINES in rows.columns:
        weight = pl.col(LINES).cast(pl.Float64, strict=False).fill_null(1.0)
    else:
        weight = pl.lit(1.0).repeat_by(1).explode() if rows.is_empty() else pl.lit(pl.Series([1.0] * len(rows)))
    latest = pl.col(time_column).fill_null(0) if time_column in rows.columns else pl.lit(0)
    votes = rows.with_columns(weight.alias("__weight__"), latest.alias("__time__"), pl.int_range(pl.len()).alias("__row__"))
    votes = votes.with_columns(
        pl.col("__weight__").sum().over(key, value).alias("__votes__"), pl.col("__time__").max().over(key, value)
    )
    best = votes.sort("__votes__", "__time__", "__row__").unique(key, keep="last", maintain_order=True)["__row__"]
    keep = pl.int_range(len(rows), eager=True).is_in(best.to_list())
    reason = f"one {value} per {key}: most frequent, then latest"
    ledger.merge("deduplicate", reason, ~keep)


def _normal(column: str) -> pl.Expr:
    """Unicode NFC, no control characters, single spaces; nothing left is null."""
    text = pl.col(column).str.normalize("NFC").str.replace_all(r"[\p{Cc}\s]+", " ").str.strip_chars()
    return pl.when(text != "").then(text)


def _no_product(ids: pl.Series, options: CleanerOptions) -> str:
    """The pattern of ids that are no products, the shop's own habit included."""
    patterns = list(options.non_product)
    if len(ids) and (ids.str.contains(r"^[0-9]").mean() or 0.0) >= options.product_digits:
        patterns.append("[^0-9]*")
    return "^(?:" + "|".join(patterns) + ")$"


def _matches(pattern: str) -> pl.Expr:
    return pl.col("item_id").str.contains(pattern)


def _stock_note(titles: pl.Series, options: CleanerOptions) -> pl.Series:
    """Whether a title is a note that staff typed: no letter in it, a note's word, or, in a catalogue
    of capitals, a lone word or a sentence in small letters. A missing one is not a note."""
    known = titles.drop_nulls().unique()
    capitals = (known.str.to_uppercase() == known).mean() if len(known) else 0.0
    note = ~titles.str.contains(r"\p{L}") | titles.str.to_lowercase().is_in(list(options.stock_notes))
    if (capitals or 0.0) >= options.uppercase_share:
        plain = ~titles.str.contains(r"\p{Lu}{2}") & titles.str.contains(r"(?:^|\s)\p{Ll}|^\S+$")
        note = note | plain
    return note.fill_null(False)


def _arrow(frame: pl.DataFrame) -> pa.Table:
    """An Arrow table with plain strings."""
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    fields = [pa.field(f.name, pa.string() if pa.types.is_large_string(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(fields))
