"""What the cleaner makes of counts of stock, and of how items are ordered."""

from __future__ import annotations

import pathlib
import runpy
import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SHOP = types.SimpleNamespace(**runpy.run_path(str(pathlib.Path(__file__).with_name("cleaned_shop.py"))))
EVENT, ITEM, NAN, NOW, SECOND = SHOP.EVENT, SHOP.ITEM, SHOP.NAN, SHOP.NOW, SHOP.SECOND
clean_rows, gone_from, steps_of = SHOP.clean_rows, SHOP.gone_from, SHOP.steps_of
COUNT = {"item_id": "10001", "on_hand": 5.0, "on_order": 2.0, "as_of": NOW}


def test_a_count_that_cant_be_is_quarantined_and_one_below_zero_is_owed() -> None:
    rows = [
        {**COUNT, "on_hand": -3.0},
        {**COUNT, "as_of": NOW + 3 * 86_400 * SECOND},
        {**COUNT, "as_of": 0},
        {**COUNT, "on_hand": NAN, "as_of": NOW - 1},
        {**COUNT, "item_id": "99999"},
        {**COUNT, "as_of": NOW - 2, "on_order": -1.0},
    ]
    result = clean_rows(events=[EVENT], stock=rows)
    assert gone_from(result) == [
        ("stock", 4, "as_of", "timestamp at the epoch or before"),
        ("stock", 3, "as_of", "timestamp in the future"),
        ("stock", 5, "on_hand", "bad count"),
        ("stock", 6, "item_id", "unknown item"),
    ]
    kept = result.tables["stock"].to_pylist()
    assert kept == [{**COUNT, "on_hand": -3.0}, {**COUNT, "as_of": NOW - 2, "on_order": None}]
    steps = steps_of(result, "stock")
    assert steps["bad on_order: unknown"] == ("changed", 1)
    assert steps["stock below zero: owed to customers, or none where they don't wait"] == ("noted", 1)


def test_of_two_counts_at_one_moment_the_last_read_holds_and_earlier_ones_stay() -> None:
    rows = [COUNT, {**COUNT, "as_of": NOW - 9}, {**COUNT, "item_id": " 10001 ", "on_hand": 7.0}]
    result = clean_rows(events=[EVENT], stock=rows)
    assert [(row["on_hand"], row["as_of"]) for row in result.tables["stock"].to_pylist()] == [
        (5.0, NOW - 9),
        (7.0, NOW),
    ]
    steps = steps_of(result, "stock")
    assert steps["counted more than once at one moment: the last read"] == ("merged", 1)
    assert steps["an earlier count of the item"] == ("noted", 1)


def test_how_an_item_is_ordered_is_said_once_and_a_missing_lead_time_is_told() -> None:
    rows = [
        {"item_id": "10001", "lead_time_days": 7.0, "pack_size": 0.0, "unit_cost": 1.5, "review_days": 7.0},
        {"item_id": "10001", "lead_time_days": 7.0, "pack_size": 6.0, "unit_cost": -2.0, "review_days": 0.0},
        {"item_id": "10001", "lead_time_days": 9.0, "pack_size": None},
        {"item_id": "10002", "lead_time_days": -1.0, "pack_size": 12.0},
        {"item_id": "77777", "lead_time_days": 1.0, "pack_size": 1.0},
    ]
    items = [ITEM, {**ITEM, "item_id": "10002"}]
    result = clean_rows(items=items, events=[EVENT], supply=rows)
    kept = {row["item_id"]: row for row in result.tables["supply"].to_pylist()}
    assert (kept["10001"]["lead_time_days"], kept["10001"]["pack_size"]) == (7.0, 6.0)
    assert (kept["10001"]["unit_cost"], kept["10001"]["review_days"]) == (1.5, 7.0)
    assert (kept["10002"]["lead_time_days"], kept["10002"]["pack_size"]) == (None, 12.0)
    assert gone_from(result) == [("supply", 6, "item_id", "unknown item")]
    said = "lead time missing: that of the setting inventory.lead_time_days"
    assert steps_of(result, "supply")[said] == ("noted", 1)


@pytest.mark.parametrize("table", ["stock", "supply"])
def test_an_id_in_another_case_is_that_of_the_catalogue(table: str) -> None:
    row = {**COUNT, "item_id": "red-1"} if table == "stock" else {"item_id": "red-1", "lead_time_days": 3.0}
    items = [{**ITEM, "item_id": "RED-1"}]
    result = clean_rows(items=items, events=[{**EVENT, "item_id": "RED-1"}], **{table: [row]})
    assert result.tables[table]["item_id"].to_pylist() == ["RED-1"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.builds(
            dict,
            item_id=st.sampled_from(["10001", " 10001", "5"]),
            on_hand=st.floats(-9, 9) | st.just(NAN),
            as_of=st.integers(-1, NOW + 10**12),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_every_count_is_used_merged_or_quarantined(rows: list[dict[str, object]]) -> None:
    result = clean_rows(events=[EVENT], stock=rows)
    ledger = result.ledger["tables"]["stock"]
    assert ledger["read"] == len(rows) == ledger["used"] + ledger["merged"] + ledger["quarantined"]
    used = result.tables["stock"]
    assert (
        len({(row["item_id"], row["as_of"]) for row in used.to_pylist()}) == used.num_rows == ledger["used"]
    )
