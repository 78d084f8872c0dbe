from __future__ import annotations

import collections
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.cleaner.clean import CleanResult, clean
from aisle.components.cleaner.options import CleanerOptions, options_from_json, options_to_json
from aisle.components.tables import PROVENANCE_SCHEMA, QUARANTINE_SCHEMA
from aisle.schema.errors import InputError
from aisle.schema.tables import EVENT_TYPES, TABLE_BY_NAME

SECOND = 1_000_000
NOW = 1_714_557_600 * SECOND
NAN = float("nan")
ITEM = {"item_id": "10001", "title": "RED VASE"}
EVENT = {
    "timestamp": NOW - 3600 * SECOND, "event": "purchase", "item_id": "10001", "user_id": "u1",
    "session_id": "s1", "quantity": 1, "price": 2.0,
}  # fmt: skip

TYPES = {
    **dict.fromkeys(
        ("timestamp", "quantity", "joined_at", "age", "available_at", "stock", "position"), pa.int64()
    ),
    **dict.fromkeys(("price", "grade", "rating"), pa.float64()),
}


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    fields = [(name, TYPES.get(name, pa.string())) for name in names]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def _clean(options: CleanerOptions | None = None, **tables: list[dict[str, Any]]) -> CleanResult:
    rows = {name: _table(value) for name, value in {"items": [ITEM], **tables}.items()}
    provenance = {
        name: pa.table(
            {"file": [f"{name}.csv"] * table.num_rows, "line": range(2, table.num_rows + 2)},
            schema=PROVENANCE_SCHEMA,
        )
        for name, table in rows.items()
    }
    return clean(rows, provenance, {}, options or CleanerOptions(), now=NOW)


def _steps(result: CleanResult, table: str) -> dict[str, tuple[str, int]]:
    return {
        step["reason"]: (step["outcome"], step["rows"]) for step in result.ledger["tables"][table]["steps"]
    }


def _gone(result: CleanResult) -> list[tuple[str, int, str, str]]:
    return [
        (row["table"], row["line"], row["column"], row["reason"]) for row in result.quarantine.to_pylist()
    ]


def test_exact_duplicates_are_merged_and_counted() -> None:
    result = _clean(events=[EVENT, EVENT, {**EVENT, "user_id": "u2"}, EVENT])
    assert _steps(result, "events") == {"exact duplicate": ("merged", 2)}
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
    assert _clean(events=events).evidence.to_pylist() == [
        {"table": "events", "file": "events.csv", "line": line, "step": step, "reason": reason, "outcome": outcome}
        for line, step, reason, outcome in [
            (6, "normalise", "event: case or white space", "changed"),
            (4, "deduplicate", "exact duplicate", "merged"),
            (5, "denoise", "non-product code", "quarantined"),
            (2, "note", "no customer: used as anonymous", "noted"),
        ]
    ]  # fmt: skip


def test_the_quarantine_keeps_the_row_as_text() -> None:
    (row,) = _clean(events=[EVENT, {**EVENT, "user_id": None, "price": -1.5}]).quarantine.to_pylist()
    text = f"{EVENT['timestamp']},purchase,10001,,s1,1,-1.5"
    assert (row["value"], row["row"], row["file"]) == ("-1.5", text, "events.csv")


def test_a_step_says_how_many_rows_there_were_before_and_after_it() -> None:
    result = _clean(events=[EVENT, EVENT, {**EVENT, "item_id": "POST"}, {**EVENT, "user_id": None}])
    steps = result.ledger["tables"]["events"]["steps"]
    assert [(step["before"], step["after"]) for step in steps] == [(4, 3), (3, 2), (2, 2)]


def test_an_event_sent_again_moments_later_is_the_same_event() -> None:
    times = [0, 4, 8, 20]
    events = [{**EVENT, "timestamp": EVENT["timestamp"] + time * SECOND} for time in times]
    other = {**EVENT, "timestamp": EVENT["timestamp"] + SECOND, "quantity": 2}
    result = _clean(events=[*events, other])
    assert _steps(result, "events") == {"the same within 5 seconds": ("merged", 2)}
    assert result.tables["events"]["quantity"].to_pylist() == [1, 1, 2]


