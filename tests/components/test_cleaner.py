"""Every row that the cleaner read is accounted for: in the tables, the quarantine, the ledger, the evidence."""

from __future__ import annotations

import collections
import pathlib
import runpy
import types
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.cleaner.clean import check_left, clean
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.tables import PROVENANCE_SCHEMA, QUARANTINE_SCHEMA
from aisle.schema.errors import InputError
from aisle.schema.events import names
from aisle.schema.tables import TABLE_BY_NAME

SHOP = types.SimpleNamespace(**runpy.run_path(str(pathlib.Path(__file__).with_name("cleaned_shop.py"))))
EVENT, ITEM, NAN, NOW, SECOND = SHOP.EVENT, SHOP.ITEM, SHOP.NAN, SHOP.NOW, SHOP.SECOND
clean_rows, steps_of, table_of = SHOP.clean_rows, SHOP.steps_of, SHOP.table_of


def test_exact_duplicates_are_merged_and_counted() -> None:
    result = clean_rows(events=[EVENT, EVENT, {**EVENT, "user_id": "u2"}, EVENT])
    assert steps_of(result, "events") == {"exact duplicate": ("merged", 2)}
    assert result.tables["events"]["user_id"].to_pylist() == ["u1", "u2"]
    entry = result.ledger["tables"]["events"]
    assert (entry["read"], entry["used"], entry["quarantined"], entry["merged"]) == (4, 2, 0, 2)
    assert entry["steps"][0]["examples"][0] == {
        "file": "events.csv", "line": 3, "before": EVENT, "after": None,
    }  # fmt: skip


def test_the_evidence_names_every_row_that_a_step_touched() -> None:
    events = [
        {**EVENT, "user_id": None},
        EVENT,
        EVENT,
        {**EVENT, "item_id": "POST"},
        {**EVENT, "event": "Cart"},
    ]
    assert clean_rows(events=events).evidence.to_pylist() == [
        {"table": "events", "file": "events.csv", "line": line, "step": step, "reason": reason, "outcome": outcome}
        for line, step, reason, outcome in [
            (6, "normalise", "event: case or white space", "changed"),
            (4, "deduplicate", "exact duplicate", "merged"),
            (5, "denoise", "unknown item, of a code unlike those of items", "quarantined"),
            (2, "note", "no customer: used as anonymous", "noted"),
        ]
    ]  # fmt: skip


def test_the_quarantine_keeps_the_row_as_text() -> None:
    (row,) = clean_rows(events=[EVENT, {**EVENT, "user_id": None, "price": -1.5}]).quarantine.to_pylist()
    text = f"{EVENT['timestamp']},purchase,10001,,s1,1,-1.5"
    assert (row["value"], row["row"], row["file"]) == ("-1.5", text, "events.csv")


def test_a_step_says_how_many_rows_there_were_before_and_after_it() -> None:
    result = clean_rows(events=[EVENT, EVENT, {**EVENT, "item_id": "POST"}, {**EVENT, "user_id": None}])
    steps = result.ledger["tables"]["events"]["steps"]
    assert [(step["before"], step["after"]) for step in steps] == [(4, 3), (3, 2), (2, 2)]


def test_what_the_reader_quarantined_comes_first_in_the_ledger() -> None:
    record = {
        "table": "items", "file": "items.csv", "line": 9, "column": "price", "value": "N/A",
        "reason": "not a number", "row": "1,VASE,N/A",
    }  # fmt: skip
    unread = pa.Table.from_pylist([record], schema=QUARANTINE_SCHEMA)
    place = pa.table({"file": ["items.csv"], "line": [2]}, schema=PROVENANCE_SCHEMA)
    tables = {"items": table_of([ITEM]), "events": table_of([EVENT])}
    result = clean(tables, {"items": place, "events": place}, {"items": unread}, CleanerOptions(), NOW)
    entry = result.ledger["tables"]["items"]
    assert (entry["read"], entry["used"], entry["quarantined"]) == (2, 1, 1)
    example = {"file": "items.csv", "line": 9, "before": {"price": "N/A"}, "after": None}
    assert entry["steps"][0]["examples"] == [example]


