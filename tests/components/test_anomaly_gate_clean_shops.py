"""The gate lets clean shops through, and compares a growing shop with itself."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pyarrow as pa
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
from aisle.datasets import simulator
from aisle.schema.tables import TABLE_BY_NAME

SEEDS = 20


def _evidence(name: str, rows: pa.Table, provenance: pa.Table | None = None) -> TableEvidence:
    """A table as the gate gets it, by its curated schema: the strictest there is."""
    statistics = table_statistics(rows)
    schema = infer_table_schema(name, statistics)
    return TableEvidence(
        name,
        {"read": len(rows), "kept": len(rows), "quarantined": 0},
        statistics=statistics,
        schema=schema,
        anomalies=tfdv.validate_statistics(listed(statistics), schema),
        rows=rows,
        provenance=provenance,
    )


def _shop(folder: pathlib.Path, seed: int) -> list[TableEvidence]:
    options = simulator.SimulatorOptions(users=50, items=50, days=14, seed=seed)
    simulator.write(simulator.simulate(options), folder)
    read = {name: read_table(str(folder), TABLE_BY_NAME[name]) for name in find_tables(str(folder))}
    return [_evidence(name, result.rows, result.provenance) for name, result in read.items()]


def _now(tables: list[TableEvidence]) -> int:
    events = next(table for table in tables if table.name == "events")
    assert events.rows is not None
    return int(np.max(events.rows["timestamp"].to_numpy()))


def _anomalies(tables: list[TableEvidence], earlier: list[TableEvidence]) -> list[dict[str, Any]]:
    options = GateOptions()
    baseline = {table.name: as_baseline(table) for table in earlier}
    comparison = compare(tables, options, baseline, curated=False, log=None)
    found: list[dict[str, Any]] = judge(tables, options, _now(tables), comparison)["anomalies"]
    return found


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_clean_shop_passes_alone_and_against_its_own_past(seed: int, tmp_path: pathlib.Path) -> None:
    tables = _shop(tmp_path, seed)
    # In two weeks nobody may have written a review: its columns are empty, and that is told.
    assert {anomaly["type"] for anomaly in _anomalies(tables, [])} <= {"EMPTY_COLUMN"}
    events = next(table for table in tables if table.name == "events")
    assert events.rows is not None
    past = events.rows.slice(0, int(0.75 * events.rows.num_rows))
    earlier = [_evidence("events", past) if table.name == "events" else table for table in tables]
    found = _anomalies(tables, earlier)
    assert [anomaly["name"] for anomaly in found if anomaly["severity"] == "ERROR"] == []


def test_counts_of_several_days_pass_and_what_cant_be_of_stock_and_supply_is_found() -> None:
    day = 86_400 * 1_000_000
    now = 20_000 * day
    items = [f"i{nth}" for nth in range(40)]
    stock = pa.table(
        {
            "item_id": items * 2,
            "on_hand": [float(nth) for nth in range(80)],
            "as_of": [now - 7 * day] * 40 + [now] * 40,
        }
    )
    supply = pa.table({"item_id": items, "lead_time_days": [7.0] * 40, "pack_size": [6.0] * 40})
    catalogue = _evidence("items", pa.table({"item_id": items, "title": [f"Mug {item}" for item in items]}))
    clean = [catalogue, _evidence("stock", stock), _evidence("supply", supply)]
    assert judge(clean, GateOptions(), now)["anomalies"] == []
    broken = stock.set_column(0, "item_id", pa.array(["strange"] * 20 + (items * 2)[20:]))
    broken = broken.set_column(2, "as_of", pa.array([now + 9 * day, *stock["as_of"].to_pylist()[1:]]))
    twice = pa.concat_tables([supply, supply])
    found = judge([catalogue, _evidence("stock", broken), _evidence("supply", twice)], GateOptions(), now)
    assert {one["name"]: one["severity"] for one in found["anomalies"]} == {
        "stock.item_id:UNKNOWN_ITEMS": "ERROR",
        "stock.item_id:DUPLICATE_KEYS": "WARNING",
        "stock.as_of:TIME_OUT_OF_RANGE": "WARNING",
        "supply.item_id:DUPLICATE_KEYS": "ERROR",
    }
