"""What is said of campaigns that can never sell."""

from __future__ import annotations

from typing import Any

from aisle.ads.campaign import Campaign
from aisle.ads.unsold import of_unknown_items, unsold

NOW = 1_767_268_800_000_000
HOUR = 3_600_000_000


def campaign(name: str, **changed: Any) -> Campaign:
    told = {"item_id": name, "starts_at": NOW - HOUR, "ends_at": NOW + HOUR, **changed}
    return Campaign(name, "a", told.pop("bid", 5), told.pop("budget", 5), **told)


def test_campaigns_that_can_sell_are_not_spoken_of() -> None:
    later = campaign("later", starts_at=NOW + 1)
    assert unsold([campaign("now"), later], NOW) == "" == unsold([], NOW)
    assert of_unknown_items([later, campaign("all", item_id="", category="x")], {"later"}, NOW) == ""


def test_each_that_cant_is_counted_once_with_the_reason() -> None:
    told = [
        campaign("ended", ends_at=NOW, bid=0),
        campaign("free", bid=0),
        campaign("poor", budget=0),
        campaign("sells"),
    ]
    assert unsold(told, NOW) == (
        "of 4 campaigns 3 can't sell anything: 1 ended, the last one at 2026-01-01 12:00 UTC; 2 have a bid or a budget of zero"
    )
    assert of_unknown_items(told, {"sells"}, NOW) == (
        "of 4 campaigns 2 can't sell anything: 2 show items that the model doesn't know, or that are withdrawn (free, poor)"
    )


def test_times_in_seconds_are_told_by_when_they_end() -> None:
    seconds = campaign("c", starts_at=NOW // 10**6, ends_at=(NOW + HOUR) // 10**6)
    assert unsold([seconds], NOW) == (
        "of 1 campaigns 1 can't sell anything: 1 ended, the last one at 1970-01-01 00:29 UTC (times are microseconds since "
        "the epoch, not seconds or milliseconds)"
    )
