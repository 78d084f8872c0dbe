"""The Labeler's component, run as TFX runs it."""

from __future__ import annotations

import json
import pathlib

import polars as pl
import pytest

pytest.importorskip("tfx")

from tfx.types import channel_utils, standard_artifacts

from aisle.components.artifacts import Interactions, Tables
from aisle.components.labeler.component import Labeler
from aisle.components.labeler.executor import Executor
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.storage import read_interactions
from aisle.components.tables import write_tables
from aisle.datasets.simulator import SimulatorOptions, simulate


def test_tables_become_interactions_examples_and_a_report(tmp_path: pathlib.Path) -> None:
    shop = simulate(SimulatorOptions(users=100, items=100, days=40, seed=1, events=6_000))
    events = shop.events.with_columns(pl.col("timestamp").dt.epoch("us"))
    artifacts = {}
    for name, kind in (
        ("tables", Tables), ("interactions", Interactions),
        ("examples", standard_artifacts.Examples), ("schema", standard_artifacts.Schema),
    ):  # fmt: skip
        artifacts[name] = kind()
        artifacts[name].uri = str(tmp_path / name)
        (tmp_path / name).mkdir()
    tables = {"items": shop.items, "users": shop.users, "events": events, "judgements": shop.judgements}
    write_tables(artifacts["tables"].uri, {name: frame.to_arrow() for name, frame in tables.items()})
    component = Labeler(
        tables=channel_utils.as_channel([artifacts["tables"]]),
        options=LabelerOptions(click_window_minutes=10.0),
        reports_dir=str(tmp_path / "reports"),
    )
    properties = {"options": component.exec_properties["options"], "reports_dir": str(tmp_path / "reports")}
    outputs = {name: [artifacts[name]] for name in ("interactions", "examples", "schema")}
    Executor().Do({"tables": [artifacts["tables"]]}, outputs, properties)
    written, splits = read_interactions(artifacts["interactions"].uri)
    assert written["interactions"].num_rows > 100
    assert splits["goal"] == "purchase"
    report = json.loads((tmp_path / "reports" / "labels.json").read_text(encoding="utf-8"))
    assert report["windows"]["click_minutes"] == 10.0
    assert (tmp_path / "reports" / "labels.html").is_file()
    assert {path.name for path in (tmp_path / "examples").iterdir()} >= {"Split-items", "Split-train"}
    assert (tmp_path / "schema" / "schema.pbtxt").is_file()
