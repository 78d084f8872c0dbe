"""Campaigns out of the rows of their table."""

from __future__ import annotations

from typing import Any

import pytest

from aisle.ads.campaign import Campaign
from aisle.ads.table import campaigns
from aisle.schema.errors import InputError

ROW: dict[str, Any] = {
    **{"campaign_id": "spring", "advertiser_id": "north", "bid": 500_000, "budget": 80_000_000},
    **{"starts_at": 10, "ends_at": 20, "item_id": "boot"},
}


def test_a_row_is_a_campaign_whatever_is_empty_or_absent_and_more_columns_are_left_aside() -> None:
    full = {**ROW, "item_id": "", "category": "shoes/boots", "query": "hiking boots", "bid_kind": "purchase"}
    rows = [ROW, {**full, "campaign_id": "b", "frequency_cap": 3, "currency": "CHF", "note": "from Anna"},
            {**ROW, "campaign_id": "c", "category": None, "query": None, "bid_kind": None, "frequency_cap": None}]  # fmt: skip
    assert campaigns(rows, "EUR") == [
        Campaign("spring", "north", 500_000, 80_000_000, 10, 20, "boot", currency="EUR"),
        Campaign("b", "north", 500_000, 80_000_000, 10, 20, "", "shoes/boots", "hiking boots", "purchase", 3, "CHF"),
        Campaign("c", "north", 500_000, 80_000_000, 10, 20, "boot", currency="EUR"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"bid": None, "ends_at": None}, "row 2 of campaigns lacks bid, ends_at: give each"),
        ({"advertiser_id": ""}, "row 2 of campaigns lacks advertiser_id"),
        ({"bid": float("nan")}, "campaign 'spring': bid is nan, expected a whole number from 0"),
        ({"budget": -1}, "campaign 'spring': budget is -1"),
        ({"ends_at": 10}, "campaign 'spring' ends at 10, not after its start at 10"),
        ({"bid_kind": "view"}, "bid_kind is 'view', expected click or purchase"),
        ({"category": "shoes"}, "give an item_id or a category"),
        ({"item_id": 7}, "campaign 'spring': item_id is 7, expected a text"),
        ({"query": ["hiking boots"]}, "query is .*, expected a text"),
        (
            {"starts_at": "2026-01-01"},
            "starts_at is '2026-01-01', expected a timestamp, or whole microseconds",
        ),
        ({"ends_at": float("nan")}, "ends_at is nan, expected a timestamp"),
    ],
)
def test_a_row_that_is_none_is_refused_with_what_was_expected(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        campaigns([ROW, {**ROW, **changed}])