def test_a_table_of_which_nothing_is_left_is_no_data() -> None:
    with pytest.raises(InputError, match=r"no row of the table events .* bad price \(2 rows\)"):
        check_left(clean_rows(events=[{**EVENT, "price": 0.0}, {**EVENT, "price": -2.0}]))
    with pytest.raises(InputError, match="no row of the table items can be used"):
        check_left(clean_rows(items=[{"item_id": "10001", "title": " "}], events=[EVENT]))


def test_options_survive_json() -> None:
    options = CleanerOptions(
        non_product=("POST",),
        near_duplicate_seconds=0.0,
        rates={"EUR": 0.85},
        missing={"users.age": "median"},
    )
    assert CleanerOptions.from_json(options.to_json()) == options


_IDS = st.sampled_from(["10001", "10002", "10003", "POST", " ", "unknown"])
_TIMES = st.sampled_from([0, NOW - 10 * SECOND, NOW - 9 * SECOND, NOW - 100 * SECOND, NOW * 2])
_PRICES = st.sampled_from([1.0, 2.5, 0.0, -1.0, NAN, None])
_TEXTS = st.text(max_size=4) | st.sampled_from(["RED VASE", "red vase", "check", "?", "  "])
_ITEMS = st.fixed_dictionaries(
    {
        "item_id": _IDS,
        "title": _TEXTS,
        "category": st.none() | _TEXTS,
        "price": _PRICES,
        "available_at": _TIMES,
    }
)
_EVENTS = st.fixed_dictionaries(
    {
        "timestamp": _TIMES, "event": st.sampled_from([*"CLICK", "view"]), "item_id": _IDS,
        "user_id": st.none() | _TEXTS, "session_id": st.none() | _TEXTS, "price": _PRICES,
        "quantity": st.sampled_from([1, -1, 0, 5000, None]), "description": st.none() | _TEXTS,
    }
)  # fmt: skip
_USERS = st.fixed_dictionaries(
    {"user_id": _TEXTS, "country": st.none() | _TEXTS, "age": st.sampled_from([None, 0, 30, 999])}
)
_JUDGEMENTS = st.fixed_dictionaries(
    {"query": _TEXTS, "item_id": _IDS, "grade": st.sampled_from([0.0, 1.0, 4.0, -1.0, NAN])}
)


@settings(max_examples=80)
@given(
    st.lists(_ITEMS, max_size=8),
    st.lists(_USERS, min_size=1, max_size=8),
    st.lists(_EVENTS, max_size=12),
    st.lists(_JUDGEMENTS, min_size=1, max_size=8),
    st.booleans(),
)
def test_every_row_of_dirty_tables_is_used_merged_or_quarantined(
    items: list[dict[str, Any]],
    users: list[dict[str, Any]],
    events: list[dict[str, Any]],
    judgements: list[dict[str, Any]],
    keep: bool,
) -> None:
    given_tables = {
        "items": [{**ITEM, **dict.fromkeys(("category", "price", "available_at"))}, *items],
        "users": users,
        "events": [EVENT, *events],
        "judgements": judgements,
    }
    result = clean_rows(CleanerOptions(keep_undone_purchases=keep), **given_tables)
    places = [(row["table"], row["line"]) for row in result.quarantine.to_pylist()]
    assert len(set(places)) == len(places)
    touched = collections.Counter(
        (row["table"], row["step"], row["reason"], row["outcome"]) for row in result.evidence.to_pylist()
    )
    for name, rows in given_tables.items():
        entry = result.ledger["tables"][name]
        counted: collections.Counter[tuple[str, ...]] = collections.Counter()
        for step in entry["steps"]:
            counted[name, step["step"], step["reason"], step["outcome"]] += step["rows"]
        assert counted == {key: rows for key, rows in touched.items() if key[0] == name}
        assert entry["read"] == len(rows) == entry["used"] + entry["quarantined"] + entry["merged"]
        assert entry["used"] == result.tables[name].num_rows
        assert entry["quarantined"] == sum(table == name for table, _ in places)
        for column in TABLE_BY_NAME[name].columns:
            if column.required:
                assert result.tables[name][column.name].null_count == 0
    ids = result.tables["items"]["item_id"].to_pylist()
    assert len(set(ids)) == len(ids)
    assert set(result.tables["events"]["item_id"].to_pylist()) <= set(ids)
    assert set(result.tables["events"]["event"].to_pylist()) <= set(names())
