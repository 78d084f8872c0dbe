"""Logged serving requests: read from Parquet, held against the schema and the events."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow_hotfix  # noqa: F401  refuses the malicious extension types of CVE-2023-47248
import tensorflow_data_validation as tfdv

from aisle.components.anomaly_gate.evidence import Finding, Movement, TableEvidence, listed
from aisle.components.anomaly_gate.findings.baseline import SKEW, filled_findings, movement_findings
from aisle.components.anomaly_gate.findings.validator import TYPE_CHANGES, anomaly_findings
from aisle.components.anomaly_gate.infer_schema import SERVING, infer_table_schema
from aisle.components.anomaly_gate.options import WARNING, GateOptions
from aisle.components.anomaly_gate.statistics import table_statistics
from aisle.components.storage import is_folder, list_folder, open_file
from aisle.schema.errors import InputError

NAME = "serving_log"
"""What findings call the table of requests."""
MAX_ROWS = 1_000_000
"""Requests that are looked at: those of the last files by name, as many as are needed for it."""

_TOLD = TYPE_CHANGES | {
    "SCHEMA_MISSING_COLUMN",
    "ENUM_TYPE_UNEXPECTED_STRING_VALUES",
    "FLOAT_TYPE_HAS_NAN",
    "FLOAT_TYPE_HAS_INF",
    "FLOAT_TYPE_BIG_FLOAT",
    "FLOAT_TYPE_SMALL_FLOAT",
    "INT_TYPE_BIG_INT",
    "INT_TYPE_SMALL_INT",
}
"""A log may hold columns of its own, and how full it is has a check of its own."""


def read_log(path: str, most: int = MAX_ROWS) -> pa.Table:
    """Reads the last requests of a Parquet file, or of the last files of a folder; no more row groups than they take.

    Args:
        path: the file or the folder.
        most: requests that are read.

    Returns:
        Flat columns of strings (null where empty, as in a table), int64 (times as microseconds) and float64;
        other types are left out.

    Raises:
        InputError: there is no Parquet, or it can't be read.
    """
    tables: list[pa.Table] = []
    for file in reversed(_files(path)):
        wanted = most - sum(table.num_rows for table in tables)
        if tables and wanted <= 0:
            break
        tables.append(_read(file, wanted))
    try:
        rows = pa.concat_tables(tables[::-1], promote=True)
    except pa.ArrowInvalid as error:
        first = str(error).splitlines()[0]
        raise InputError(
            f"the files of gate.serving_log={path} differ in a column's type: {first}"
        ) from error
    return rows.slice(max(0, rows.num_rows - most))


def _files(path: str) -> list[str]:
    if not is_folder(path):
        return [path]
    found = [os.path.join(path, name) for name in list_folder(path) if name.endswith(".parquet")]
    if not found:
        raise InputError(f"gate.serving_log={path} holds no .parquet file")
    return found


def _read(path: str, wanted: int) -> pa.Table:
    """Reads the last row groups of a file, as many as hold the rows that are wanted."""
    try:
        with open_file(path) as file:
            parquet, parts = pq.ParquetFile(file), list[pa.Table]()
            for group in reversed(range(parquet.num_row_groups)):
                if wanted > 0:
                    parts.append(parquet.read_row_group(group))
                    wanted -= parts[-1].num_rows
            nothing = parquet.schema_arrow.empty_table()
            return _flat(pa.concat_tables([nothing, *reversed(parts)]))
    except (OSError, pa.ArrowException) as error:
        first = str(error).splitlines()[0]
        raise InputError(f"gate.serving_log: {path} is not readable Parquet: {first}") from error


def _flat(table: pa.Table) -> pa.Table:
    return pa.table({name: column for name, column in _columns(table)})


def _columns(table: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    for name, column in zip(table.column_names, table.itercolumns(), strict=True):
        kind = column.type
        if pa.types.is_dictionary(kind):
            column, kind = column.cast(kind.value_type), kind.value_type
        if pa.types.is_timestamp(kind):
            yield name, column.cast(pa.timestamp("us", kind.tz), safe=False).cast(pa.int64())
        elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
            yield name, column.cast(pa.int64())
        elif pa.types.is_floating(kind):
            yield name, column.cast(pa.float64())
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            texts = column.cast(pa.string())
            # Who asks without a user or a query sends "", which a table's reader takes for no value.
            yield name, pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def log_evidence(rows: pa.Table, events: TableEvidence) -> TableEvidence:
    """Returns requests as the evidence of a table called `NAME` that has the schema of the events."""
    counts = {"read": rows.num_rows, "kept": rows.num_rows, "quarantined": 0}
    return TableEvidence(NAME, counts, statistics=table_statistics(rows), schema=events.schema, rows=rows)


def serving_findings(
    log: TableEvidence, events: TableEvidence, moved: Mapping[str, Movement], options: GateOptions
) -> Iterator[Finding]:
    """Yields what of the requests the schema doesn't allow, and where they differ from the events.

    Args:
        log: the requests, with their statistics.
        events: the events, with their statistics, and their schema where there is one.
        moved: how far the requests' columns are from the events'.
        options: thresholds.
    """
    if log.statistics is None or events.statistics is None:
        return
    schema = events.schema
    if schema is None or SERVING not in schema.default_environment:
        # SchemaGen knows no environments: there, what follows from an event would be missed in a request.
        schema = infer_table_schema(events.name, events.statistics)
    anomalies = tfdv.validate_statistics(listed(log.statistics), schema, environment=SERVING)
    for finding in anomaly_findings(log, anomalies, schema):
        if finding.kind in _TOLD:
            severity = finding.severity if finding.kind in TYPE_CHANGES else WARNING
            yield dataclasses.replace(finding, severity=severity)
    outcomes = {feature.name for feature in schema.feature if SERVING in feature.not_in_environment}
    for finding in filled_findings(log, events.statistics, "the events", WARNING, options):
        # `similar` names an item, other questions none: only in an event is it what was chosen.
        if finding.feature not in outcomes:
            yield finding
    yield from movement_findings(NAME, moved, SKEW, "the events")
