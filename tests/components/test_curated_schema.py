"""The curated schema: what is drawn from a table, and how it gives way."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

from aisle.components.anomaly_gate.evidence import TableEvidence, listed
from aisle.components.anomaly_gate.infer_schema import infer_table_schema
from aisle.components.anomaly_gate.judge import judge
from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.anomaly_gate.statistics import table_statistics
from aisle.components.curated_schema.changes import accept, changes, read_schema, schema_text


def _table(name: str, rows: pa.Table) -> TableEvidence:
    counts = {"read": len(rows), "kept": len(rows), "quarantined": 0}
    return TableEvidence(name, counts, statistics=table_statistics(rows), rows=rows)


def _items(**changed: Any) -> TableEvidence:
    columns = {
        "item_id": [f"i{n}" for n in range(40)],
        "title": [f"thing {n}" for n in range(40)],
        "category": ["Home", "Food"] * 20,
        "price": [float(n) for n in range(40)],
        "stock": list(range(40)),
    } | changed
    return _table("items", pa.table({n: pa.array(v) for n, v in columns.items() if v is not None}))


SCHEMA = infer_table_schema("items", _items().statistics)
FEATURES = {feature.name: feature for feature in SCHEMA.feature}


def test_of_each_column_the_type_the_presence_the_values_and_the_bounds_are_fixed() -> None:
    assert list(FEATURES) == ["item_id", "title", "category", "price", "stock"]
    assert FEATURES["item_id"].presence.min_fraction == 1.0
    assert FEATURES["category"].presence.min_fraction == pytest.approx(0.9)
    assert list(FEATURES["category"].string_domain.value) == ["Food", "Home"]
    assert FEATURES["price"].float_domain.min == 0
    assert FEATURES["price"].float_domain.disallow_nan
    assert FEATURES["price"].float_domain.disallow_inf
    assert FEATURES["item_id"].unique_constraints.min == 20
    assert not FEATURES["title"].HasField("string_domain")


def test_the_events_are_those_of_the_tables_and_outcomes_may_lack_at_serving() -> None:
    rows = pa.table(
        {"event": ["click", "view"], "item_id": ["a", "b"], "query": ["q", "r"], "quantity": [1, 2]}
    )
    features = {f.name: f for f in infer_table_schema("events", table_statistics(rows)).feature}
    assert list(features["event"].string_domain.value) == [
        "cart", "click", "impression", "purchase", "return", "review", "view",
    ]  # fmt: skip
    assert [name for name, f in features.items() if "SERVING" in f.not_in_environment] == [
        "event", "item_id", "quantity",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"price": [-1.0] * 40}, "items.price:FLOAT_TYPE_SMALL_FLOAT"),
        ({"price": [math.nan] + [1.0] * 39}, "items.price:FLOAT_TYPE_HAS_NAN"),
        ({"price": [math.inf] + [1.0] * 39}, "items.price:FLOAT_TYPE_HAS_INF"),
        ({"category": ["Toys"] * 40}, "items.category:ENUM_TYPE_UNEXPECTED_STRING_VALUES"),
        ({"category": [None] * 20 + ["Home"] * 20}, "items.category:FEATURE_TYPE_LOW_FRACTION_PRESENT"),
        ({"item_id": ["i1"] * 40}, "items.item_id:FEATURE_TYPE_LOW_UNIQUE"),
        ({"stock": ["many"] * 40}, "items.stock:UNEXPECTED_DATA_TYPE"),
        ({"stock": None}, "items.stock:SCHEMA_MISSING_COLUMN"),
        ({"colour": ["red"] * 40}, "items.colour:SCHEMA_NEW_COLUMN"),
    ],
)
def test_what_breaks_the_schema_is_found_and_can_be_accepted(changed: dict[str, Any], name: str) -> None:
    table = _items(**changed)
    found = changes(table, SCHEMA).findings
    assert name in [finding.name for finding in found]
    before = SCHEMA.SerializeToString()
    accepted = accept(table, SCHEMA, found)
    assert changes(table, accepted).findings == ()
    assert SCHEMA.SerializeToString() == before


def test_what_a_person_wrote_into_the_schema_stays() -> None:
    written = schema_pb2.Schema()
    written.CopyFrom(SCHEMA)
    category = next(feature for feature in written.feature if feature.name == "category")
    category.drift_comparator.infinity_norm.threshold = 0.3
    table = _items(category=["Toys", "Food"] * 20)
    accepted = accept(table, written, changes(table, written).findings)
    kept = next(feature for feature in accepted.feature if feature.name == "category")
    assert kept.drift_comparator.infinity_norm.threshold == 0.3
    assert list(kept.string_domain.value) == ["Food", "Home", "Toys"]


def test_what_the_validator_finds_by_the_schema_blocks_with_its_place() -> None:
    table = _items(price=[1.0, math.nan] + [2.0] * 38)
    judged = TableEvidence(
        "items",
        table.counts,
        statistics=table.statistics,
        schema=SCHEMA,
        anomalies=tfdv.validate_statistics(listed(table.statistics), SCHEMA),
        rows=table.rows,
    )
    report = judge([judged], GateOptions(), 0)
    (finding,) = [a for a in report["anomalies"] if a["type"] == "FLOAT_TYPE_HAS_NAN"]
    assert (finding["severity"], finding["examples"][0]["line"]) == ("ERROR", 2)


_CELLS = st.one_of(st.none(), st.floats(allow_subnormal=False), st.sampled_from([0.0, -1.0, 1e9]))


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=3), st.one_of(st.none(), st.sampled_from("abc")), _CELLS),
        min_size=1,
        max_size=12,
    )
)
def test_a_table_keeps_to_its_own_schema_and_its_text_is_read_as_it_was_written(
    rows: list[tuple[str, str | None, float | None]],
) -> None:
    table = _table(
        "items",
        pa.table(
            {
                "item_id": pa.array([row[0] for row in rows], pa.string()),
                "category": pa.array([row[1] for row in rows], pa.string()),
                "price": pa.array([row[2] for row in rows], pa.float64()),
            }
        ),
    )
    schema = infer_table_schema("items", table.statistics)
    assert [finding.name for finding in changes(table, schema).findings] == []
    assert read_schema(schema_text(schema), "test") == schema


def test_the_same_rows_in_another_order_give_the_same_text() -> None:
    order = np.random.default_rng(0).permutation(40)
    shuffled = table_statistics(
        _items().rows.take(pa.array(order)).select(["price", "category", "title", "stock", "item_id"])
    )
    assert schema_text(infer_table_schema("items", shuffled)) == schema_text(SCHEMA)
