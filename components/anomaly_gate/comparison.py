"""What the tables are compared with: the last blessed run, and logged serving requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from aisle.components.anomaly_gate.compare.baseline import Baseline, Comparison, as_baseline
from aisle.components.anomaly_gate.compare.drift import DRIFT, SKEW, Limits, movements
from aisle.components.anomaly_gate.evidence import Finding, Movements, TableEvidence
from aisle.components.anomaly_gate.findings.baseline import baseline_findings, gone_tables
from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.anomaly_gate.serving_log import log_evidence, serving_findings


def compare(
    tables: Sequence[TableEvidence],
    options: GateOptions,
    baseline: Baseline,
    curated: bool,
    log: pa.Table | None,
) -> Comparison:
    """Compares the tables with what there is to compare them with.

    Args:
        tables: the evidence, a table each.
        options: thresholds.
        baseline: the tables of the last blessed run; empty where there is none.
        curated: whether the tables' schemas are curated ones.
        log: logged requests (`serving_log.read_log`), or None.
    """
    drift = {
        table.name: movements(table, baseline[table.name], _drift_limits(options), DRIFT, table.name)
        for table in tables
        if table.name in baseline
    }
    found = [*gone_tables(tables, baseline)]
    for table in tables:
        if table.name in baseline:
            found += baseline_findings(table, baseline[table.name], drift[table.name], options, curated)
    return Comparison(baseline, drift, (*found, *_skew(tables, options, log)))


def _skew(tables: Sequence[TableEvidence], options: GateOptions, log: pa.Table | None) -> Iterator[Finding]:
    events = next((table for table in tables if table.name == "events"), None)
    if log is None or events is None:
        return
    requests = log_evidence(log, events)
    limits = Limits(
        options.max_category_skew, options.max_number_skew, options.skew_by_column, options.min_compared_rows
    )
    moved: Movements = movements(requests, as_baseline(events), limits, SKEW, events.name)
    yield from serving_findings(requests, events, moved, options)


def _drift_limits(options: GateOptions) -> Limits:
    return Limits(
        options.max_category_drift,
        options.max_number_drift,
        options.drift_by_column,
        options.min_compared_rows,
    )
