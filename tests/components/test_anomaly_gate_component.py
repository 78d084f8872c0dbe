"""The gate as a TFX component: artifacts in, a report out, and the stop."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from tfx import types
from tfx import version as tfx_version
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.types import standard_artifacts
from tfx.utils import io_utils, writer_utils

from aisle.components.anomaly_gate.component import AnomalyGate
from aisle.components.anomaly_gate.executor import Executor
from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.artifacts import Quarantine, Report
from aisle.components.reports.schemas import validate
from aisle.components.tables import PROVENANCE_SCHEMA, QUARANTINE_SCHEMA, RowsWriter, write_quarantine
from aisle.schema.errors import GateBlocked, InputError


def _at(artifact: types.Artifact, folder: pathlib.Path) -> list[types.Artifact]:
    folder.mkdir(parents=True, exist_ok=True)
    artifact.uri = str(folder)
    return [artifact]


def _artifacts(root: pathlib.Path, rows: pa.Table, quarantined: int) -> dict[str, Any]:
    """Writes a table's artifacts as the reader and the stock components leave them."""
    places = {"file": ["items.csv"] * rows.num_rows, "line": list(range(2, rows.num_rows + 2))}
    with RowsWriter(str(root / "examples")) as writer:
        writer.write(rows, pa.table(places, PROVENANCE_SCHEMA))
    bad = {"table": "items", "file": "items.csv", "line": 99, "column": "price", "value": "<script>",
           "reason": "not a number", "row": ""}  # fmt: skip
    counts = {"table": "items", "read": rows.num_rows + quarantined, "kept": rows.num_rows,
              "quarantined": quarantined}  # fmt: skip
    quarantine = pa.Table.from_pylist([bad] * quarantined, QUARANTINE_SCHEMA)
    write_quarantine(str(root / "quarantine"), quarantine, counts)
    frame = rows.to_pandas()
    statistics = tfdv.generate_statistics_from_dataframe(frame)
    schema = tfdv.infer_schema(statistics)
    inputs = {
        "items_examples": _at(standard_artifacts.Examples(), root / "examples"),
        "items_quarantine": _at(Quarantine(), root / "quarantine"),
        "items_statistics": _at(standard_artifacts.ExampleStatistics(), root / "statistics"),
        "items_schema": _at(standard_artifacts.Schema(), root / "schema"),
        "items_anomalies": _at(standard_artifacts.ExampleAnomalies(), root / "anomalies"),
    }
    for kind in ("statistics", "anomalies"):
        artifact = inputs[f"items_{kind}"][0]
        artifact.split_names = '["rows"]'
        # What TFX's launcher notes of the writer; the layout inside the artifact follows from it.
        artifact.set_string_custom_property("tfx_version", tfx_version.__version__)
        (root / kind / "Split-rows").mkdir()
    statistics_file = root / "statistics" / "Split-rows" / "FeatureStats.pb"
    statistics_file.write_bytes(statistics.SerializeToString())
    io_utils.write_pbtxt_file(str(root / "schema" / "schema.pbtxt"), schema)
    anomalies = tfdv.validate_statistics(statistics, schema)
    writer_utils.write_anomalies(str(root / "anomalies" / "Split-rows" / DEFAULT_FILE_NAME), anomalies)
    return inputs


ROWS = pa.table(
    {"item_id": ["a", "b", "c", "c"], "title": ["lamp", "rug", "bed", "bed"], "price": [1.0, 2.0, 3.0, 3.5]}
)


def _run(
    tmp_path: pathlib.Path, quarantined: int, rows: pa.Table = ROWS, baseline: str = ""
) -> list[types.Artifact]:
    report = _at(Report(), tmp_path / "report")
    properties = {
        "options": GateOptions().to_json(),
        "reports_dir": str(tmp_path / "reports"),
        "quarantine_dir": str(tmp_path / "quarantine"),
        "baseline": baseline,
        "curated": 0,
        "fingerprint": "of these tables",
    }
    Executor().Do(_artifacts(tmp_path, rows, quarantined), {"report": report}, properties)
    return report


def test_warnings_let_the_run_go_on_and_leave_the_report_in_both_places(tmp_path: pathlib.Path) -> None:
    _run(tmp_path, quarantined=1)
    text = (tmp_path / "reports" / "anomalies.json").read_text(encoding="utf-8")
    validate("anomalies", text)
    written = json.loads(text)
    assert written["verdict"] == "passed"
    assert {a["name"] for a in written["anomalies"]} == {
        "items:QUARANTINED_ROWS",
        "items.item_id:DUPLICATE_KEYS",
    }
    assert json.loads((tmp_path / "report" / "anomalies.json").read_text()) == written
    page = (tmp_path / "report" / "anomalies.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_an_error_stops_the_run_and_names_the_report_that_was_written(tmp_path: pathlib.Path) -> None:
    page = tmp_path / "reports" / "anomalies.html"
    with pytest.raises(GateBlocked, match=f"1 anomaly of severity ERROR.*{page}"):
        _run(tmp_path, quarantined=4)
    assert "Blocked" in page.read_text()
    rows = (tmp_path / "quarantine" / "items.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 4
    assert not (tmp_path / "report" / "anomalies.html").exists()


def test_a_run_leaves_what_a_later_one_is_compared_with(tmp_path: pathlib.Path) -> None:
    _run(tmp_path / "first", quarantined=0)
    kept = tmp_path / "first" / "report" / "baseline"
    assert json.loads((kept / "baseline.json").read_text())["fingerprint"] == "of these tables"
    with pytest.raises(GateBlocked, match="rows fell from 4 in the last blessed run to 1"):
        _run(tmp_path / "second", 0, ROWS.slice(0, 1), str(kept))
    written = json.loads((tmp_path / "second" / "reports" / "anomalies.json").read_text())
    assert written["compared"]
    assert not (tmp_path / "second" / "report" / "baseline").exists()


def test_the_component_takes_the_tables_that_are_there() -> None:
    channels = {
        "quarantine": types.Channel(type=Quarantine),
        "schema": types.Channel(type=standard_artifacts.Schema),
    }
    gate = AnomalyGate({"items": channels}, "reports", "quarantine")
    assert sorted(gate.inputs) == ["items_quarantine", "items_schema"]


def test_a_table_without_its_quarantine_is_refused() -> None:
    with pytest.raises(InputError, match="quarantine"):
        AnomalyGate(
            {"items": {"schema": types.Channel(type=standard_artifacts.Schema)}}, "reports", "quarantine"
        )
