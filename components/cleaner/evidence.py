"""Which rows a step touched, and the quarantine's records of those it took out: a frame a step."""

from __future__ import annotations

import polars as pl

from aisle.components.tables import EVIDENCE_SCHEMA, MAX_ROW, MAX_VALUE, QUARANTINE_SCHEMA
from aisle.schema.tables import TABLE_BY_NAME

# Of a few words each, repeated for every row: a number a row instead of a text.
_REPEATED = ("table", "file", "step", "reason", "outcome")


def evidence_of(table: str, places: pl.DataFrame, step: str, reason: str, outcome: str) -> pl.DataFrame:
    """Returns what one step says of the rows it touched.

    Args:
        table: whose rows they are.
        places: `file` and `line` of each.
        step: its name.
        reason: why it touched them.
        outcome: `quarantined`, `merged`, `changed` or `noted`.
    """
    said = {"table": table, "step": step, "reason": reason, "outcome": outcome}
    words = [pl.lit(text, pl.Categorical).alias(name) for name, text in said.items()]
    return places.select(pl.col("file").cast(pl.Categorical), "line", *words).select(EVIDENCE_SCHEMA.names)


def quarantine_records(
    table: str, places: pl.DataFrame, rows: pl.DataFrame, column: str, reason: str
) -> pl.DataFrame:
    """Returns the records (`tables.QUARANTINE_SCHEMA`) of rows taken out for one column's value.

    Args:
        table: whose rows they are.
        places: `file` and `line` of each.
        rows: their cells.
        column: the column that is wrong.
        reason: why.
    """
    texts = [pl.col(name).cast(pl.String).fill_null("") for name in rows.columns]
    value = pl.col(column).cast(pl.String).fill_null("") if column in rows.columns else pl.lit("")
    return rows.select(
        pl.lit(table).alias("table"),
        places["file"].cast(pl.String),
        places["line"],
        _key(table, rows).alias("key"),
        pl.lit(column).alias("column"),
        value.str.slice(0, MAX_VALUE).alias("value"),
        pl.lit(reason).alias("reason"),
        pl.concat_str(texts, separator=",").str.slice(0, MAX_ROW).alias("row"),
    ).select(QUARANTINE_SCHEMA.names)


def _key(table: str, rows: pl.DataFrame) -> pl.Expr:
    """What each row is of; null where nothing names it."""
    key = next((name for name in TABLE_BY_NAME[table].key if name in rows.columns), None)
    return pl.lit(None, pl.String) if key is None else pl.col(key).str.slice(0, MAX_VALUE)
