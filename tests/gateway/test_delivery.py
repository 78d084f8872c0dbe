"""The store is down, and comes back."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from aisle.gateway.recents import delivery
from aisle.gateway.recents.delivery import Delivery, Told
from aisle.gateway.recents.store import Recent, StoreDown, open_store

NOWHERE = "redis://127.0.0.1:1/0"


def _did(event_id: str) -> Told:
    return ("u:1", Recent(event_id, "click", "mug", int(time.time() * 1e6)))


def test_events_wait_while_the_store_is_down_and_answers_are_stale() -> None:
    async def use() -> Any:
        way = Delivery(open_store(NOWHERE, 1_000))
        return await way.add([_did("a"), _did("b")]), await way.of("u:1"), way.waiting

    assert asyncio.run(use()) == (False, ([], True), 2)


def test_nobody_is_never_stale() -> None:
    assert asyncio.run(Delivery(open_store(NOWHERE, 1_000)).of("")) == ([], False)


def test_who_asks_after_a_failure_does_not_wait_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def use() -> None:
        store = open_store(NOWHERE, 1_000)
        ask = store.of

        async def noted(who: str) -> list[Recent]:
            asked.append(who)
            return await ask(who)

        monkeypatch.setattr(store, "of", noted)
        clock = [0.0]
        way = Delivery(store, lambda: clock[0])
        for clock[0] in (0.0, 0.5, 0.9, 1.1):
            assert await way.of("u:1") == ([], True)

    asyncio.run(use())
    assert len(asked) == 2


def test_the_oldest_of_too_many_are_missed_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "MAX_WAITING", 3)

    async def use() -> tuple[int, int, list[str]]:
        way = Delivery(open_store(NOWHERE, 1_000))
        await way.add([_did("a"), _did("b")])
        await way.add([_did("c"), _did("d")])
        return way.waiting, way.missed, [recent.event_id for _, recent in way._waiting]

    assert asyncio.run(use()) == (3, 1, ["b", "c", "d"])


def test_a_user_who_is_forgotten_while_the_store_is_down_does_not_come_back_with_it() -> None:
    async def use() -> int:
        way = Delivery(open_store(NOWHERE, 1_000))
        await way.add([_did("a"), ("u:2", _did("b")[1])])
        with pytest.raises(StoreDown):
            await way.forget("u:1")
        return way.waiting

    assert asyncio.run(use()) == 1


def test_a_store_that_is_killed_and_started_again_gets_what_it_missed(redis_server: Any) -> None:
    async def use() -> tuple[Any, ...]:
        clock = [0.0]
        way = Delivery(open_store(redis_server.address, 1_000), lambda: clock[0])
        before = await way.add([_did("a")])
        redis_server.kill()
        during = await way.add([_did("b")])
        redis_server.start()
        clock[0] = 2.0
        after = await way.add([_did("c")])
        found, stale = await way.of("u:1")
        await way.close()
        return before, during, after, [one.event_id for one in found], stale, way.waiting

    # This Redis keeps nothing on a disk: what it had before it was killed is gone.
    assert asyncio.run(use()) == (True, False, True, ["b", "c"], False, 0)
