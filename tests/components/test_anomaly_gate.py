"""The gate's judgement, table by table, without TFX."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from aisle.components.anomaly_gate.evidence import TableEvidence
from aisle.components.anomaly_gate.judge import blocking_line, judge
from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.reports.publish import as_json
from aisle.components.reports.schemas import validate
from aisle.components.tables import QUARANTINE_SCHEMA
from aisle.schema.errors import InputError

DAY = 24 * 60 * 60 * 1_000_000
NOW = 20_000 * DAY
Type = anomalies_pb2.AnomalyInfo


def _counts(kept: int, quarantined: int = 0) -> dict[str, int]:
    return {"read": kept + quarantined, "kept": kept, "quarantined": quarantined}


def _statistics(rows: int, **missing: int) -> statistics_pb2.DatasetFeatureStatistics:
    statistics = statistics_pb2.DatasetFeatureStatistics(num_examples=rows)
    for name, gaps in missing.items():
        feature = statistics.features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
        feature.path.step.append(name)
        feature.string_stats.common_stats.num_missing = gaps
        feature.string_stats.common_stats.num_non_missing = rows - gaps
    return statistics


def _prices(values: int, nan: int, infinite: int) -> statistics_pb2.DatasetFeatureStatistics:
    statistics = _statistics(values, item_id=0, title=0)
    feature = statistics.features.add(type=statistics_pb2.FeatureNameStatistics.FLOAT)
    feature.path.step.append("price")
    feature.num_stats.common_stats.num_non_missing = values
    histogram = feature.num_stats.histograms.add(num_nan=nan)
    histogram.buckets.add(low_value=0, high_value=9, sample_count=values - nan - infinite)
    if infinite:
        histogram.buckets.add(low_value=math.inf, high_value=math.inf, sample_count=infinite)
    return statistics


def _findings(table: TableEvidence, **options: Any) -> dict[str, dict[str, Any]]:
    report = judge([table], GateOptions(**options), NOW)
    validate("anomalies", as_json(report))
    return {anomaly["name"]: anomaly for anomaly in report["anomalies"]}


def _quarantine(*reasons: str) -> pa.Table:
    rows = [
        {"table": "items", "file": "items.csv", "line": 2 + i, "column": "price", "value": "N/A",
         "reason": reason, "row": "1,lamp,N/A"}
        for i, reason in enumerate(reasons)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, QUARANTINE_SCHEMA)


def test_a_sound_table_passes_without_a_finding() -> None:
    rows = pa.table({"item_id": ["a", "b"], "title": ["lamp", "rug"]})
    table = TableEvidence("items", _counts(2), statistics=_statistics(2, item_id=0, title=0), rows=rows)
    report = judge([table], GateOptions(), NOW)
    assert report["verdict"] == "passed"
    assert report["anomalies"] == []
    assert report["counts"] == {"ERROR": 0, "WARNING": 0, "ALLOWED": 0}


def test_a_table_without_rows_blocks_and_names_the_table() -> None:
    report = judge([TableEvidence("events", _counts(0))], GateOptions(), NOW)
    assert report["verdict"] == "blocked"
    line = blocking_line(report, "out/reports/anomalies.html")
    assert line == (
        "the data holds 1 anomaly of severity ERROR; first, events: "
        "No data: 0 rows were read, and none can be used. Deliver a table with rows; an optional table may also be left "
        "out altogether. See out/reports/anomalies.html"
    )


@pytest.mark.parametrize(("quarantined", "severity"), [(1, "WARNING"), (20, "WARNING"), (21, "ERROR")])
def test_quarantined_rows_block_only_above_the_share(quarantined: int, severity: str) -> None:
    table = TableEvidence("items", _counts(100 - quarantined, quarantined))
    assert _findings(table)["items:QUARANTINED_ROWS"]["severity"] == severity


def test_a_table_may_have_a_quarantine_limit_of_its_own() -> None:
    table = TableEvidence("items", _counts(70, 30))
    options = {"quarantined_share_by_table": {"items": 0.3}}
    assert _findings(table, **options)["items:QUARANTINED_ROWS"]["severity"] == "WARNING"


def test_the_quarantine_is_counted_by_reason_with_file_line_and_value() -> None:
    quarantine = _quarantine("not a number", "ragged", *["not a number"] * 4)
    report = judge([TableEvidence("items", _counts(94, 6), quarantine=quarantine)], GateOptions(), NOW)
    first = report["quarantine"][0]
    assert (first["column"], first["reason"], first["rows"]) == ("price", "not a number", 5)
    assert [example["line"] for example in first["examples"]] == [2, 4, 5]
    assert first["examples"][0] == {"file": "items.csv", "line": 2, "value": "N/A"}


def test_a_required_column_that_is_gone_blocks() -> None:
    table = TableEvidence("items", _counts(9), statistics=_statistics(9, item_id=0))
    assert _findings(table)["items.title:REQUIRED_COLUMN_MISSING"]["severity"] == "ERROR"


def test_gaps_in_a_required_column_warn_with_their_place() -> None:
    rows = pa.table({"item_id": ["a", "b", "c"], "title": ["lamp", None, "rug"]})
    places = pa.table({"file": ["items.csv"] * 3, "line": [2, 3, 4]})
    statistics = _statistics(3, item_id=0, title=1)
    table = TableEvidence("items", _counts(3), statistics=statistics, rows=rows, provenance=places)
    finding = _findings(table)["items.title:REQUIRED_VALUE_MISSING"]
    assert finding["severity"] == "WARNING"
    assert finding["examples"] == [{"file": "items.csv", "line": 3, "value": ""}]


def test_an_optional_column_without_a_value_warns() -> None:
    table = TableEvidence("items", _counts(5), statistics=_statistics(5, item_id=0, title=0, brand=5))
    assert _findings(table)["items.brand:EMPTY_COLUMN"]["severity"] == "WARNING"


@pytest.mark.parametrize(("nan", "infinite"), [(1, 0), (0, 1), (2, 3)])
def test_nan_and_infinite_prices_block(nan: int, infinite: int) -> None:
    table = TableEvidence("items", _counts(10), statistics=_prices(10, nan, infinite))
    finding = _findings(table)["items.price:NONFINITE_NUMBERS"]
    assert finding["severity"] == "ERROR"
    assert finding["threshold"] == 0.05
    assert finding["value"] == pytest.approx((nan + infinite) / 10)
    lenient = _findings(table, max_nonfinite_share=0.5)
    assert lenient["items.price:NONFINITE_NUMBERS"]["severity"] == "WARNING"


def test_duplicate_item_ids_warn_with_their_count_and_place() -> None:
    rows = pa.table({"item_id": ["a", "b", "c", "b", "b"], "title": ["1", "2", "3", "4", "5"]})
    places = pa.table({"file": ["items.csv"] * 5, "line": [2, 3, 4, 5, 6]})
    finding = _findings(TableEvidence("items", _counts(5), rows=rows, provenance=places))[
        "items.item_id:DUPLICATE_KEYS"
    ]
    assert finding["severity"] == "WARNING"
    assert finding["what"] == "1 of 3 keys name more than one row (2 rows too many)."
    assert finding["examples"] == [{"file": "items.csv", "line": 6, "value": "b"}]


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=40))
def test_the_share_of_repeated_keys_is_that_of_a_plain_count(ids: list[str]) -> None:
    rows = pa.table({"item_id": ids})
    finding = _findings(TableEvidence("items", _counts(len(ids)), rows=rows)).get(
        "items.item_id:DUPLICATE_KEYS"
    )
    repeated = sum(ids.count(name) > 1 for name in set(ids))
    assert (finding["value"] if finding else 0) == pytest.approx(repeated / len(set(ids)))


def test_events_that_are_all_impressions_block() -> None:
    rows = pa.table({"event": ["impression"] * 4})
    finding = _findings(TableEvidence("events", _counts(4), rows=rows))["events.event:SINGLE_CLASS"]
    assert finding["severity"] == "ERROR"


def test_purchases_alone_are_enough_to_learn_from() -> None:
    rows = pa.table({"event": ["purchase", "return"]})
    assert _findings(TableEvidence("events", _counts(2), rows=rows)) == {}


def test_judgements_of_one_grade_block() -> None:
    rows = pa.table({"grade": [3.0, 3.0]})
    table = TableEvidence("judgements", _counts(2), rows=rows)
    assert _findings(table)["judgements.grade:SINGLE_CLASS"]["severity"] == "ERROR"


def test_times_at_zero_and_in_the_future_warn_with_their_place() -> None:
    times = [0, NOW - DAY, NOW + 30 * DAY]
    rows = pa.table({"event": ["click"] * 3, "timestamp": pa.array(times, pa.int64())})
    places = pa.table({"file": ["events.csv"] * 3, "line": [2, 3, 4]})
    table = TableEvidence("events", _counts(3), rows=rows, provenance=places)
    finding = _findings(table)["events.timestamp:TIME_OUT_OF_RANGE"]
    assert [example["line"] for example in finding["examples"]] == [2, 4]
    assert finding["examples"][0]["value"] == "1970-01-01 00:00:00"


def _recorded(kind: str, feature: str = "brand") -> anomalies_pb2.Anomalies:
    anomalies = anomalies_pb2.Anomalies()
    info = anomalies.anomaly_info[feature]
    info.path.step.append(feature)
    info.reason.add(type=Type.Type.Value(kind), short_description="New values", description="acme (~3%).")
    return anomalies


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        ("ENUM_TYPE_UNEXPECTED_STRING_VALUES", "WARNING"),
        ("SCHEMA_NEW_COLUMN", "WARNING"),
        ("SCHEMA_MISSING_COLUMN", "ERROR"),
        ("ENUM_TYPE_FLOAT_NOT_STRING", "ERROR"),
        ("COMPARATOR_L_INFTY_HIGH", "ERROR"),
    ],
)
def test_what_the_validator_recorded_becomes_a_finding(kind: str, severity: str) -> None:
    finding = _findings(TableEvidence("items", _counts(1), anomalies=_recorded(kind)))[f"items.brand:{kind}"]
    assert (finding["severity"], finding["what"]) == (severity, "New values: acme (~3%).")


def test_a_number_outside_its_domain_shows_the_value_and_the_bound() -> None:
    statistics = _prices(3, 0, 0)
    statistics.features[2].num_stats.min = -5.0
    schema = schema_pb2.Schema()
    declared = schema.feature.add(name="price", type=schema_pb2.FLOAT)
    declared.float_domain.min = 0.0
    anomalies = _recorded("FLOAT_TYPE_SMALL_FLOAT", "price")
    table = TableEvidence("items", _counts(3), statistics=statistics, schema=schema, anomalies=anomalies)
    finding = _findings(table)["items.price:FLOAT_TYPE_SMALL_FLOAT"]
    assert (finding["value"], finding["threshold"]) == (-5.0, 0.0)


def test_an_allowed_anomaly_is_shown_and_does_not_block() -> None:
    table = TableEvidence("items", _counts(0))
    report = judge([table], GateOptions(allowed=("items:NO_ROWS",)), NOW)
    assert report["verdict"] == "passed"
    assert report["counts"]["ALLOWED"] == 1


def test_a_type_may_be_given_another_severity() -> None:
    rows = pa.table({"item_id": ["a", "a", "b", "c", "d"]})
    options = GateOptions(severities={"DUPLICATE_KEYS": "ERROR"})
    assert judge([TableEvidence("items", _counts(5), rows=rows)], options, NOW)["verdict"] == "blocked"


def test_errors_come_before_warnings() -> None:
    tables = [TableEvidence("items", _counts(90, 10)), TableEvidence("events", _counts(0))]
    severities = [anomaly["severity"] for anomaly in judge(tables, GateOptions(), NOW)["anomalies"]]
    assert severities == ["ERROR", "WARNING"]


def test_columns_are_listed_as_declared_extra_and_absent() -> None:
    table = TableEvidence("items", _counts(1), statistics=_statistics(1, item_id=0, title=0, colour=0))
    columns = judge([table], GateOptions(), NOW)["tables"][0]["columns"]
    assert columns["declared"] == ["item_id", "title"]
    assert columns["extra"] == ["colour"]
    assert columns["absent"] == [
        "description",
        "category",
        "brand",
        "price",
        "available_at",
        "stock",
        "domain",
    ]


def test_a_histogram_counts_the_middle_of_the_values() -> None:
    rows = pa.table({"price": [float(n) for n in range(1000)] + [1e6]})
    table = TableEvidence("items", _counts(1001), statistics=_prices(1001, 0, 0), rows=rows)
    picture = next(p for p in judge([table], GateOptions(), NOW)["distributions"] if p["feature"] == "price")
    assert picture["histogram"][0]["low"] == 10.0
    assert picture["histogram"][-1]["high"] == 990.0
    assert sum(bucket["count"] for bucket in picture["histogram"]) == 981


def test_options_survive_json() -> None:
    options = GateOptions(max_quarantined_share=0.1, severities={"NO_ROWS": "WARNING"}, allowed=("a.b:C",))
    assert GateOptions.from_json(options.to_json()) == options


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"max_quarantined_share": 2}', "max_quarantined_share=2 is wrong: .* less than or equal to 1"),
        (
            '{"severities": {"NO_ROWS": "FATAL"}}',
            "severities.NO_ROWS='FATAL' is wrong: .*'ERROR' or 'WARNING'",
        ),
        ('{"max_share": 0.1}', "unknown setting max_share; there are: max_quarantined_share"),
        ("[1", "not JSON"),
    ],
)
def test_wrong_options_are_named(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        GateOptions.from_json(text)


def test_titles_that_the_bert_cant_read_are_a_warning_above_the_threshold() -> None:
    table = TableEvidence("items", _counts(5))
    (found,) = judge([table], GateOptions(), NOW, unread=0.73)["anomalies"]
    assert (found["name"], found["severity"]) == ("items.title:UNREAD_TEXT", "WARNING")
    assert found["what"].startswith("73% of the titles' word pieces say nothing")
    assert (found["value"], found["threshold"], found["unit"]) == (0.73, 0.3, "share")
    assert not judge([table], GateOptions(), NOW, unread=0.3)["anomalies"]
