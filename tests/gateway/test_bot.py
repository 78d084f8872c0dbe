"""A bot: what it does is kept, and costs what a visitor costs."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import Callable
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
import redis

from aisle.gateway.recents.redis_store import RedisStore
from aisle.gateway.recents.store import MOST

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")


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
