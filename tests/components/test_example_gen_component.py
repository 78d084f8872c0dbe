"""The readers' and the Cleaner's components, run as TFX runs them, beside the stock ones."""

from __future__ import annotations

import csv
import json
import pathlib

import pyarrow.parquet as pq
import pytest

pytest.importorskip("tfx")

from tfx import v1 as tfx
from tfx.dsl.components.base import base_component

from aisle.components.anomaly_gate.component import AnomalyGate
from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.cleaner.component import Cleaner
from aisle.components.cleaner.losses.options import LossOptions
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.example_gen.component import TableExampleGen
from aisle.components.tables import EVIDENCE_FILE, LEDGER_FILE, read_provenance, read_rows, read_tables
from aisle.pipeline.config import load_config

ITEMS = "item_id,title,price\n1,RED VASE,1.5\n2,BLUE VASE,N/A\n3,=CMD|VASE,x\n"
EVENTS = "date, event,item_id,user_id\n" + "".join(
    f"{day}/5/2024 10:00,view_item,{item},u{day % 3}\n" for day in range(1, 29) for item in (1, 9)
)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A run of readers, statistics, schema, validator, gate and cleaner over two small tables."""
    root = tmp_path_factory.mktemp("run")
    (root / "data" / "events").mkdir(parents=True)
    (root / "data" / "items.csv").write_text(ITEMS, encoding="utf-8")
    (root / "data" / "events" / "may.csv").write_text(EVENTS, encoding="utf-8")
    nodes: list[base_component.BaseComponent] = []
    checked = {}
    readings = load_config(
        None,
        ['columns.events={"timestamp": "date"}', 'reading.timestamps={"events.timestamp": "%d/%m/%Y %H:%M"}'],
    ).readings()
    for table in ("items", "events"):
        reader = TableExampleGen(str(root / "data"), table, "", readings[table]).with_id(
            f"ExampleGen.{table}"
        )
        examples = reader.outputs["examples"]
        statistics = tfx.components.StatisticsGen(examples=examples).with_id(f"StatisticsGen.{table}")
        schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"]).with_id(
            f"Schema.{table}"
        )
        nodes += [reader, statistics, schema]
        checked[table] = {
            "examples": examples,
            "quarantine": reader.outputs["quarantine"],
            "statistics": statistics.outputs["statistics"],
            "schema": schema.outputs["schema"],
        }
    gate = AnomalyGate(
        checked,
        str(root / "reports"),
        str(root / "quarantine"),
        GateOptions(max_quarantined_share=0.9, max_unknown_items_share=1.0),
    )
    cleaner = Cleaner(
        {table: channels["examples"] for table, channels in checked.items()},
        {table: channels["quarantine"] for table, channels in checked.items()},
        gate.outputs["report"],
        CleanerOptions(),
        str(root / "reports"),
        str(root / "quarantine"),
        LossOptions(stop_share=0.9),
    )
    pipeline = tfx.dsl.Pipeline(
        pipeline_name="test",
        pipeline_root=str(root / "artifacts"),
        components=[*nodes, gate, cleaner],
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(root / "metadata.db")
        ),
        beam_pipeline_args=["--direct_num_workers=1", "--direct_running_mode=in_memory"],
    )
    tfx.orchestration.LocalDagRunner().run(pipeline)
    return root


def _uri(out: pathlib.Path, component: str, output: str) -> str:
    return str(next((out / "artifacts" / component / output).iterdir()))


def test_examples_hold_the_rows_and_where_they_came_from(out: pathlib.Path) -> None:
    uri = _uri(out, "ExampleGen.items", "examples")
    assert read_rows(uri).to_pylist() == [{"item_id": "1", "title": "RED VASE", "price": 1.5}]
    assert read_provenance(uri).to_pylist() == [{"file": "items.csv", "line": 2}]


def test_a_shops_own_names_and_forms_are_read_and_what_was_done_is_in_the_report(out: pathlib.Path) -> None:
    first = read_rows(_uri(out, "ExampleGen.events", "examples")).slice(0, 1).to_pylist()
    assert first == [{"timestamp": 1714557600_000000, "event": "click", "item_id": "1", "user_id": "u1"}]
    report = json.loads((out / "reports" / "anomalies.json").read_text(encoding="utf-8"))
    (blank,) = (one for one in report["anomalies"] if one["type"] == "BLANK_IN_HEADER")
    assert (blank["name"], blank["severity"]) == ("events:BLANK_IN_HEADER", "WARNING")
    assert blank["examples"] == [{"file": "events/may.csv", "line": 1, "value": "' event'"}]


def test_the_stock_statistics_and_schema_read_the_examples(out: pathlib.Path) -> None:
    schema = pathlib.Path(_uri(out, "Schema.events", "schema"), "schema.pbtxt").read_text(encoding="utf-8")
    assert 'name: "timestamp"\n  type: INT' in schema
    assert 'name: "user_id"\n  type: BYTES' in schema


def test_the_cleaner_accounts_for_the_readers_rows_too(out: pathlib.Path) -> None:
    ledger = pathlib.Path(_uri(out, "Cleaner", "ledger"))
    entry = json.loads((ledger / LEDGER_FILE).read_text(encoding="utf-8"))["tables"]
    assert {k: v for k, v in entry["items"].items() if k != "steps"} == {
        "read": 3, "used": 1, "quarantined": 2, "merged": 0,
    }  # fmt: skip
    assert entry["events"]["quarantined"] == 28
    evidence = pq.read_table(ledger / EVIDENCE_FILE).to_pylist()
    assert [(row["file"], row["line"], row["step"]) for row in evidence if row["table"] == "items"] == [
        ("items.csv", 3, "read"),
        ("items.csv", 4, "read"),
    ]
    assert read_tables(_uri(out, "Cleaner", "tables"))["events"].num_rows == 28
    assert json.loads((out / "reports" / "cleaning.json").read_text(encoding="utf-8"))["tables"] == entry
    assert "RED VASE" not in (out / "reports" / "cleaning.html").read_text(encoding="utf-8")


def test_the_quarantine_folder_holds_every_stage_with_formulas_neutralised(out: pathlib.Path) -> None:
    with open(out / "quarantine" / "items.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["file"], row["line"], row["value"]) for row in rows] == [
        ("items.csv", "3", "N/A"),
        ("items.csv", "4", "x"),
    ]
    assert pq.read_table(out / "quarantine" / "events.parquet")["reason"].to_pylist() == ["unknown item"] * 28
