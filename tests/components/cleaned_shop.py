"""A shop of one item, and the cleaner run on tables beside it; tests load it by `runpy`."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from aisle.components.cleaner.clean import CleanResult, clean
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.reports.publish import as_json
from aisle.components.reports.schemas import validate
from aisle.components.tables import PROVENANCE_SCHEMA

SECOND = 1_000_000
NOW = 1_714_557_600 * SECOND
NAN = float("nan")
ITEM = {"item_id": "10001", "title": "RED VASE"}
EVENT = {
    "timestamp": NOW - 3600 * SECOND, "event": "purchase", "item_id": "10001", "user_id": "u1",
    "session_id": "s1", "quantity": 1, "price": 2.0,
}  # fmt: skip

TYPES = {
    **dict.fromkeys(
        ("timestamp", "quantity", "joined_at", "age", "available_at", "stock", "position", "as_of"),
        pa.int64(),
    ),
    **dict.fromkeys(
        ("bid", "budget", "starts_at", "ends_at", "frequency_cap", "sponsored"),
        pa.int64(),
    ),
    **dict.fromkeys(("price", "grade", "rating", "on_hand", "on_order"), pa.float64()),
    **dict.fromkeys(
        ("lead_time_days", "lead_time_sd", "pack_size", "unit_cost", "review_days"), pa.float64()
    ),
}


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    fields = [(name, TYPES.get(name, pa.string())) for name in names]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def clean_rows(options: CleanerOptions | None = None, **tables: list[dict[str, Any]]) -> CleanResult:
    rows = {name: table_of(value) for name, value in {"items": [ITEM], **tables}.items()}
    provenance = {
        name: pa.table(
            {"file": [f"{name}.csv"] * table.num_rows, "line": range(2, table.num_rows + 2)},
            schema=PROVENANCE_SCHEMA,
        )
        for name, table in rows.items()
    }
    result = clean(rows, provenance, {}, options or CleanerOptions(), now=NOW)
    validate("cleaning", as_json(result.ledger))
    return result


def steps_of(result: CleanResult, table: str) -> dict[str, tuple[str, int]]:
    return {
        step["reason"]: (step["outcome"], step["rows"]) for step in result.ledger["tables"][table]["steps"]
    }


def gone_from(result: CleanResult) -> list[tuple[str, int, str, str]]:
    return [
        (row["table"], row["line"], row["column"], row["reason"]) for row in result.quarantine.to_pylist()
    ]
