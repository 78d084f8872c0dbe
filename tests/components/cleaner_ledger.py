"""A ledger opened on a small frame, and what its steps say; tests load it by `runpy`."""

from __future__ import annotations

from typing import Any

import polars as pl

from aisle.components.cleaner.ledger import Ledger
from aisle.components.tables import QUARANTINE_SCHEMA

SECOND = 1_000_000
DAY = 86_400 * SECOND


def ledger_of(table: str, rows: dict[str, Any], **kinds: Any) -> Ledger:
    frame = pl.DataFrame(rows, schema_overrides=kinds)
    places = pl.DataFrame({"file": [f"{table}.csv"] * len(frame), "line": range(2, len(frame) + 2)})
    return Ledger.open(table, frame, places, pl.DataFrame(pl.from_arrow(QUARANTINE_SCHEMA.empty_table())))


def steps_of(ledger: Ledger) -> list[tuple[str, str, int]]:
    return [(step["reason"], step["outcome"], step["rows"]) for step in ledger.steps]
