"""The gate against the last blessed run and against logged requests, measured by TFDV."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.spatial.distance import jensenshannon

from aisle.components.anomaly_gate.compare import histograms
from aisle.components.anomaly_gate.compare.baseline import (
    Baseline,
    as_baseline,
    read_baseline,
    write_baseline,
)
from aisle.components.anomaly_gate.comparison import compare
from aisle.components.anomaly_gate.evidence import TableEvidence
from aisle.components.anomaly_gate.infer_schema import infer_table_schema
from aisle.components.anomaly_gate.judge import judge
from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.anomaly_gate.serving_log import read_log
from aisle.components.anomaly_gate.statistics import table_statistics
from aisle.components.reports.publish import as_json
from aisle.components.reports.schemas import validate
from aisle.schema.errors import InputError

DAY = 24 * 60 * 60 * 1_000_000
NOW = 20_000 * DAY
ROWS = 2000


def _table(name: str, schema: Any = None, **columns: Any) -> TableEvidence:
    rows = pa.table({column: pa.array(values) for column, values in columns.items()})
    counts = {"read": len(rows), "kept": len(rows), "quarantined": 0}
    return TableEvidence(name, counts, statistics=table_statistics(rows), schema=schema, rows=rows)


def _items(seed: int = 0, rows: int = ROWS, **changed: Any) -> TableEvidence:
    rng = np.random.default_rng(seed)
    columns = {
        "item_id": [f"i{n}" for n in range(rows)],
        "title": [f"thing {n}" for n in rng.integers(0, 50, rows)],
        "category": rng.choice(["Home", "Garden", "Food"], rows, p=[0.5, 0.3, 0.2]),
        "price": rng.lognormal(2.5, 0.5, rows),
        "available_at": rng.integers(18_000, 18_100, rows) * DAY,
    } | changed
    return _table("items", **{name: values for name, values in columns.items() if values is not None})


def _against(
    now: TableEvidence, before: TableEvidence | None, log: pa.Table | None = None, **options: Any
) -> Any:
    """Returns the report on a table, compared with how it was, and its anomalies by name."""
    told = GateOptions(**options)
    baseline: Baseline = {before.name: as_baseline(before)} if before is not None else {}
    report = judge([now], told, NOW, compare([now], told, baseline, curated=False, log=log))
    validate("anomalies", as_json(report))
    return report, {anomaly["name"]: anomaly for anomaly in report["anomalies"]}


def test_rows_drawn_alike_have_not_drifted() -> None:
    report, found = _against(_items(1), _items(2))
    assert found == {}
    assert report["compared"]


def test_a_category_that_takes_over_is_drift_with_value_threshold_and_where_it_went() -> None:
    shifted = ["Home"] * 400 + ["Garden"] * 1200 + ["Food"] * 400
    before = ["Home"] * 1000 + ["Garden"] * 600 + ["Food"] * 400
    report, found = _against(_items(category=shifted), _items(category=before))
    finding = found["items.category:DRIFT"]
    assert (finding["severity"], finding["threshold"]) == ("ERROR", 0.1)
    assert finding["value"] == pytest.approx(0.3)
    assert finding["contributors"] == [
        {"value": "Garden", "share": pytest.approx(0.6), "before": pytest.approx(0.3)},
        {"value": "Home", "share": pytest.approx(0.2), "before": pytest.approx(0.5)},
    ]
    assert "Garden, from 30 % to 60 %" in finding["what"]
    assert report["verdict"] == "blocked"


def test_a_price_in_another_currency_is_drift_by_the_divergence_of_the_buckets() -> None:
    before, now = _items(1), _items(2, price=np.random.default_rng(3).lognormal(4.0, 0.5, ROWS))
    finding = _against(now, before)[1]["items.price:DRIFT"]
    then = as_baseline(before).histograms["price"]
    new = histograms.over(now.rows["price"].to_numpy(), then.low, then.high, len(then.counts))
    parts = [[h.below, *h.counts, h.above] for h in (new, then)]
    assert finding["value"] == pytest.approx(jensenshannon(*parts, base=2) ** 2, abs=1e-4)
    assert finding["contributors"][0]["value"].startswith("above ")
    assert finding["contributors"][0]["before"] == pytest.approx(0.01, abs=0.001)


def test_a_single_extreme_price_moves_nothing() -> None:
    now = _items(2)
    price = now.rows["price"].to_numpy().copy()
    price[7] = 1e9
    assert _against(_items(2, price=price), _items(1))[1] == {}


def test_a_constant_that_changes_is_drift() -> None:
    finding = _against(_items(stock=[5] * ROWS), _items(stock=[1] * ROWS))[1]["items.stock:DRIFT"]
    assert finding["value"] == pytest.approx(1.0, abs=1e-6)
    assert _against(_items(stock=[1] * ROWS), _items(stock=[1] * ROWS))[1] == {}


def test_identifiers_free_text_and_times_are_not_compared() -> None:
    now = _items(
        item_id=[f"new{n}" for n in range(ROWS)],
        title=["all alike"] * ROWS,
        available_at=np.full(ROWS, 19_000 * DAY),
    )
    assert not [name for name in _against(now, _items())[1] if name.endswith(":DRIFT")]


def test_a_column_named_in_the_options_is_compared_by_its_own_threshold() -> None:
    shifted = _items(category=["Home"] * 1200 + ["Garden"] * 600 + ["Food"] * 200)
    before = _items(category=["Home"] * 1000 + ["Garden"] * 600 + ["Food"] * 400)
    assert "items.category:DRIFT" not in _against(shifted, before)[1]
    assert "items.category:DRIFT" in _against(shifted, before, drift_by_column={"items.category": 0.05})[1]
    retitled = _items(title=["all alike"] * ROWS)
    assert "items.title:DRIFT" in _against(retitled, _items(), drift_by_column={"items.title": 0.5})[1]


def test_a_threshold_in_the_curated_schema_counts() -> None:
    before = _items(category=["Home"] * 1000 + ["Garden"] * 600 + ["Food"] * 400)
    schema = infer_table_schema("items", before.statistics)
    declared = next(feature for feature in schema.feature if feature.name == "category")
    declared.drift_comparator.infinity_norm.threshold = 0.05
    now = _items(category=["Home"] * 1120 + ["Garden"] * 600 + ["Food"] * 280)
    curated = TableEvidence("items", now.counts, statistics=now.statistics, schema=schema, rows=now.rows)
    assert _against(curated, before)[1]["items.category:DRIFT"]["threshold"] == 0.05


def test_few_rows_prove_no_drift() -> None:
    now, before = _items(rows=499, category=["Home"] * 499), _items(rows=499, category=["Food"] * 499)
    assert "items.category:DRIFT" not in _against(now, before)[1]
    assert "items.category:DRIFT" in _against(now, before, min_compared_rows=100)[1]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (999, {"items:ROW_COUNT_LOW": "ERROR"}),
        (1000, {}),
        (3000, {}),
        (3001, {"items:ROW_COUNT_HIGH": "WARNING"}),
    ],
)
def test_the_rows_may_halve_and_rise_by_half(rows: int, found: dict[str, str]) -> None:
    anomalies = _against(_items(1, rows=rows), _items(2))[1]
    assert {name: anomaly["severity"] for name, anomaly in anomalies.items()} == found


def test_a_table_that_is_gone_blocks() -> None:
    users = _table("users", user_id=["u"])
    report, found = _against(_items(), users)
    assert found["users:TABLE_GONE"]["severity"] == "ERROR"


def test_a_column_that_emptied_is_found() -> None:
    half = [5 if n % 2 else None for n in range(ROWS)]
    finding = _against(_items(stock=half), _items(stock=[5] * ROWS))[1]["items.stock:FILLED_CHANGED"]
    assert (finding["value"], finding["severity"]) == (pytest.approx(0.5), "ERROR")


def test_without_a_curated_schema_new_and_missing_columns_and_values_warn_against_the_last_run() -> None:
    category = ["Home"] * 1000 + ["Garden"] * 600 + ["Food"] * 380 + ["Toys"] * 20
    now = _items(1, category=category, available_at=None, colour=["red"] * ROWS)
    before = _items(1, category=["Home"] * 1000 + ["Garden"] * 600 + ["Food"] * 400)
    report, found = _against(now, before)
    assert {name: anomaly["severity"] for name, anomaly in found.items()} == {
        "items.available_at:SCHEMA_MISSING_COLUMN": "WARNING",
        "items.category:ENUM_TYPE_UNEXPECTED_STRING_VALUES": "WARNING",
        "items.colour:SCHEMA_NEW_COLUMN": "WARNING",
    }
    unexpected = found["items.category:ENUM_TYPE_UNEXPECTED_STRING_VALUES"]
    assert unexpected["contributors"] == [{"value": "Toys", "share": 0.01, "before": None}]
    assert [example["line"] for example in unexpected["examples"]] == [1981, 1982, 1983]


def test_the_pictures_show_then_and_now_over_the_same_buckets() -> None:
    report, _ = _against(_items(2, price=np.random.default_rng(3).lognormal(4.0, 0.5, ROWS)), _items(1))
    pictures = {picture["feature"]: picture for picture in report["distributions"]}
    price, category = pictures["price"], pictures["category"]
    ends = [[(b["low"], b["high"]) for b in p["histogram"]] for p in (price, price["before"])]
    assert ends[0] == ends[1]
    for side in (price, price["before"]):
        assert sum(bucket["count"] for bucket in side["histogram"]) == pytest.approx(0.98 * ROWS, abs=2)
    assert price["moved"]["value"] > price["moved"]["threshold"] == 0.1
    values = [[value["value"] for value in p["top"]] for p in (category, category["before"])]
    assert values[0] == values[1]


def test_a_baseline_is_read_as_it_was_written(tmp_path: pathlib.Path) -> None:
    table = _items()
    write_baseline(str(tmp_path / "kept"), [table], "f")
    read = read_baseline(str(tmp_path / "kept"))["items"]
    kept = as_baseline(table)
    assert (read.rows, read.histograms, read.statistics) == (kept.rows, kept.histograms, kept.statistics)


def test_a_folder_that_is_no_baseline_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match=r"holds no baseline\.json"):
        read_baseline(str(tmp_path))
    (tmp_path / "baseline.json").write_text('{"version": 9, "tables": {}}')
    with pytest.raises(InputError, match="of version 9"):
        read_baseline(str(tmp_path))
    (tmp_path / "baseline.json").write_text("{")
    with pytest.raises(InputError, match="can't be read"):
        read_baseline(str(tmp_path))


def _events(rows: int = ROWS, **changed: Any) -> TableEvidence:
    rng = np.random.default_rng(5)
    columns = {
        "timestamp": rng.integers(19_000, 19_100, rows) * DAY,
        "event": rng.choice(["impression", "click", "purchase"], rows, p=[0.8, 0.15, 0.05]),
        "item_id": [f"i{n}" for n in rng.integers(0, 100, rows)],
        "user_id": [f"u{n}" for n in rng.integers(0, 100, rows)],
        "query": [f"q{n}" for n in rng.integers(0, 100, rows)],
        "quantity": [1] * rows,
        "device": rng.choice(["phone", "laptop"], rows),
    } | changed
    return _table("events", **columns)


def _log(rows: int = ROWS, **changed: Any) -> pa.Table:
    rng = np.random.default_rng(6)
    columns = {
        "timestamp": rng.integers(19_100, 19_101, rows) * DAY,
        "user_id": [f"u{n}" for n in rng.integers(0, 100, rows)],
        "query": [f"q{n}" for n in rng.integers(0, 100, rows)],
        "device": rng.choice(["phone", "laptop"], rows),
        "latency_ms": rng.random(rows),
    } | changed
    return pa.table({name: pa.array(values) for name, values in columns.items() if values is not None})


def test_requests_like_the_events_and_without_labels_are_no_anomaly() -> None:
    assert _against(_events(), None, _log())[1] == {}


def test_requests_of_other_devices_are_skew() -> None:
    finding = _against(_events(), None, _log(device=["phone"] * ROWS))[1]["serving_log.device:SKEW"]
    assert finding["severity"] == "ERROR"
    assert finding["value"] == pytest.approx(0.5, abs=0.05)
    assert finding["contributors"][0]["share"] in (0.0, 1.0)


def test_a_feature_that_requests_lack_and_a_value_that_events_lack_are_found() -> None:
    found = _against(_events(), None, _log(device=None))[1]
    assert found["serving_log.device:SCHEMA_MISSING_COLUMN"]["severity"] == "WARNING"
    found = _against(_events(), None, _log(device=["phone"] * 990 + ["laptop"] * 990 + ["watch"] * 20))[1]
    assert list(found) == ["serving_log.device:ENUM_TYPE_UNEXPECTED_STRING_VALUES"]


def test_requests_that_name_no_user_are_told_of() -> None:
    log = _log()
    anonymous = log.set_column(1, "user_id", pa.nulls(ROWS, pa.string()))
    found = _against(_events(), None, anonymous)[1]
    assert found["serving_log.user_id:FILLED_CHANGED"]["severity"] == "WARNING"


def test_a_log_is_read_from_a_file_or_a_folder(tmp_path: pathlib.Path) -> None:
    moment = pa.array([19_000 * DAY], pa.timestamp("us", "UTC"))
    rows = pa.table({"timestamp": moment, "query": pa.array(["a"]).dictionary_encode(), "tags": [["x"]]})
    pq.write_table(rows, tmp_path / "1.parquet")
    pq.write_table(rows, tmp_path / "2.parquet")
    expected = {"timestamp": [19_000 * DAY], "query": ["a"]}
    assert read_log(str(tmp_path / "1.parquet")).to_pydict() == expected
    assert read_log(str(tmp_path)).num_rows == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [("none.parquet", "not readable"), ("bad.parquet", "not readable"), ("", "no .parquet")],
)
def test_a_log_that_cannot_be_read_is_named(tmp_path: pathlib.Path, name: str, message: str) -> None:
    if name:
        (tmp_path / "bad.parquet").write_text("no Parquet")
    with pytest.raises(InputError, match=message):
        read_log(str(tmp_path / name))
