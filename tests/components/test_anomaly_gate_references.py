"""The gate's checks between tables: unknown items and users."""

from __future__ import annotations

import collections
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.components.anomaly_gate.evidence import TableEvidence
from aisle.components.anomaly_gate.judge import judge
from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.reports.publish import as_json
from aisle.components.reports.schemas import validate

NOW = 20_000 * 24 * 60 * 60 * 1_000_000


def _table(name: str, first_line: int = 2, **columns: Any) -> TableEvidence:
    rows = pa.table(columns)
    places = {
        "file": [f"{name}.csv"] * rows.num_rows,
        "line": list(range(first_line, first_line + len(rows))),
    }
    counts = {"read": len(rows), "kept": len(rows), "quarantined": 0}
    return TableEvidence(name, counts, rows=rows, provenance=pa.table(places))


def _findings(*tables: TableEvidence, **options: Any) -> dict[str, dict[str, Any]]:
    report = judge(tables, GateOptions(**options), NOW)
    validate("anomalies", as_json(report))
    return {anomaly["name"]: anomaly for anomaly in report["anomalies"]}


ITEMS = _table("items", item_id=["a", "b"])


def test_an_event_of_an_unknown_item_is_found_with_its_share_its_place_and_the_worst_ids() -> None:
    events = _table("events", event=["click"] * 8, item_id=["a", "x", "b", "y", "x", "x", None, "a"])
    finding = _findings(ITEMS, events)["events.item_id:UNKNOWN_ITEMS"]
    assert finding["value"] == pytest.approx(4 / 7)
    assert finding["what"] == "4 of 7 rows name 2 items that the table items does not hold."
    assert finding["contributors"] == [
        {"value": "x", "share": pytest.approx(3 / 7), "before": None},
        {"value": "y", "share": pytest.approx(1 / 7), "before": None},
    ]
    assert [(e["file"], e["line"], e["value"]) for e in finding["examples"]] == [
        ("events.csv", 3, "x"),
        ("events.csv", 5, "y"),
        ("events.csv", 6, "x"),
    ]


@pytest.mark.parametrize(("unknown", "severity"), [(1, "WARNING"), (10, "WARNING"), (11, "ERROR")])
def test_unknown_items_block_above_their_share(unknown: int, severity: str) -> None:
    events = _table("events", event=["click"] * 100, item_id=["x"] * unknown + ["a"] * (100 - unknown))
    assert _findings(ITEMS, events)["events.item_id:UNKNOWN_ITEMS"]["severity"] == severity


def test_judgements_are_held_against_the_items_too() -> None:
    judgements = _table("judgements", query=["q"] * 2, item_id=["a", "x"], grade=[1.0, 2.0])
    assert _findings(ITEMS, judgements)["judgements.item_id:UNKNOWN_ITEMS"]["severity"] == "ERROR"


def test_unknown_users_only_warn_however_many() -> None:
    users = _table("users", user_id=["u"])
    events = _table("events", event=["click"] * 3, item_id=["a"] * 3, user_id=["v", "w", None])
    finding = _findings(ITEMS, users, events)["events.user_id:UNKNOWN_USERS"]
    assert (finding["severity"], finding["value"]) == ("WARNING", 1.0)


def test_without_a_users_table_no_user_is_unknown() -> None:
    events = _table("events", event=["click"], item_id=["a"], user_id=["v"])
    assert _findings(ITEMS, events) == {}


@given(
    st.lists(st.sampled_from("abcd")),
    st.lists(st.one_of(st.none(), st.sampled_from("abcdef")), min_size=1, max_size=40),
)
def test_the_unknown_are_those_of_a_plain_count(known: list[str], named: list[str | None]) -> None:
    items = _table("items", item_id=pa.array(known, pa.string()))
    events = _table("events", event=["click"] * len(named), item_id=pa.array(named, pa.string()))
    finding = _findings(items, events).get("events.item_id:UNKNOWN_ITEMS")
    filled = [name for name in named if name is not None]
    unknown = collections.Counter(name for name in filled if name not in known)
    if not unknown:
        assert finding is None
        return
    assert finding is not None
    assert finding["value"] == pytest.approx(sum(unknown.values()) / len(filled))
    worst = dict(sorted(unknown.items(), key=lambda pair: (-pair[1], pair[0]))[:5])
    assert {c["value"]: round(c["share"] * len(filled)) for c in finding["contributors"]} == worst


def test_ids_that_the_cleaner_spells_as_the_catalogue_does_are_known() -> None:
    items = _table("items", item_id=["A1", "b2", "c3", "C3"])
    written = [" A1", "a1", "\uff21\uff11", "B2\u00a0", "c3", None]
    assert not _findings(items, _table("events", item_id=written))
    # Which of two items is meant by this one, nobody knows.
    found = _findings(items, _table("events", item_id=["\uff23\uff13"]))["events.item_id:UNKNOWN_ITEMS"]
    assert found["what"].endswith("the table items does not hold; its own are such as 'A1'.")
