"""Faults of the data that the gate must find, from the files as they come to the report."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest
import tensorflow_data_validation as tfdv

from aisle.components.anomaly_gate.compare.baseline import as_baseline
from aisle.components.anomaly_gate.comparison import compare
from aisle.components.anomaly_gate.evidence import TableEvidence, listed
from aisle.components.anomaly_gate.infer_schema import infer_table_schema
from aisle.components.anomaly_gate.judge import judge
from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.anomaly_gate.statistics import table_statistics
from aisle.components.example_gen.discovery import find_tables
from aisle.components.example_gen.reader import read_table
from aisle.components.reports import write_anomalies
from aisle.schema.tables import TABLE_BY_NAME

NOW = 1_800_000_000_000_000
"""2027-01-15, in microseconds."""
ROWS = 1200
Shop = dict[str, list[dict[str, Any]]]
Anomalies = dict[str, dict[str, Any]]


def _shop(seed: int = 0) -> Shop:
    rng = np.random.default_rng(seed)
    items = [
        {
            "item_id": f"i{n}",
            "title": f"thing {n}",
            "category": ("Home", "Garden")[n % 2],
            "price": n % 50 + 1.0,
        }
        for n in range(ROWS)
    ]
    kinds = rng.choice(["impression", "click", "purchase"], ROWS, p=[0.6, 0.3, 0.1])
    events = [
        {"timestamp": f"2026-0{n % 9 + 1}-01 00:00:00", "event": kind, "item_id": f"i{rng.integers(ROWS)}"}
        for n, kind in enumerate(kinds.tolist())
    ]
    return {"items": items, "events": events}


def _evidence(folder: pathlib.Path, shop: Shop) -> list[TableEvidence]:
    folder.mkdir()
    for name, rows in shop.items():
        lines = [",".join(rows[0]), *(",".join(str(value) for value in row.values()) for row in rows)]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    tables = []
    for name in find_tables(str(folder)):
        read = read_table(str(folder), TABLE_BY_NAME[name])
        counts = {"read": read.read, "kept": read.rows.num_rows, "quarantined": read.quarantine.num_rows}
        statistics = table_statistics(read.rows)
        tables.append(
            TableEvidence(
                name, counts, read.quarantine, statistics, rows=read.rows, provenance=read.provenance
            )
        )
    return tables


def _by_schemas_of(tables: list[TableEvidence], sound: list[TableEvidence]) -> list[TableEvidence]:
    """The tables, held against schemas curated from a sound shop as ExampleValidator would."""
    held = []
    for table, before in zip(tables, sound, strict=True):
        assert before.statistics is not None
        schema = infer_table_schema(table.name, before.statistics)
        anomalies = tfdv.validate_statistics(listed(table.statistics), schema)
        held.append(TableEvidence(**{**vars(table), "schema": schema, "anomalies": anomalies}))
    return held


def _judged(
    tmp_path: pathlib.Path,
    shop: Shop,
    before: Shop | None = None,
    curated: Shop | None = None,
    **options: Any,
) -> tuple[dict[str, Any], Anomalies]:
    tables = _evidence(tmp_path / "now", shop)
    if curated is not None:
        tables = _by_schemas_of(tables, _evidence(tmp_path / "curated", curated))
    earlier = _evidence(tmp_path / "before", before) if before is not None else []
    told = GateOptions(**options)
    baseline = {table.name: as_baseline(table) for table in earlier}
    comparison = compare(tables, told, baseline, curated=curated is not None, log=None)
    report = judge(tables, told, NOW, comparison)
    return report, {anomaly["name"]: anomaly for anomaly in report["anomalies"]}


def test_a_sound_shop_passes_alone_against_its_schema_and_against_its_past(tmp_path: pathlib.Path) -> None:
    report, found = _judged(tmp_path, _shop(1), before=_shop(2), curated=_shop(3))
    assert (report["verdict"], found) == ("passed", {})


@pytest.mark.parametrize("written", ["NaN", "inf", "-inf"])
def test_a_nan_or_infinite_price_is_an_error_by_the_curated_schema(
    written: str, tmp_path: pathlib.Path
) -> None:
    shop = _shop()
    shop["items"][7]["price"] = written
    report, found = _judged(tmp_path, shop, curated=_shop())
    kind = "FLOAT_TYPE_HAS_NAN" if written == "NaN" else "FLOAT_TYPE_HAS_INF"
    finding = found[f"items.price:{kind}"]
    assert (finding["severity"], report["verdict"]) == ("ERROR", "blocked")
    assert (finding["examples"][0]["file"], finding["examples"][0]["line"]) == ("items.csv", 9)


def test_a_negative_price_is_outside_its_domain(tmp_path: pathlib.Path) -> None:
    shop = _shop()
    shop["items"][7]["price"] = -2.5
    finding = _judged(tmp_path, shop, curated=_shop())[1]["items.price:FLOAT_TYPE_SMALL_FLOAT"]
    assert (finding["value"], finding["threshold"]) == (-2.5, 0)
    assert finding["examples"] == [{"file": "items.csv", "line": 9, "value": "-2.5"}]


def test_a_time_in_the_future_or_at_the_epoch_is_an_anomaly(tmp_path: pathlib.Path) -> None:
    shop = _shop()
    shop["events"][3]["timestamp"], shop["events"][5]["timestamp"] = (
        "1970-01-01 00:00:00",
        "2099-01-01 00:00:00",
    )
    finding = _judged(tmp_path, shop)[1]["events.timestamp:TIME_OUT_OF_RANGE"]
    assert [(e["line"], e["value"][:4]) for e in finding["examples"]] == [(5, "1970"), (7, "2099")]


def test_keys_that_conflict_are_an_error_above_their_share(tmp_path: pathlib.Path) -> None:
    shop = _shop()
    shop["items"] += [{**row, "title": "?"} for row in shop["items"][:60]]
    report, found = _judged(tmp_path, shop, max_conflicting_share=0.04)
    assert found["items.item_id:DUPLICATE_KEYS"]["severity"] == "ERROR"
    assert report["verdict"] == "blocked"


def test_a_column_that_is_all_null_is_a_presence_anomaly(tmp_path: pathlib.Path) -> None:
    shop = _shop()
    for row in shop["items"]:
        row["category"] = ""
    found = _judged(tmp_path, shop, before=_shop(), curated=_shop())[1]
    assert "items.category:EMPTY_COLUMN" in found
    assert "items.category:FILLED_CHANGED" in found
    assert any(name.startswith("items.category:FEATURE_TYPE_") or "MISSING" in name for name in found)


def test_a_new_and_a_missing_column_are_listed(tmp_path: pathlib.Path) -> None:
    shop = _shop()
    for row in shop["items"]:
        row["colour"] = "red"
        del row["category"]
    report, found = _judged(tmp_path, shop, before=_shop())
    assert {"items.colour:SCHEMA_NEW_COLUMN", "items.category:SCHEMA_MISSING_COLUMN"} <= set(found)
    (items,) = [table for table in report["tables"] if table["table"] == "items"]
    assert items["columns"]["extra"] == ["colour"]
    assert "category" in items["columns"]["absent"]
    assert report["verdict"] == "passed"


def test_a_new_category_value_warns_and_names_its_place(tmp_path: pathlib.Path) -> None:
    shop = _shop()
    shop["items"][7]["category"] = "Toys"
    report, found = _judged(tmp_path, shop, before=_shop())
    finding = found["items.category:ENUM_TYPE_UNEXPECTED_STRING_VALUES"]
    assert (finding["severity"], report["verdict"]) == ("WARNING", "passed")
    assert finding["examples"] == [{"file": "items.csv", "line": 9, "value": "Toys"}]


def test_a_planted_leak_of_the_label_is_found(tmp_path: pathlib.Path) -> None:
    shop = _shop()
    for n, row in enumerate(shop["events"]):
        row["order_total"] = n if row["event"] == "purchase" else ""
    assert "events.order_total:LABEL_LEAKAGE" in _judged(tmp_path, shop)[1]


def test_labels_of_a_single_class_stop_before_training(tmp_path: pathlib.Path) -> None:
    shop = _shop()
    for row in shop["events"]:
        row["event"] = "impression"
    report, found = _judged(tmp_path, shop)
    assert (found["events.event:SINGLE_CLASS"]["severity"], report["verdict"]) == ("ERROR", "blocked")


def test_drift_above_its_threshold_blocks_and_says_what_moved(tmp_path: pathlib.Path) -> None:
    shop = _shop()
    for row in shop["items"]:
        row["price"] = float(row["price"]) * 1.2 + 20
    report, found = _judged(tmp_path, shop, before=_shop())
    finding = found["items.price:DRIFT"]
    assert report["verdict"] == "blocked"
    assert finding["value"] > finding["threshold"] == 0.1
    top = finding["contributors"][0]
    assert abs(top["share"] - top["before"]) > 0.02
    assert top["value"] in finding["what"]


def test_rows_that_halve_are_an_anomaly(tmp_path: pathlib.Path) -> None:
    shop = _shop()
    del shop["events"][500:]
    report, found = _judged(tmp_path, shop, before=_shop())
    assert found["events:ROW_COUNT_LOW"]["severity"] == "ERROR"
    assert found["events:ROW_COUNT_LOW"]["value"] == pytest.approx(1 - 500 / ROWS)


def test_an_event_of_an_item_nobody_knows_is_found_in_its_line(tmp_path: pathlib.Path) -> None:
    shop = _shop()
    shop["events"][2]["item_id"] = "nobody"
    finding = _judged(tmp_path, shop)[1]["events.item_id:UNKNOWN_ITEMS"]
    assert finding["examples"] == [{"file": "events.csv", "line": 4, "value": "nobody"}]


def test_a_script_in_a_value_an_id_or_a_columns_name_is_shown_as_text(tmp_path: pathlib.Path) -> None:
    evil = "<script>alert(1)</script>"
    shop = _shop()
    shop["events"][2]["item_id"] = evil
    shop["items"][3]["category"] = evil
    for row in shop["items"]:
        row[evil] = "x"
    report, found = _judged(tmp_path, shop, before=_shop())
    assert f"items.{evil}:SCHEMA_NEW_COLUMN" in found
    page = pathlib.Path(write_anomalies(report, str(tmp_path / "reports"))).read_text(encoding="utf-8")
    summary = (tmp_path / "reports" / "anomalies.md").read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "<script" not in summary
