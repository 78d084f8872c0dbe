"""The judgement: from what is known of the tables to the report `anomalies`."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from aisle.components.anomaly_gate.compare.baseline import Comparison
from aisle.components.anomaly_gate.compare.distributions import distributions
from aisle.components.anomaly_gate.evidence import Finding, TableEvidence, feature_name
from aisle.components.anomaly_gate.findings.campaigns import campaign_findings
from aisle.components.anomaly_gate.findings.complaints import complaint_findings
from aisle.components.anomaly_gate.findings.leakage import leakage_findings
from aisle.components.anomaly_gate.findings.reading import reading_findings
from aisle.components.anomaly_gate.findings.references import reference_findings
from aisle.components.anomaly_gate.findings.rows import row_findings
from aisle.components.anomaly_gate.findings.tables import quarantine_by_reason, table_findings
from aisle.components.anomaly_gate.findings.unread import unread_findings
from aisle.components.anomaly_gate.findings.validator import validator_findings
from aisle.components.anomaly_gate.options import ALLOWED, ERROR, SEVERITIES, GateOptions
from aisle.components.reports.page import visible
from aisle.schema.tables import TABLE_BY_NAME

VERSION = 1
PASSED = "passed"
BLOCKED = "blocked"
ALONE = Comparison()
"""Nothing to compare with: a first run."""


def judge(
    tables: Sequence[TableEvidence],
    options: GateOptions,
    now: int,
    comparison: Comparison = ALONE,
    unread: float = 0.0,
) -> dict[str, Any]:
    """Judges the tables of a run.

    Args:
        tables: the evidence, a table each.
        options: thresholds, severities, and what to let through.
        now: the present, in microseconds since the epoch, to tell what lies in the future.
        comparison: with the last blessed run and with logged requests, where there are any.
        unread: the share of the titles' word pieces that say nothing to the BERT that will read them.

    Returns:
        The report `anomalies`, version 1 (docs/reports.md), its anomalies the worst first.
        Its `verdict` is `blocked` where one has severity ERROR.
    """
    found = [finding for table in tables for finding in _findings(table, options, now)]
    found += [*reference_findings(tables, options), *leakage_findings(tables, options)]
    found += [*campaign_findings(tables, options, now), *complaint_findings(tables)]
    found += [*comparison.findings, *unread_findings(unread, options)]
    findings = [dataclasses.replace(f, severity=_severity(f, options)) for f in found]
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    counts = Counter(finding.severity for finding in findings)
    return {
        "version": VERSION,
        "verdict": BLOCKED if counts[ERROR] else PASSED,
        "counts": {severity: counts[severity] for severity in SEVERITIES},
        "anomalies": [_anomaly(finding) for finding in findings],
        "tables": [_table(table) for table in tables],
        "quarantine": [reason for table in tables for reason in quarantine_by_reason(table)],
        "compared": bool(comparison.baseline),
        "distributions": [
            picture
            for table in tables
            for picture in distributions(
                table, comparison.baseline.get(table.name), comparison.drift.get(table.name, {})
            )
        ],
    }


def blocking_line(report: dict[str, Any], path: str) -> str:
    """Returns the one line a stopped run ends with: how many errors, the first and what to do, and the report's path."""
    errors = [anomaly for anomaly in report["anomalies"] if anomaly["severity"] == ERROR]
    first = errors[0]
    place = f"{first['table']}.{first['feature']}" if first["feature"] else first["table"]
    noun = "anomaly" if len(errors) == 1 else "anomalies"
    what = visible(" ".join(f"{first['what']} {first['mend']}".split()))
    return f"the data holds {len(errors)} {noun} of severity ERROR; first, {place}: {what} See {path}"


def _findings(table: TableEvidence, options: GateOptions, now: int) -> Iterator[Finding]:
    yield from table_findings(table, options)
    yield from validator_findings(table)
    yield from row_findings(table, options, now)
    yield from reading_findings(table, options)


def _severity(finding: Finding, options: GateOptions) -> str:
    if finding.name in options.allowed:
        return ALLOWED
    return options.severities.get(finding.kind, finding.severity)


def _anomaly(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "severity": finding.severity,
        "table": finding.table,
        "feature": finding.feature,
        "type": finding.kind,
        "what": finding.what,
        "value": finding.value,
        "threshold": finding.threshold,
        "unit": finding.unit,
        "examples": list(finding.examples),
        "contributors": list(finding.contributors),
        "mend": finding.mend,
    }


def _table(table: TableEvidence) -> dict[str, Any]:
    """Returns a table's counts, and its columns: declared ones, extra ones, optional ones that are absent."""
    counts = {name: table.counts[name] for name in ("read", "kept", "quarantined")}
    if table.statistics is not None and table.statistics.features:
        columns = [feature_name(feature) for feature in table.statistics.features]
    else:
        columns = table.kept.schema.names if table.kept is not None else []
    declared = [column.name for column in TABLE_BY_NAME[table.name].columns if not column.bookkeeping]
    return {
        "table": table.name,
        **counts,
        "columns": {
            "declared": [name for name in declared if name in columns],
            "extra": sorted(set(columns) - set(declared) - TABLE_BY_NAME[table.name].bookkeeping),
            "absent": [name for name in declared if name not in columns],
        },
    }
