"""Findings about a whole table: its rows, its quarantine, its columns, its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from aisle.components.anomaly_gate.evidence import (
    Finding,
    TableEvidence,
    common_statistics,
    feature_name,
    nonfinite_counts,
)
from aisle.components.anomaly_gate.kept import MAX_EXAMPLES, ask, drawn, where
from aisle.components.anomaly_gate.options import ERROR, WARNING, GateOptions
from aisle.components.cleaner.keeping import keeping
from aisle.components.example_gen.proposal.forms import how_to_read
from aisle.components.plans.spool import ROW
from aisle.components.reports.page import counted
from aisle.schema.tables import TABLE_BY_NAME

NO_ROWS = "NO_ROWS"
QUARANTINED_ROWS = "QUARANTINED_ROWS"
REQUIRED_COLUMN_MISSING = "REQUIRED_COLUMN_MISSING"
REQUIRED_VALUE_MISSING = "REQUIRED_VALUE_MISSING"
EMPTY_COLUMN = "EMPTY_COLUMN"
NONFINITE_NUMBERS = "NONFINITE_NUMBERS"

_MOST_LOST = 200_000
"""Quarantined rows that are looked at, drawn at random, to say in which form their cells are."""
_SHOWN = ("file", "line", "value", "row")
"""Of a quarantined row that is an example."""
_ROW_CHARACTERS = 120
"""Shown of a quarantined row whose wrong value is empty."""


def table_findings(table: TableEvidence, options: GateOptions) -> Iterator[Finding]:
    """Yields what the reader's counts and TFDV's statistics show."""
    yield from _no_rows(table)
    yield from _quarantined(table, options)
    yield from _columns(table, options)
    yield from _nonfinite(table, options)


def quarantine_by_reason(table: TableEvidence) -> list[dict[str, Any]]:
    """Returns the table's quarantined rows by column and reason, the most frequent first, with examples."""
    lost = table.lost
    if lost is None:
        return []
    shown: pl.DataFrame = lost.once(
        "first of each reason", lambda: ask(lost, ["column", "reason", *_SHOWN], _first_of_each)
    )
    first = [pl.col(name).head(MAX_EXAMPLES) for name in _SHOWN]
    groups = shown.group_by("column", "reason", maintain_order=True).agg(pl.sum("rows"), *first)
    return [
        {
            "table": table.name,
            "column": group["column"],
            "reason": group["reason"],
            "rows": group["rows"],
            "examples": [
                {"file": file, "line": line, "value": value or _shortened(row or "")}
                for file, line, value, row in zip(
                    group["file"], group["line"], group["value"], group["row"], strict=True
                )
            ],
        }
        for group in groups.sort("rows", descending=True, maintain_order=True).to_dicts()
    ]


def _first_of_each(piece: pl.DataFrame) -> pl.DataFrame:
    """The first rows of each column and reason, of which the very first says how many there are."""
    rows = piece.with_columns(pl.col("column").fill_null(""))
    each = ("column", "reason")
    nth, count = pl.int_range(pl.len()).over(each), pl.len().over(each).cast(pl.Int64)
    rows = rows.with_columns(nth=nth, rows=pl.when(nth == 0).then(count).otherwise(0))
    return rows.filter(pl.col("nth") < MAX_EXAMPLES).drop("nth")


def _shortened(text: str) -> str:
    return text if len(text) <= _ROW_CHARACTERS else text[: _ROW_CHARACTERS - 1] + "…"


def _no_rows(table: TableEvidence) -> Iterator[Finding]:
    if table.counts["kept"] == 0:
        read = table.counts["read"]
        yield Finding(
            table.name, "", NO_ROWS, ERROR,
            what=f"No data: {read:,} rows were read, and none can be used.",
            value=0, threshold=1, unit="rows",
            mend="Deliver a table with rows; an optional table may also be left out altogether.",
        )  # fmt: skip


def _quarantined(table: TableEvidence, options: GateOptions) -> Iterator[Finding]:
    quarantined, read = table.counts["quarantined"], table.counts["read"]
    if not quarantined:
        return
    share, limit = quarantined / read, options.quarantined_share(table.name)
    reasons = quarantine_by_reason(table)
    listed = ", ".join(f"{r['reason']} ({r['rows']:,})" for r in reasons[:MAX_EXAMPLES])
    yield Finding(
        table.name, "", QUARANTINED_ROWS, ERROR if share > limit else WARNING,
        what=f"{quarantined:,} of {read:,} rows can't be used and are quarantined"
        + (f"; most often: {listed}." if listed else "."),
        value=share, threshold=limit, unit="share",
        examples=tuple(example for reason in reasons for example in reason["examples"])[:MAX_EXAMPLES],
        mend="Mend the rows at their source. The quarantine holds each with its file, line and reason."
        + _settings(table),
    )  # fmt: skip


