"""A bot, and clocks that don't agree."""

from __future__ import annotations

import asyncio
import datetime
import pathlib
from collections.abc import Callable
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
import redis

from aisle.gateway.recents.redis_store import RedisStore
from aisle.gateway.recents.store import MOST
from aisle.gateway.recording import utc_now

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

DAY = datetime.timedelta(days=1)


def test_a_hundred_thousand_events_of_one_bot_are_written_and_bound_memory_and_answers(
    redis_server: Any, site: Callable
) -> None:
    async def use() -> tuple[pathlib.Path, int]:
        async with site(RedisStore(redis_server.address, 10_000)) as one:
            grown = []
            for nth in range(200):
                batch = [
                    {"event": "click", "item_id": f"i{nth}-{place}", "session_id": "bot"}
                    for place in range(500)
                ]
                assert (await one.http.post("/v1/events", json=batch)).status_code == 200
                grown.append(psutil.Process().memory_info().rss)
            assert grown[-1] - grown[49] < 30 << 20
            shown = 1
            # On a machine that is busy the store may have been too slow for a moment.
            while (await one.http.get("/v1/recommend", params={"session_id": "bot"})).json()["stale"]:
                shown += 1
                await asyncio.sleep(0.2)
            (known,) = one.model.requests[-1].inputs["recent_items"]
            assert known == [f"i199-{place}" for place in range(500 - MOST, 500)]
            with redis.Redis.from_url(redis_server.address) as client:
                sizes = [client.memory_usage(key) for key in client.keys("aisle:s:bot:*")]
            assert len(sizes) == 2 and sum(sizes) < 50_000
            return one.log, shown

    log, shown = asyncio.run(use())
    (path,) = (log / "events").glob("*.parquet")
    assert pq.ParquetFile(path).metadata.num_rows == 100_000 + 2 * shown


def test_clocks_a_day_apart_move_no_event_after_its_arrival_and_lose_none(
    redis_server: Any, site: Callable, tmp_path: pathlib.Path
) -> None:
    noon = utc_now().replace(microsecond=0)

    async def record(clock: datetime.datetime, told: datetime.datetime | None, name: str) -> None:
        async with site(RedisStore(redis_server.address, 7 * 86_400), now=lambda: clock) as one:
            event = {
                "event": "click",
                "item_id": name,
                "session_id": "s",
                "timestamp": told and told.isoformat(),
            }
            await one.http.post("/v1/events", json=event)

    async def use() -> list[tuple[str, float]]:
        # A site's clock a day ahead, and a day behind; then a gateway's a day behind.
        await record(noon, noon + DAY, "ahead")
        await record(noon, noon - DAY, "behind")
        await record(noon - DAY, noon, "of a slow gateway")
        async with site(RedisStore(redis_server.address, 7 * 86_400)) as one:
            recents, _ = await one.recents.of("s:s")
        return [(recent.item_id, (noon.timestamp() * 1e6 - recent.at) / 86_400e6) for recent in recents]

    found = asyncio.run(use())
    assert sorted(found) == [("ahead", 0.0), ("behind", 1.0), ("of a slow gateway", 1.0)]
    assert [days for _, days in found] == [1.0, 1.0, 0.0]
    hours = {
        path.name[:13]: pq.read_table(path)["item_id"].to_pylist()
        for path in (tmp_path / "live" / "events").iterdir()
    }
    # By the clock of the gateway; the first two of one hour are in a file each, of which the last is seen here.
    assert hours[(noon - DAY).strftime("%Y-%m-%dT%H")] == ["of a slow gateway"] and len(hours) == 2
