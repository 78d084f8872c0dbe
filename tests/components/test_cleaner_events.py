"""Events that can't have happened, came twice or are no person's: what the cleaner makes of them."""

from __future__ import annotations

import pathlib
import runpy
import types
from typing import Any

import pyarrow as pa
import pytest

from aisle.components.cleaner.clean import clean
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.tables import PROVENANCE_SCHEMA, QUARANTINE_SCHEMA

SHOP = types.SimpleNamespace(**runpy.run_path(str(pathlib.Path(__file__).with_name("cleaned_shop.py"))))
EVENT, ITEM, NAN, NOW, SECOND = SHOP.EVENT, SHOP.ITEM, SHOP.NAN, SHOP.NOW, SHOP.SECOND
ODD_CODE = "unknown item, of a code unlike those of items"
UNPAID = {"price": 0.0, "user_id": None}
clean_rows, gone_from, steps_of, table_of = SHOP.clean_rows, SHOP.gone_from, SHOP.steps_of, SHOP.table_of


def test_an_event_sent_again_moments_later_is_the_same_event() -> None:
    times = [0, 4, 8, 20]
    events = [{**EVENT, "timestamp": EVENT["timestamp"] + time * SECOND} for time in times]
    other = {**EVENT, "timestamp": EVENT["timestamp"] + SECOND, "quantity": 2}
    result = clean_rows(events=[*events, other])
    assert steps_of(result, "events") == {"the same within 5 seconds": ("merged", 2)}
    assert result.tables["events"]["quantity"].to_pylist() == [1, 1, 2]


def test_equal_events_of_nobody_in_particular_are_not_near_duplicates() -> None:
    nobody = {**EVENT, "user_id": None, "session_id": None}
    result = clean_rows(events=[nobody, {**nobody, "timestamp": EVENT["timestamp"] + SECOND}])
    assert result.tables["events"].num_rows == 2


@pytest.mark.parametrize(
    ("changed", "column", "reason"),
    [
        ({"event": "clik"}, "event", "unknown event"),
        ({"item_id": "99999"}, "item_id", "unknown item"),
        ({"item_id": " "}, "item_id", "unknown item"),
        ({"item_id": "POST"}, "item_id", ODD_CODE),
        ({"item_id": "gift_0001_20"}, "item_id", ODD_CODE),
        ({"item_id": "CARRIAGE"}, "item_id", ODD_CODE),
        ({"timestamp": 0}, "timestamp", "timestamp at the epoch or before"),
        ({"timestamp": NOW + 2 * 86_400 * SECOND}, "timestamp", "timestamp in the future"),
        ({"price": 0.0}, "price", "bad price"),
        ({"price": -1.0}, "price", "bad price"),
        ({"price": NAN}, "price", "bad price"),
        ({"price": float("inf")}, "price", "bad price"),
        ({"quantity": 0}, "quantity", "bad quantity"),
        ({"quantity": -4}, "quantity", "bad quantity"),
        ({**UNPAID, "description": "wet damaged"}, "description", "stock note in description"),
        ({**UNPAID, "description": "??"}, "description", "stock note in description"),
        ({**UNPAID, "description": "RED VASE"}, "price", "bad price"),
    ],
)
def test_an_event_that_cant_have_happened_is_quarantined(
    changed: dict[str, Any], column: str, reason: str
) -> None:
    result = clean_rows(events=[EVENT, {**EVENT, **changed}])
    assert gone_from(result) == [("events", 3, column, reason)]
    assert steps_of(result, "events")[reason] == ("quarantined", 1)
    assert result.tables["events"].num_rows == 1


def test_a_purchase_may_leave_its_price_and_quantity_out() -> None:
    result = clean_rows(events=[{**EVENT, "price": None, "quantity": None}])
    assert result.tables["events"].num_rows == 1


def test_a_bad_price_of_another_event_is_only_unknown() -> None:
    result = clean_rows(events=[{**EVENT, "event": "return", "price": 0.0, "quantity": -1}])
    assert result.tables["events"]["price"].to_pylist() == [None]
    assert steps_of(result, "events")["bad price: unknown"] == ("changed", 1)


@pytest.mark.parametrize(("first", "stray", "kept"), [(1, 0, None), (1, -1, None), (0, -1, None), (0, 0, 0)])
def test_a_position_before_the_shops_first_is_unknown(first: int, stray: int, kept: int | None) -> None:
    shown = {**EVENT, "event": "impression", "quantity": None, "price": None}
    places = [first, first, first, first + 1, first + 1, first + 2]
    rows = [
        {**shown, "session_id": f"s{nth}", "position": place} for nth, place in enumerate([*places, stray])
    ]
    result = clean_rows(events=rows)
    assert result.tables["events"]["position"].to_pylist() == [*places, kept]


def test_a_rating_outside_the_scale_is_unknown() -> None:
    rows = [{**EVENT, "session_id": f"s{n}", "rating": n} for n in (0.0, 1.0, 5.0, 9.0, NAN)]
    assert clean_rows(events=rows).tables["events"]["rating"].to_pylist() == [None, 1.0, 5.0, None, None]
    wide = clean_rows(CleanerOptions(ratings=(0.0, 10.0)), events=rows)
    assert wide.tables["events"]["rating"].to_pylist() == [0.0, 1.0, 5.0, 9.0, None]


