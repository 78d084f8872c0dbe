"""Findings that need the rows themselves: keys, labels, times."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from aisle.components.anomaly_gate.evidence import Finding, TableEvidence
from aisle.components.anomaly_gate.findings.names import event_names
from aisle.components.anomaly_gate.kept import MAX_EXAMPLES, where
from aisle.components.anomaly_gate.options import ERROR, WARNING, GateOptions
from aisle.components.reports.page import counted
from aisle.schema import events as kinds
from aisle.schema.events import canonical
from aisle.schema.tables import MICROSECONDS_PER_DAY, TABLE_BY_NAME, Kind

DUPLICATE_KEYS = "DUPLICATE_KEYS"
SINGLE_CLASS = "SINGLE_CLASS"
TIME_OUT_OF_RANGE = "TIME_OUT_OF_RANGE"


def row_findings(table: TableEvidence, options: GateOptions, now: int) -> Iterator[Finding]:
    """Yields what the rows show. `now` is in microseconds since the epoch."""
    if table.kept is None or not table.kept.num_rows:
        return
    yield from _duplicate_keys(table, options)
    yield from _single_class(table)
    yield from _times(table, now)


def _duplicate_keys(table: TableEvidence, options: GateOptions) -> Iterator[Finding]:
    key = list(TABLE_BY_NAME[table.name].key)
    rows = table.held
    if rows is None or not key or any(name not in rows.column_names for name in key):
        return
    keyed = rows.select(key).append_column("row", pa.array(np.arange(rows.num_rows)))
    # One chunk a column: pyarrow 10's group_by crashes over columns of unequal chunks.
    groups = keyed.combine_chunks().drop_null().group_by(key).aggregate([("row", "count"), ("row", "max")])
    repeated = groups.filter(pc.greater(groups["row_count"], 1))
    if not repeated.num_rows:
        return
    surplus = pc.sum(repeated["row_count"]).as_py() - repeated.num_rows
    share, limit = repeated.num_rows / groups.num_rows, options.max_conflicting_share
    worst = repeated.sort_by([("row_count", "descending"), (key[0], "ascending")]).slice(0, MAX_EXAMPLES)
    yield Finding(
        table.name, key[0], DUPLICATE_KEYS, ERROR if share > limit else WARNING,
        what=f"{repeated.num_rows:,} of {groups.num_rows:,} keys name more than one row "
        f"({surplus:,} rows too many).",
        value=share, threshold=limit, unit="share",
        examples=tuple(table.examples(worst["row_max"].to_pylist(), key[0])),
        mend="Give each key one row. Until then the cleaner merges them: the most frequent value wins, "
        "then the latest.",
    )  # fmt: skip


def _single_class(table: TableEvidence) -> Iterator[Finding]:
    rows, kept = table.held, table.kept
    if table.name == "events" and kept is not None and "event" in kept.schema.names:
        names = event_names(kept)["event"].drop_nulls()
        there = sorted({canonical(name) or name for name in names})
        wanted = list(kinds.weights())
        if not set(there) & set(wanted):
            yield Finding(
                "events", "event", SINGLE_CLASS, ERROR,
                what=f"Nothing to learn: no event is a {', '.join(wanted[:-1])} or {wanted[-1]}.",
                value=", ".join(there[:5]) or "no event", threshold=" or ".join(wanted),
                mend="Deliver the events that say what users wanted, or leave the table out.",
            )  # fmt: skip
    if table.name == "judgements" and rows is not None and "grade" in rows.column_names:
        grades = pc.unique(rows["grade"].drop_null()).to_pylist()
        if len(grades) < 2:
            yield Finding(
                "judgements", "grade", SINGLE_CLASS, ERROR,
                what="Nothing to learn: every judgement has the same grade.",
                value=", ".join(f"{grade:g}" for grade in grades) or "no grade",
                threshold="2 grades or more",
                mend="Deliver judgements of items that fit their query and of items that don't.",
            )  # fmt: skip


def _times(table: TableEvidence, now: int) -> Iterator[Finding]:
    """Yields timestamps that can't be: on the epoch's first day or before, or in the future."""
    kept = table.kept
    if kept is None:
        return
    for column in TABLE_BY_NAME[table.name].columns:
        if column.kind is not Kind.TIMESTAMP or column.name not in kept.schema.names:
            continue
        last = None if column.planned else now + MICROSECONDS_PER_DAY
        count, first = where(kept, column.name, functools.partial(_cannot_be, last=last))
        if not count:
            continue
        yield Finding(
            table.name, column.name, TIME_OUT_OF_RANGE, WARNING,
            what=f"{counted(count, 'time')} {'lies' if count == 1 else 'lie'} in the future or at the clock's zero (1970-01-01).",
            value=count, threshold=0, unit="rows",
            examples=tuple(_readable(table.examples(first, column.name))),
            mend="Mend the clock or the export; the rows are kept out of training and of the split.",
        )  # fmt: skip


def _cannot_be(times: pl.Series, last: int | None) -> pl.Series:
    """Which times lie on the epoch's first day or before, or after the last one that can be, if there is one."""
    wrong = times < MICROSECONDS_PER_DAY
    return wrong if last is None else wrong | (times > last)


def _readable(examples: list[dict[str, object]]) -> Iterator[dict[str, object]]:
    """Yields the examples with microseconds since the epoch as a date and time."""
    for example in examples:
        moment = np.datetime64(int(str(example["value"])), "us")
        yield {**example, "value": str(moment)[:19].replace("T", " ")}
