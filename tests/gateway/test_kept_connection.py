"""A connection that is kept for one script: each call has its own answer, whatever became of those before."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from aisle.gateway.recents.connection import KeptConnection, KeptConnections, told_as_down
from aisle.gateway.recents.store import StoreDown
from tests.gateway.conftest import RedisServer

ECHO = "return {KEYS[1], ARGV[1]}"
PATIENT = 10.0


def run(server: RedisServer, use: Callable[[KeptConnection], Coroutine], timeout: float = PATIENT) -> None:
    async def opened() -> None:
        kept = KeptConnection(server.address, ECHO, timeout)
        try:
            await use(kept)
        finally:
            await kept.close()

    asyncio.run(opened())


def said(number: int) -> list[bytes]:
    return [f"k{number}".encode(), str(number).encode()]


def test_calls_at_once_are_answered_each(redis_server: RedisServer) -> None:
    async def use(kept: KeptConnection) -> None:
        found = await asyncio.gather(*(kept.call((f"k{number}",), number) for number in range(50)))
        assert found == [said(number) for number in range(50)]

    run(redis_server, use)


def test_a_server_that_is_new_learns_the_script_and_is_connected_to_anew(redis_server: RedisServer) -> None:
    async def use(kept: KeptConnection) -> None:
        assert await kept.call(("k1",), 1) == said(1)
        redis_server.kill()
        redis_server.start()
        assert await kept.call(("k2",), 2) == said(2)

    run(redis_server, use)


def test_who_waits_for_a_server_that_hangs_waits_once_and_no_answer_is_taken_for_anothers(
    redis_server: RedisServer,
) -> None:
    async def use(kept: KeptConnection) -> None:
        assert await kept.call(("k1",), 1) == said(1)
        redis_server.process.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        calls = (kept.call((f"k{number}",), number) for number in range(10, 20))
        found: list[Any] = await asyncio.gather(*calls, return_exceptions=True)
        assert time.monotonic() - started < 5 * 1.0
        redis_server.process.send_signal(signal.SIGCONT)
        assert all(isinstance(one, TimeoutError) for one in found)
        for number in range(20, 23):
            assert await kept.call((f"k{number}",), number) == said(number)

    run(redis_server, use, timeout=1.0)


def test_a_server_that_is_away_is_told(redis_server: RedisServer) -> None:
    async def use(kept: KeptConnection) -> None:
        redis_server.kill()
        with pytest.raises(StoreDown, match="the shelf doesn't answer"), told_as_down("the shelf"):
            await kept.call(("k1",), 1)

    run(redis_server, use)


def test_a_call_does_not_wait_for_anothers_that_takes_long(redis_server: RedisServer) -> None:
    async def use(_: KeptConnection) -> None:
        kept = KeptConnections(redis_server.address, ECHO, PATIENT)
        held, first = asyncio.Event(), KeptConnection(redis_server.address, ECHO, PATIENT)

        async def slowly(*_: object) -> str:
            await held.wait()
            return "late"

        first.call = slowly  # type: ignore[method-assign, assignment]
        kept._free.append(first)
        late = asyncio.create_task(kept.call(("k0",), 0))
        await asyncio.sleep(0)
        assert await asyncio.gather(*(kept.call((f"k{number}",), number) for number in range(20))) == [
            said(number) for number in range(20)
        ]
        assert not late.done()
        held.set()
        assert await late == "late"
        assert len(kept._free) == 21
        await kept.close()
        assert not kept._free

    run(redis_server, use)