def test_equal_events_of_nobody_in_particular_are_not_near_duplicates() -> None:
    nobody = {**EVENT, "user_id": None, "session_id": None}
    result = _clean(events=[nobody, {**nobody, "timestamp": EVENT["timestamp"] + SECOND}])
    assert result.tables["events"].num_rows == 2


@pytest.mark.parametrize(
    ("changed", "column", "reason"),
    [
        ({"event": "clik"}, "event", "unknown event"),
        ({"item_id": "99999"}, "item_id", "unknown item"),
        ({"item_id": " "}, "item_id", "unknown item"),
        ({"item_id": "POST"}, "item_id", "non-product code"),
        ({"item_id": "gift_0001_20"}, "item_id", "non-product code"),
        ({"item_id": "CARRIAGE"}, "item_id", "non-product code"),
        ({"timestamp": 0}, "timestamp", "timestamp at the epoch or before"),
        ({"timestamp": NOW + 2 * 86_400 * SECOND}, "timestamp", "timestamp in the future"),
        ({"price": 0.0}, "price", "bad price"),
        ({"price": -1.0}, "price", "bad price"),
        ({"price": NAN}, "price", "bad price"),
        ({"price": float("inf")}, "price", "bad price"),
        ({"quantity": 0}, "quantity", "bad quantity"),
        ({"quantity": -4}, "quantity", "bad quantity"),
        ({"description": "wet damaged"}, "description", "stock note in description"),
        ({"description": "??"}, "description", "stock note in description"),
    ],
)
def test_an_event_that_cant_have_happened_is_quarantined(
    changed: dict[str, Any], column: str, reason: str
) -> None:
    result = _clean(events=[EVENT, {**EVENT, **changed}])
    assert _gone(result) == [("events", 3, column, reason)]
    assert _steps(result, "events")[reason] == ("quarantined", 1)
    assert result.tables["events"].num_rows == 1


def test_a_purchase_may_leave_its_price_and_quantity_out() -> None:
    result = _clean(events=[{**EVENT, "price": None, "quantity": None}])
    assert result.tables["events"].num_rows == 1


def test_a_bad_price_of_another_event_is_only_unknown() -> None:
    result = _clean(events=[{**EVENT, "event": "return", "price": 0.0, "quantity": -1}])
    assert result.tables["events"]["price"].to_pylist() == [None]
    assert _steps(result, "events")["bad price: unknown"] == ("changed", 1)


@pytest.mark.parametrize(("first", "stray", "kept"), [(1, 0, None), (1, -1, None), (0, -1, None), (0, 0, 0)])
def test_a_position_before_the_shops_first_is_unknown(first: int, stray: int, kept: int | None) -> None:
    shown = {**EVENT, "event": "impression", "quantity": None, "price": None}
    places = [first, first, first, first + 1, first + 1, first + 2]
    rows = [
        {**shown, "session_id": f"s{nth}", "position": place} for nth, place in enumerate([*places, stray])
    ]
    result = _clean(events=rows)
    assert result.tables["events"]["position"].to_pylist() == [*places, kept]


def test_a_rating_outside_the_scale_is_unknown() -> None:
    rows = [{**EVENT, "session_id": f"s{n}", "rating": n} for n in (0.0, 1.0, 5.0, 9.0, NAN)]
    assert _clean(events=rows).tables["events"]["rating"].to_pylist() == [None, 1.0, 5.0, None, None]
    wide = _clean(CleanerOptions(ratings=(0.0, 10.0)), events=rows)
    assert wide.tables["events"]["rating"].to_pylist() == [0.0, 1.0, 5.0, 9.0, None]


