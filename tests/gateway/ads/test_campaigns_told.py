"""What a gateway says of its campaigns, and how it follows their file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from tests.gateway.ads.conftest import NOW, ask, campaign, shown, write

Sells = Callable[..., Any]


def test_what_campaigns_spent_is_told_with_the_key(sells: Sells) -> None:
    async def use(site: Any) -> None:
        answer = await ask(site, "ads")
        told = {"event": "click", "item_id": "i4", "request_id": answer["request_id"]}
        assert (await site.http.post("/v1/events", json=told)).status_code == 401
        bearer = {"Authorization": "Bearer 0123456789abcdef"}
        await site.http.post("/v1/events", json=told, headers=bearer)
        await ask(site, "ads")
        assert (await site.http.get("/v1/campaigns")).status_code == 401
        money = (await site.http.get("/v1/campaigns", headers=bearer)).json()
        empty = {"budget": 10_000, "multiplier": 1.0}
        assert money == {
            "campaigns": [
                {"campaign_id": "other", "spent": 0, "held": 0, "bids": 0, **empty},
                {"campaign_id": "c", "spent": 36, "held": 11, "bids": 2, **empty},
            ],
            "stale": False,
        }

    told = [campaign("other", "i99"), campaign("c", "i4")]
    sells(use, told, options={"reserve": 10_000_000}, key="0123456789abcdef")


def test_who_bids_is_counted_once_an_answer_also_where_others_win_and_campaigns_change(sells: Sells) -> None:
    async def bids(site: Any) -> dict[str, int]:
        told = (await site.http.get("/v1/campaigns")).json()["campaigns"]
        return {one["campaign_id"]: one["bids"] for one in told}

    async def use(site: Any) -> None:
        # From the second answer on the winner is at its cap, so that its advertiser's other campaign bids, too.
        for _ in range(3):
            await ask(site, "ads", user_id="ann")
        assert await bids(site) == {"once": 3, "low": 3, "same": 2, "other": 0}
        write(site.table, [campaign("low", "i4"), campaign("new", "i5")])
        await ask(site, "ads", user_id="ann")
        await site.gateway.ads._files.look()
        site.gateway.ads._accounts.book(site.gateway.ads._files.booked)
        await ask(site, "ads", user_id="ann")
        assert await bids(site) == {"low": 5, "new": 1}

    told = [
        campaign("once", "i1", bid=9_000, frequency_cap=1, advertiser_id="x"), campaign("low", "i4", bid=10),
        campaign("same", "i3", bid=5, advertiser_id="x"), campaign("other", "i99"),
    ]  # fmt: skip
    sells(use, told)


def test_a_gateway_that_sells_nothing_has_no_ads(site: Callable) -> None:
    from aisle.gateway.recents.memory import MemoryStore

    async def use() -> None:
        async with site(MemoryStore(1_000)) as one:
            answer = await ask(one, "ads", slots=3)
            assert (answer["items"], answer["version"], bool(answer["request_id"])) == ([], None, True)
            assert (await one.http.get("/v1/campaigns")).json() == {"campaigns": [], "stale": False}

    asyncio.run(use())


def test_campaigns_are_followed_and_a_file_that_cannot_be_read_changes_nothing(
    sells: Sells, caplog: pytest.LogCaptureFixture
) -> None:
    async def use(site: Any) -> None:
        async def follow() -> None:
            if await site.gateway.ads._files.look():
                site.gateway.ads._accounts.book(site.gateway.ads._files.booked)

        assert shown(await ask(site, "ads")) == ["i4 c"]
        for wrong in (
            {"bid": -1},
            {"starts_at": "2026-01-01"},
            {"query": 5},
            {"item_id": None, "category": 5},
        ):
            caplog.clear()
            write(site.table, [{**campaign("new", "i5"), **wrong}])
            await follow()
            assert shown(await ask(site, "ads")) == ["i4 c"] and "campaigns stay as they were" in caplog.text
        write(site.table, [campaign("new", "i5"), campaign("c", "i4", bid=9_000)])
        await follow()
        assert shown(await ask(site, "ads", slots=2)) == ["i4 c", "i5 new"]
        site.table.unlink()
        await follow()
        assert shown(await ask(site, "ads")) == ["i4 c"]

    sells(use, [campaign("c", "i4")])


def test_campaigns_that_can_never_sell_are_told_at_the_start_and_once_a_version_has_answered(
    sells: Sells, caplog: pytest.LogCaptureFixture
) -> None:
    async def use(site: Any) -> None:
        assert "of 3 campaigns 1 can't sell anything: 1 ended" in caplog.text
        ads = site.gateway.ads
        await ads.look_for_strangers()
        assert "doesn't know" not in caplog.text
        await ask(site, "ads")
        for _ in range(2):
            await ads.look_for_strangers()
        told = [one for one in caplog.messages if "1 show items that the model doesn't know" in one]
        assert len(told) == 1 and "(i99)" in told[0]

    sells(use, [campaign("ended", "i1", ends_at=NOW), campaign("strange", "i99"), campaign("c", "i4")])
