"""Findings against the last blessed run: tables, rows, columns, values and distributions that changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2

from aisle.components.anomaly_gate.compare.baseline import Baseline, TableBaseline
from aisle.components.anomaly_gate.evidence import (
    Finding,
    Movement,
    TableEvidence,
    common_statistics,
    feature_name,
    listed,
)
from aisle.components.anomaly_gate.findings.validator import anomaly_findings
from aisle.components.anomaly_gate.options import ERROR, WARNING, GateOptions
from aisle.components.reports.page import share

TABLE_GONE = "TABLE_GONE"
ROW_COUNT_LOW = "ROW_COUNT_LOW"
ROW_COUNT_HIGH = "ROW_COUNT_HIGH"
FILLED_CHANGED = "FILLED_CHANGED"
DRIFT = "DRIFT"
SKEW = "SKEW"

LAST = "the last blessed run"
_MEND_ROWS = "See whether the feed is cut short or doubled; if the shop changed so much, allow it once."
_MEND_MOVED = "See what changed at the source; if the shop itself did, allow it once: a blessed run moves on."


def gone_tables(tables: Sequence[TableEvidence], baseline: Baseline) -> Iterator[Finding]:
    """Yields the tables that the last blessed run had, and this one hasn't."""
    for name in sorted(set(baseline) - {table.name for table in tables}):
        yield Finding(
            name, "", TABLE_GONE, ERROR,
            what=f"The table is gone: {LAST} had {baseline[name].rows:,} rows of it.",
            value=0, threshold=1, unit="rows",
            mend="Deliver the table, or allow its absence.",
        )  # fmt: skip


def baseline_findings(
    table: TableEvidence,
    before: TableBaseline,
    moved: Mapping[str, Movement],
    options: GateOptions,
    curated: bool,
) -> Iterator[Finding]:
    """Yields what changed in one table.

    Args:
        table: as it is.
        before: as it was.
        moved: how far its columns moved.
        options: thresholds.
        curated: whether ExampleValidator held the table against a curated schema. Without one it
            knows only the schema of this very table, and the last blessed run's takes its place.
    """
    yield from _row_count(table, before, options)
    if table.statistics is None or not table.counts["kept"] or not before.rows:
        return
    if not curated:
        yield from _unexpected(table, before)
    yield from filled_findings(table, before.statistics, LAST, ERROR, options)
    yield from movement_findings(table.name, moved, DRIFT, LAST)


def movement_findings(table: str, moved: Mapping[str, Movement], kind: str, other: str) -> Iterator[Finding]:
    """Yields the columns that moved further than their threshold; `other` is what they moved from."""
    for movement in moved.values():
        if movement.value <= movement.threshold:
            continue
        first = movement.contributors[0] if movement.contributors else None
        most = (
            f" Most: {first['value']}, from {share(first['before'])} to {share(first['share'])} of the values."
            if first
            else ""
        )
        yield Finding(
            table, movement.column, kind, ERROR,
            what=f"The values moved from those of {other}, by {movement.measure}.{most}",
            value=movement.value, threshold=movement.threshold,
            contributors=movement.contributors, mend=_MEND_MOVED,
        )  # fmt: skip


def filled_findings(
    table: TableEvidence,
    before: statistics_pb2.DatasetFeatureStatistics,
    other: str,
    severity: str,
    options: GateOptions,
) -> Iterator[Finding]:
    """Yields the columns whose share of filled rows moved too far from that in other statistics."""
    now, then = _filled(table.statistics), _filled(before)
    for name in now:
        if name not in then or min(now[name][1], then[name][1]) < options.min_compared_rows:
            continue
        new, old = now[name][0], then[name][0]
        if abs(new - old) > options.max_filled_change:
            yield Finding(
                table.name, name, FILLED_CHANGED, severity,
                what=f"The column is filled in {share(new)} of the rows; in {other} it was in {share(old)}.",
                value=abs(new - old), threshold=options.max_filled_change, unit="share", mend=_MEND_MOVED,
            )  # fmt: skip


def _filled(
    statistics: statistics_pb2.DatasetFeatureStatistics | None,
) -> dict[str, tuple[float, int]]:
    """Returns each column's share of filled rows, and the number of rows."""
    found = {}
    for feature in statistics.features if statistics is not None else ():
        common = common_statistics(feature)
        rows = common.num_non_missing + common.num_missing
        if rows:
            found[feature_name(feature)] = (common.num_non_missing / rows, rows)
    return found


def _row_count(table: TableEvidence, before: TableBaseline, options: GateOptions) -> Iterator[Finding]:
    kept = table.counts["kept"]
    if not before.rows or not kept:
        return
    change, limit = kept / before.rows - 1, options.max_row_count_change
    if abs(change) > limit:
        verb = "rose" if change > 0 else "fell"
        yield Finding(
            table.name, "", ROW_COUNT_HIGH if change > 0 else ROW_COUNT_LOW, WARNING if change > 0 else ERROR,
            what=f"The rows {verb} from {before.rows:,} in {LAST} to {kept:,}.",
            value=abs(change), threshold=limit, unit="share", mend=_MEND_ROWS,
        )  # fmt: skip


def _unexpected(table: TableEvidence, before: TableBaseline) -> Iterator[Finding]:
    """Yields new and missing columns, changed types and new values: what TFDV finds against the old schema."""
    if table.statistics is None:
        return
    schema = tfdv.infer_schema(listed(before.statistics), infer_feature_shape=False)
    for feature in schema.feature:
        # How full a column is has a check of its own, with a threshold.
        feature.presence.ClearField("min_fraction")
    anomalies = tfdv.validate_statistics(listed(table.statistics), schema)
    for finding in anomaly_findings(table, anomalies, schema):
        # Nobody has said that the column must be there: a required one has a check of its own.
        gone = finding.kind == "SCHEMA_MISSING_COLUMN"
        yield dataclasses.replace(finding, severity=WARNING) if gone else finding