def test_a_clock_that_was_never_set_is_told_from_a_shop_with_a_long_past() -> None:
    year = 365 * 86_400 * SECOND
    rows = [{**EVENT, "session_id": f"s{n}", "timestamp": NOW - n * 86_400 * SECOND} for n in range(60)]
    unset = _clean(events=[*rows, {**EVENT, "timestamp": NOW - 20 * year}])
    assert _gone(unset) == [("events", 62, "timestamp", "timestamp far from all others")]
    assert _clean(events=[*rows, {**EVENT, "timestamp": NOW - year // 2}]).tables["events"].num_rows == 61
    kept = _clean(CleanerOptions(isolated_spans=0), events=[*rows, {**EVENT, "timestamp": NOW - 20 * year}])
    assert kept.tables["events"].num_rows == 61


def test_an_event_says_whether_its_item_was_quarantined_or_never_there() -> None:
    items = [ITEM, {"item_id": "10002", "title": "check"}]
    unread = [{"table": "items", "file": "items.csv", "line": 9, "column": "price", "value": "N/A",
               "reason": "not a number", "row": '"10003",BLUE VASE,N/A'}]  # fmt: skip
    events = [{**EVENT, "item_id": item} for item in ("10001", "10002", "10003", "10004")]
    tables = {"items": _table(items), "events": _table(events)}
    places = {
        name: pa.table(
            {"file": [name] * table.num_rows, "line": range(table.num_rows)}, schema=PROVENANCE_SCHEMA
        )
        for name, table in tables.items()
    }
    lost = {"items": pa.Table.from_pylist(unread, schema=QUARANTINE_SCHEMA)}
    gone = clean(tables, places, lost, CleanerOptions(), NOW).quarantine.to_pylist()
    assert [(row["line"], row["reason"]) for row in gone if row["table"] == "events"] == [
        (1, "item was quarantined"), (2, "item was quarantined"), (3, "unknown item"),
    ]  # fmt: skip


def test_anonymous_rows_returns_and_outliers_are_noted_and_used() -> None:
    events = [
        {**EVENT, "user_id": None},
        {**EVENT, "quantity": 5000},
        {**EVENT, "event": "return", "quantity": -1, "session_id": "s2"},
        *({**EVENT, "user_id": f"u{nth}"} for nth in range(2, 12)),
    ]
    result = _clean(events=events)
    assert _steps(result, "events") == {
        "no customer: used as anonymous": ("noted", 1),
        "quantity outlier: far from what is usual for the item": ("noted", 1),
        "cancellation or return": ("noted", 1),
    }
    assert result.tables["events"].num_rows == 13


def test_the_latest_purchases_before_a_return_are_undone() -> None:
    def at(hours: int, event: str = "purchase", quantity: int = 1) -> dict[str, Any]:
        moment = NOW - 1000 * 3600 * SECOND + hours * 3600 * SECOND
        return {**EVENT, "timestamp": moment, "event": event, "quantity": quantity}

    events = [at(1), at(2), at(3, "return", -1), at(4), at(5, quantity=2), at(6, "return", -9)]
    noted = _clean(events=events)
    assert _steps(noted, "events")["purchase undone by a return"] == ("noted", 1)
    taken = _clean(CleanerOptions(keep_undone_purchases=False), events=events)
    assert _gone(taken) == [("events", 3, "event", "purchase undone by a return")]


def test_a_session_that_only_clicks_faster_than_a_person_is_a_bot() -> None:
    def clicks(session: str, count: int, gap: float, wander: int = 0) -> list[dict[str, Any]]:
        start = NOW - 86_400 * SECOND
        return [
            {
                **EVENT, "event": "click", "session_id": session, "user_id": None, "quantity": None,
                "price": None, "timestamp": start + int(nth * gap * SECOND) + nth % 7 * wander * SECOND, "query": f"{nth}",
            }
            for nth in range(count)
        ]  # fmt: skip

    buyer = {**EVENT, "session_id": "buyer", "timestamp": NOW - 86_300 * SECOND}
    events = [*clicks("bot", 60, 0.5), *clicks("few", 59, 0.5), *clicks("slow", 60, 20.0, wander=9)]
    result = _clean(events=[*events, *clicks("buyer", 60, 0.5), buyer])
    assert _steps(result, "events")["bot session"] == ("quarantined", 60)
    assert set(result.tables["events"]["session_id"].to_pylist()) == {"few", "slow", "buyer"}
    even = _clean(events=[EVENT, *clicks("even", 60, 20.0)])
    assert even.tables["events"]["session_id"].to_pylist() == ["s1"]


def test_the_title_of_an_item_is_the_most_frequent_then_the_latest() -> None:
    rows = [
        {"item_id": "10001", "title": "OLD NAME", "lines": "3", "available_at": 1},
        {"item_id": "10001", "title": "NEW NAME", "lines": "9", "available_at": 2, "brand": None},
        {"item_id": "10001", "title": "OLD NAME", "lines": "5", "available_at": 3, "brand": "ACME"},
        {"item_id": "10002", "title": "FIRST", "lines": "1", "available_at": 5},
        {"item_id": "10002", "title": "SECOND", "lines": "1", "available_at": 4},
    ]
    items = _clean(items=rows, events=[EVENT]).tables["items"]
    kept = [(row["item_id"], row["title"], row["brand"]) for row in items.to_pylist()]
    assert kept == [("10001", "NEW NAME", "ACME"), ("10002", "FIRST", None)]


def test_stock_notes_are_no_titles_in_a_catalogue_of_capitals() -> None:
    notes = ["?", "check", "Damaged", "thrown away", "20713", "sold as set on dotcom"]
    titles = [
        "BAG 500g SWIRLY MARBLES",
        *(f"VASE NO {nth}" for nth in range(99)),
        "Dad's Cab Electronic Meter",
    ]
    rows = [{"item_id": f"{10001 + nth}", "title": title} for nth, title in enumerate([*titles, *notes])]
    result = _clean(items=rows, events=[EVENT])
    assert result.tables["items"]["title"].to_pylist() == titles
    assert {reason for *_, reason in _gone(result)} == {"stock note in title"}


def test_a_catalogue_in_mixed_case_keeps_its_lone_words() -> None:
    rows = [
        {"item_id": f"{10001 + nth}", "title": t} for nth, t in enumerate(["Vase", "red shoes", "damaged"])
    ]
    assert _clean(items=rows, events=[EVENT]).tables["items"]["title"].to_pylist() == ["Vase", "red shoes"]


def test_texts_are_normalised_and_cut_and_what_is_left_empty_is_quarantined() -> None:
    rows = [
        {"item_id": " 10001", "title": "cafe\u0301\x00  au\tlait ", "description": "\u200b \n"},
        {"item_id": "10002", "title": " \x07 ", "description": None},
        {"item_id": "10003", "title": "x" * 1000, "description": None},
    ]
    result = _clean(items=rows, events=[EVENT])
    assert result.tables["items"]["title"].to_pylist() == ["caf\u00e9 au lait", "x" * 500]
    assert result.tables["items"]["item_id"].to_pylist() == ["10001", "10003"]
    assert _gone(result) == [("items", 3, "title", "nothing but white space")]
    assert _steps(result, "items")["title: cut to 500 characters"] == ("changed", 1)


def test_spellings_of_a_category_become_the_commonest() -> None:
    spellings = ["Home/Vases", "Home/Vases", "home / vases", "HOME/VASES", "Garden", None]
    rows = [{"item_id": f"{10001 + n}", "title": f"V{n} A", "category": c} for n, c in enumerate(spellings)]
    categories = _clean(items=rows, events=[EVENT]).tables["items"]["category"].to_pylist()
    assert categories == ["Home/Vases"] * 4 + ["Garden", None]


def test_an_item_without_a_good_price_takes_the_median_of_its_sales() -> None:
    rows = [{**ITEM, "price": -1.0}, {"item_id": "10002", "title": "B C", "price": 7.0}]
    events = [{**EVENT, "price": price, "session_id": f"{price}"} for price in (1.0, 2.0, 9.0)]
    assert _clean(items=rows, events=events).tables["items"]["price"].to_pylist() == [2.0, 7.0]


def test_users_become_one_row_each_and_what_cant_be_is_unknown() -> None:
    users = [
        {"user_id": "u1", "country": "France", "age": 200, "joined_at": 0},
        {"user_id": "u1", "country": " FRANCE", "age": None, "joined_at": 5 * SECOND},
        {"user_id": "u1", "country": "Spain", "age": 40, "joined_at": None},
        {"user_id": "u2", "country": "France", "age": 30, "joined_at": NOW + SECOND},
    ]
    kept = _clean(users=users, events=[EVENT]).tables["users"].to_pylist()
    assert kept == [
        {"user_id": "u1", "country": "France", "age": 40, "joined_at": 5 * SECOND},
        {"user_id": "u2", "country": "France", "age": 30, "joined_at": None},
    ]


def test_contradicting_grades_become_their_median() -> None:
    grades = [("a", 1.0), ("a", 4.0), ("a", 3.0), ("a", 3.0), ("b", NAN), ("b", -1.0), ("b", 2.0)]
    rows = [{"query": query, "item_id": "10001", "grade": grade} for query, grade in grades]
    rows += [{"query": "a", "item_id": "none", "grade": 1.0}]
    result = _clean(judgements=rows)
    assert result.tables["judgements"].to_pylist() == [
        {"query": "a", "item_id": "10001", "grade": 3.0},
        {"query": "b", "item_id": "10001", "grade": 2.0},
    ]
    assert [reason for *_, reason in _gone(result)] == ["bad grade", "bad grade", "unknown item"]


def test_what_the_reader_quarantined_comes_first_in_the_ledger() -> None:
    record = {
        "table": "items", "file": "items.csv", "line": 9, "column": "price", "value": "N/A",
        "reason": "not a number", "row": "1,VASE,N/A",
    }  # fmt: skip
    unread = pa.Table.from_pylist([record], schema=QUARANTINE_SCHEMA)
    place = pa.table({"file": ["items.csv"], "line": [2]}, schema=PROVENANCE_SCHEMA)
    tables = {"items": _table([ITEM]), "events": _table([EVENT])}
    result = clean(tables, {"items": place, "events": place}, {"items": unread}, CleanerOptions(), NOW)
    entry = result.ledger["tables"]["items"]
    assert (entry["read"], entry["used"], entry["quarantined"]) == (2, 1, 1)
    example = {"file": "items.csv", "line": 9, "before": {"price": "N/A"}, "after": None}
    assert entry["steps"][0]["examples"] == [example]


def test_a_table_of_which_nothing_is_left_is_no_data() -> None:
    with pytest.raises(InputError, match=r"no row of the table events .* bad price \(2 rows\)"):
        _clean(events=[{**EVENT, "price": 0.0}, {**EVENT, "price": -2.0}])
    with pytest.raises(InputError, match="no row of the table items can be used"):
        _clean(items=[{"item_id": "POST", "title": "POSTAGE"}], events=[EVENT])


def test_options_survive_json() -> None:
    options = CleanerOptions(
        non_product=("POST",),
        near_duplicate_seconds=0.0,
        rates={"EUR": 0.85},
        missing={"users.age": "median"},
    )
    assert options_from_json(options_to_json(options)) == options


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
        "timestamp": _TIMES, "event": st.sampled_from([*EVENT_TYPES, "CLICK", "view"]), "item_id": _IDS,
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


@settings(max_examples=80, deadline=None)
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
    result = _clean(CleanerOptions(keep_undone_purchases=keep), **given_tables)
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
    assert set(result.tables["events"]["event"].to_pylist()) <= set(EVENT_TYPES)