def _settings(table: TableEvidence) -> str:
    """What would read the rows that are lost for the commonest reason, where its column's form can be said."""
    lost = table.lost
    if lost is None or not lost.num_rows:
        return ""
    each = ("column", "reason")
    of_pieces = ask(lost, each, lambda piece: piece.group_by(each).len())
    rare_first = of_pieces.group_by(each).agg(pl.sum("len")).sort("len", "reason", "column")
    column, reason = rare_first.select(each).row(-1)
    alike = pl.col("column").eq_missing(pl.lit(column, pl.String)) & (pl.col("reason") == reason)
    shown = ask(
        lost,
        (*each, "value"),
        lambda piece: drawn(piece, lost.num_rows, _MOST_LOST).filter(alike).select(ROW, "value").drop_nulls(),
    )
    cells = shown["value"].to_list()
    way = (
        how_to_read(TABLE_BY_NAME[table.name], column, cells)
        if column and cells
        else keeping(table.name, column or "", reason)
    )
    return f" Of '{reason}': {way}."


def _columns(table: TableEvidence, options: GateOptions) -> Iterator[Finding]:
    """Yields required columns that are gone or have gaps, and columns that hold nothing."""
    declared = TABLE_BY_NAME[table.name]
    if table.statistics is None or not table.statistics.num_examples:
        return
    present = {feature_name(f): common_statistics(f) for f in table.statistics.features}
    for column in declared.columns:
        if column.required and column.name not in present:
            yield Finding(
                table.name, column.name, REQUIRED_COLUMN_MISSING, ERROR,
                what="The table needs this column and hasn't got it.",
                mend="Add the column to the feed, or rename the one that holds it.",
            )  # fmt: skip
    required = {column.name for column in declared.columns if column.required}
    # The gateway writes every column that there is, bookkeeping too: one that is empty says nothing.
    there = set() if table.kept is None else set(table.kept.schema.names)
    whole = bool(declared.bookkeeping) and {column.name for column in declared.columns} <= there
    for name, common in sorted(present.items()):
        missing, total = common.num_missing, common.num_missing + common.num_non_missing
        if missing and name in required:
            yield _required_missing(table, name, missing, total, options)
        elif missing == total and not (whole and declared.column(name)):
            yield Finding(
                table.name, name, EMPTY_COLUMN, WARNING,
                what="The column is there, but every cell of it is empty.",
                value=0.0, threshold="above 0", unit="share",
                mend="Fill the column, or take it out of the feed.",
            )  # fmt: skip


def _required_missing(
    table: TableEvidence, name: str, missing: int, total: int, options: GateOptions
) -> Finding:
    share, limit = missing / total, options.max_missing_share
    gaps: list[int] = []
    if table.kept is not None and name in table.kept.schema.names:
        gaps = where(table.kept, name, pl.Series.is_null)[1]
    return Finding(
        table.name, name, REQUIRED_VALUE_MISSING, ERROR if share > limit else WARNING,
        what=f"{missing:,} of {total:,} rows lack a value they need.",
        value=share, threshold=limit, unit="share",
        examples=tuple(table.examples(gaps, name)),
        mend="Fill the value at its source; the cleaner quarantines rows that stay without it.",
    )  # fmt: skip


def _nonfinite(table: TableEvidence, options: GateOptions) -> Iterator[Finding]:
    for feature in table.statistics.features if table.statistics is not None else ():
        total = common_statistics(feature).num_non_missing
        count = sum(nonfinite_counts(feature.num_stats))
        if not count:
            continue
        share, limit = min(count / max(total, count), 1.0), options.max_nonfinite_share
        name = feature_name(feature)
        rows: list[int] = []
        if table.kept is not None and name in table.kept.schema.names:
            rows = where(table.kept, name, lambda numbers: ~numbers.is_finite())[1]
        yield Finding(
            table.name, name, NONFINITE_NUMBERS, ERROR if share > limit else WARNING,
            what=f"{counted(count, 'number')} {'is' if count == 1 else 'are'} NaN or infinite.",
            value=share, threshold=limit, unit="share",
            examples=tuple(table.examples(rows, name)),
            mend="Leave unknown numbers empty: a NaN or an infinity spoils every mean it enters.",
        )  # fmt: skip