def test_a_clock_that_was_never_set_is_told_from_a_shop_with_a_long_past() -> None:
    year = 365 * 86_400 * SECOND
    rows = [{**EVENT, "session_id": f"s{n}", "timestamp": NOW - n * 86_400 * SECOND} for n in range(60)]
    unset = clean_rows(events=[*rows, {**EVENT, "timestamp": NOW - 20 * year}])
    assert gone_from(unset) == [("events", 62, "timestamp", "timestamp far from all others")]
    assert clean_rows(events=[*rows, {**EVENT, "timestamp": NOW - year // 2}]).tables["events"].num_rows == 61
    kept = clean_rows(
        CleanerOptions(isolated_spans=0), events=[*rows, {**EVENT, "timestamp": NOW - 20 * year}]
    )
    assert kept.tables["events"].num_rows == 61


def test_an_event_says_whether_its_item_was_quarantined_or_never_there() -> None:
    items = [ITEM, {"item_id": "10002", "title": " "}]
    unread = [{"table": "items", "file": "items.csv", "line": 9, "key": "10003", "column": "price",
               "value": "N/A", "reason": "not a number", "row": "10003,BLUE VASE,N/A"}]  # fmt: skip
    events = [{**EVENT, "item_id": item} for item in ("10001", "10002", "10003", "10004")]
    tables = {"items": table_of(items), "events": table_of(events)}
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
    result = clean_rows(events=events)
    assert steps_of(result, "events") == {
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
    noted = clean_rows(events=events)
    assert steps_of(noted, "events")["purchase undone by a return"] == ("noted", 1)
    taken = clean_rows(CleanerOptions(keep_undone_purchases=False), events=events)
    assert gone_from(taken) == [("events", 3, "event", "purchase undone by a return")]


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
    result = clean_rows(events=[*events, *clicks("buyer", 60, 0.5), buyer])
    assert steps_of(result, "events")["bot session"] == ("quarantined", 60)
    assert set(result.tables["events"]["session_id"].to_pylist()) == {"few", "slow", "buyer"}
    even = clean_rows(events=[EVENT, *clicks("even", 60, 20.0)])
    assert even.tables["events"]["session_id"].to_pylist() == ["s1"]


def test_a_purchase_below_zero_of_what_was_bought_before_is_a_return() -> None:
    def bought(quantity: float, day: int, user: str | None = "u1") -> dict[str, Any]:
        return {
            **EVENT,
            "quantity": quantity,
            "user_id": user,
            "timestamp": EVENT["timestamp"] + day * 60 * SECOND,
        }

    # Two pieces and one back; then three more back than there are; nobody's, and another user's without a purchase.
    events = [
        bought(2, 0),
        bought(-1, 1),
        bought(-3, 2),
        bought(2, 3, None),
        bought(-2, 4, None),
        bought(-1, 5, "u2"),
    ]
    result = clean_rows(events=events)
    kept = result.tables["events"].select(["event", "quantity"]).to_pylist()
    assert kept == [
        {"event": "purchase", "quantity": 2}, {"event": "return", "quantity": -1}, {"event": "purchase", "quantity": 2},
    ]  # fmt: skip
    told = "purchase of a quantity below zero, of what was bought before: a return"
    assert steps_of(result, "events")[told] == ("changed", 1)
    assert [line for _, line, *_ in gone_from(result)] == [4, 6, 7]
    returned = {**bought(-1, 6), "event": "return"}
    assert [line for _, line, *_ in gone_from(clean_rows(events=[*events, returned]))] == [3, 4, 6, 7], (
        "it has a name for them"
    )


@pytest.mark.parametrize(
    ("other", "options", "named"),
    [
        ({}, {}, True),
        ({"timestamp": NOW - 20 * 365 * 86_400 * SECOND}, {}, False),
        ({"timestamp": NOW - 20 * 365 * 86_400 * SECOND}, {"isolated_spans": 0.0}, True),
        ({"timestamp": None}, {}, True),
        ({"item_id": "POST"}, {"non_product": ("POST",)}, False),
    ],
)
def test_a_return_that_is_no_sale_of_a_product_does_not_name_returns(
    other: dict[str, Any], options: dict[str, Any], named: bool
) -> None:
    bought = [{**EVENT, "quantity": n, "timestamp": EVENT["timestamp"] + n * -SECOND} for n in (2, -1)]
    usual = [{**EVENT, "user_id": f"v{n}"} for n in range(60)]
    events = [*usual, *bought, {**EVENT, "event": "return", "quantity": 1, "user_id": "u2", **other}]
    told = "purchase of a quantity below zero, of what was bought before: a return"
    steps = steps_of(clean_rows(CleanerOptions(**options), events=events), "events")
    assert (told not in steps) is named


@pytest.mark.parametrize(
    ("other", "used"),
    [
        ({"timestamp": EVENT["timestamp"] + SECOND * 3_600}, 1),
        ({"price": None}, 1),
        ({"user_id": None}, 1),
        ({"event_id": "e2", "price": 2.0}, 2),
        ({"event_id": None, "price": 2.0}, 2),
        ({"item_id": "10002"}, 2),
        ({"event": "click"}, 2),
        ({"user_id": "another"}, 2),
    ],
)
def test_an_event_that_came_twice_by_its_id_is_one_and_an_id_of_different_things_is_none(
    other: dict[str, Any], used: int
) -> None:
    first = {**EVENT, "event_id": "e1"}
    items = [ITEM, {"item_id": "10002", "title": "BLUE MUG"}]
    events = [first, {**first, **other}]
    result = clean_rows(CleanerOptions(near_duplicate_seconds=0), items=items, events=events)
    assert result.tables["events"].num_rows == used
    assert steps_of(result, "events").get("the same event_id") == (("merged", 1) if used == 1 else None)
