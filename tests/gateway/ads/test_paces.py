"""How a campaign's budget is made to last, whichever gateway moves its pace."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from typing import Any

from aisle.ads.campaign import Campaign
from aisle.gateway.ads.ledger import Account, Sale
from aisle.gateway.ads.pace import STEP, Pace, moved
from tests.gateway.ads.conftest import HOUR, NOW, Clock, campaign

DAY = 24 * HOUR
LONG = Campaign("c", "a", 1_000, 10_000_000, 0, DAY, item_id="i1")


def test_a_budget_lasts_for_all_of_a_campaigns_time() -> None:
    pace, spent, reached = Pace(), 0, {}
    for at in range(STEP, DAY, STEP):
        # Bidding in full it would spend ten times its budget.
        spent += int(min(LONG.budget - spent, 70_000 * pace.multiplier))
        pace = pace.after(LONG, Account(spent), at)
        reached[at // HOUR] = spent / LONG.budget
    assert 0.4 < reached[11] < 0.6 and 0.7 < reached[17] < 0.8
    assert 0.97 < reached[23] <= 1.0


def test_who_buys_too_little_bids_in_full_again() -> None:
    pace = Pace(-5.0, 10, 0, HOUR)
    for step in range(1, 900):
        pace = pace.after(LONG, Account(0), HOUR + step * STEP)
    assert pace.multiplier == 1.0


def test_a_pace_moves_once_a_minute_and_waits_for_a_clock_that_was_set_back() -> None:
    first = Pace().after(LONG, Account(5, 7), HOUR)
    assert first == Pace(0.0, 0, 12, HOUR)
    assert first.after(LONG, Account(9_000_000), HOUR + STEP - 1) is first
    second = first.after(LONG, Account(9_000_000), HOUR + STEP)
    assert second.multiplier < 1.0 and (second.steps, second.committed) == (1, 9_000_000)
    assert second.after(LONG, Account(9_000_000), HOUR - DAY) is second
    assert Pace.of(second.text) == second and Pace.of("") == Pace()
    # What is given back is no spend below zero.
    assert second.after(LONG, Account(8_000_000), HOUR + 2 * STEP).committed == 8_000_000


def test_only_campaigns_that_run_are_paced() -> None:
    told = [Campaign(name, "a", 1, 1, start, end, item_id="i") for name, start, end in (
        ("ended", 0, HOUR), ("runs", 0, DAY), ("later", 3 * HOUR, DAY))]  # fmt: skip
    found = asyncio.run(moved(told, {"runs": Account(pace="")}, 2 * HOUR))
    assert list(found) == ["runs"] and found["runs"][0] == ""


def test_a_paced_campaign_bids_less_in_every_gateway(sells: Callable) -> None:
    clock = Clock()

    async def use(site: Any) -> None:
        ads = site.gateway.ads
        await ads.move_paces()
        hasty = Sale("c", "x", 9_000, 9_000, "click", NOW + DAY, 10_000)
        assert await ads.charging.ledger.sell("r", "", [hasty], NOW) == [True]
        clock.at += datetime.timedelta(minutes=1)
        await ads.move_paces()
        await ads.move_paces()
        pace = Pace.of((await ads.charging.ledger.changes(0)).accounts["c"].pace)
        # The largest error by the longest step: 15 auctions' worth more than planned, over 11.
        assert (pace.steps, round(pace.logarithm, 2)) == (1, round((0.2 - 15) / 11, 2))
        assert ads._accounts.multipliers.tolist() == [pace.multiplier]

    sells(use, [campaign("c", "i4")], now=clock)
