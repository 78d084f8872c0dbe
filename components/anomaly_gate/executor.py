"""Runs the AnomalyGate: artifacts to evidence, `judge`, the report, and the stop."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2
from tfx import types
from tfx.components.example_validator import executor as example_validator
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from aisle.components.anomaly_gate.compare.baseline import FOLDER, Baseline, read_baseline, write_baseline
from aisle.components.anomaly_gate.comparison import compare
from aisle.components.anomaly_gate.evidence import TableEvidence, without_bookkeeping
from aisle.components.anomaly_gate.judge import BLOCKED, blocking_line, judge
from aisle.components.anomaly_gate.kept import Rows, lost_rows, stored_rows
from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.anomaly_gate.serving_log import read_log
from aisle.components.quarantine_files import write_for_people
from aisle.components.reports import write_anomalies
from aisle.components.storage import open_file
from aisle.components.tables import (
    QUARANTINE_SCHEMA,
    ROWS_SPLIT,
    StoredRows,
    read_counts,
    read_provenance,
    read_rows,
)
from aisle.schema.errors import GateBlocked
from aisle.schema.tables import EVENTS, TABLES

InputDict = dict[str, list[types.Artifact]]


def input_key(table: str, kind: str) -> str:
    """Names the input that holds one kind of artifact of one table, as `items_statistics`."""
    return f"{table}_{kind}"


class Executor(base_executor.BaseExecutor):
    """Reads what is known of each table, writes the report, and raises where it blocks."""

    def Do(
        self,
        input_dict: InputDict,
        output_dict: InputDict,
        exec_properties: dict[str, Any],
    ) -> None:
        """See `base_executor.BaseExecutor.Do`.

        Raises:
            GateBlocked: if the data holds an anomaly of severity ERROR. The report is in `reports_dir`
                and the unreadable rows are in `quarantine_dir` by then: TFX removes the output of a
                component that failed.
        """
        options = GateOptions.from_json(exec_properties["options"])
        with contextlib.ExitStack() as opened:
            tables = [
                _evidence(table.name, input_dict, opened)
                for table in TABLES
                if _given(input_dict, table.name)
            ]
            self._judge(tables, options, output_dict, exec_properties)

    def _judge(
        self,
        tables: list[TableEvidence],
        options: GateOptions,
        output_dict: InputDict,
        exec_properties: dict[str, Any],
    ) -> None:
        comparison = compare(
            tables,
            options,
            baseline=_baseline(options.baseline or exec_properties["baseline"]),
            curated=bool(exec_properties["curated"]),
            log=read_log(options.serving_log) if options.serving_log else None,
        )
        now = time.time_ns() // 1000
        report = judge(tables, options, now, comparison, unread=exec_properties.get("unread", 0.0))
        reports_dir = exec_properties["reports_dir"]
        page = write_anomalies(report, reports_dir)
        if report["verdict"] == BLOCKED:
            lost = [table.lost for table in tables if table.lost is not None]
            pieces = (piece for rows in lost for piece in rows.read(QUARANTINE_SCHEMA.names))
            write_for_people(pieces, [table.name for table in tables], exec_properties["quarantine_dir"])
            raise GateBlocked(blocking_line(report, page))
        kept = artifact_utils.get_single_uri(output_dict["report"])
        write_anomalies(report, kept)
        write_baseline(os.path.join(kept, FOLDER), tables, exec_properties["fingerprint"])


def _baseline(folder: str) -> Baseline:
    return read_baseline(folder) if folder else {}


def _given(inputs: InputDict, table: str) -> bool:
    return bool(inputs.get(input_key(table, "quarantine")))


def _evidence(table: str, inputs: InputDict, opened: contextlib.ExitStack) -> TableEvidence:
    """What is known of a table. Its events and its quarantine are read as they are asked: they may be many."""

    def only(kind: str) -> types.Artifact | None:
        artifacts = inputs.get(input_key(table, kind))
        return artifact_utils.get_single_instance(artifacts) if artifacts else None

    quarantine, examples = only("quarantine"), only("examples")
    statistics, anomalies, schema = only("statistics"), only("anomalies"), only("schema")
    if quarantine is None:
        raise ValueError(f"table {table!r} came without its quarantine")
    counts = read_counts(quarantine.uri)
    rows: pa.Table | Rows | None = None
    if examples and table == EVENTS.name:
        rows = stored_rows(opened.enter_context(StoredRows(examples.uri)))
    elif examples:
        rows = read_rows(examples.uri)
    return TableEvidence(
        name=table,
        counts=counts,
        quarantine=lost_rows(quarantine.uri, counts["quarantined"]),
        statistics=without_bookkeeping(table, _statistics(statistics)) if statistics else None,
        schema=_schema(schema) if schema else None,
        anomalies=_anomalies(anomalies) if anomalies else None,
        rows=rows,
        provenance=read_provenance(examples.uri) if examples and isinstance(rows, pa.Table) else None,
        notes=counts.get("notes", ()),
    )


def _statistics(artifact: types.Artifact) -> statistics_pb2.DatasetFeatureStatistics:
    datasets = stats_artifact_utils.load_statistics(artifact, ROWS_SPLIT).proto().datasets
    return datasets[0] if datasets else statistics_pb2.DatasetFeatureStatistics()


def _schema(artifact: types.Artifact) -> schema_pb2.Schema:
    return tfdv.load_schema_text(io_utils.get_only_uri_in_dir(artifact.uri))


def _anomalies(artifact: types.Artifact) -> anomalies_pb2.Anomalies:
    folder = artifact_utils.get_split_uri([artifact], ROWS_SPLIT)
    with open_file(os.path.join(folder, example_validator.DEFAULT_FILE_NAME)) as file:
        return anomalies_pb2.Anomalies.FromString(file.read())
