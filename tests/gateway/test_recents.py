"""What the stores hold of each visitor: the same of all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from aisle.gateway.recents import memory
from aisle.gateway.recents.memory import MemoryStore
from aisle.gateway.recents.redis_store import RedisStore
from aisle.gateway.recents.store import MOST, Recent, Store, StoreDown, open_store, visitor
from aisle.schema.errors import InputError

START = 1_772_366_400.0
"""Seconds since 1970, of the stores' clock."""
LIFETIME = 1_000.0


class Clock:
    now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "redis"])
def with_store(request: pytest.FixtureRequest, clock: Clock) -> Callable[[Callable[[Store], Coroutine]], Any]:
    """Runs a coroutine on an empty store."""
    address = request.getfixturevalue("redis_server").address if request.param == "redis" else ""

    def run(use: Callable[[Store], Coroutine]) -> Any:
        async def opened() -> Any:
            store = RedisStore(address, LIFETIME, clock) if address else MemoryStore(LIFETIME, clock)
            try:
                return await use(store)
            finally:
                await store.close()

        return asyncio.run(opened())

    return run


def _did(event_id: str, second: float = 0.0, event: str = "click", item: str = "mug") -> Recent:
    """An event so many seconds after the clock's start."""
    return Recent(event_id, event, item, int((START + second) * 1e6))


def _ids(recents: list[Recent]) -> list[str]:
    return [one.event_id for one in recents]


def test_events_stand_in_the_order_of_their_times(with_store: Callable) -> None:
    async def use(store: Store) -> list[Recent]:
        await store.add({"u:1": [_did("c", 3, "cart", "tasse à café"), _did("a", 1)], "u:2": [_did("x")]})
        await store.add({"u:1": [_did("b", 2)]})
        return await store.of("u:1")

    assert with_store(use) == [_did("a", 1), _did("b", 2), _did("c", 3, "cart", "tasse à café")]


def test_a_repeat_changes_nothing(with_store: Callable) -> None:
    async def use(store: Store) -> list[Recent]:
        await store.add({"u:1": [_did("a", 1), _did("b", 2)]})
        await store.add({"u:1": [_did("a", 9, "purchase"), _did("c", 3), _did("c", 4)]})
        return await store.of("u:1")

    assert with_store(use) == [_did("a", 1), _did("b", 2), _did("c", 3)]


def test_the_newest_fifty_are_kept(with_store: Callable) -> None:
    async def use(store: Store) -> list[Recent]:
        await store.add({"u:bot": [_did(str(second), second) for second in range(300)]})
        await store.add({"u:bot": [_did("late", 10)]})
        return await store.of("u:bot")

    assert _ids(with_store(use)) == [str(second) for second in range(300 - MOST, 300)]


def test_events_end_with_their_lifetime(with_store: Callable, clock: Clock) -> None:
    async def use(store: Store) -> tuple[list[Recent], ...]:
        await store.add({"u:1": [_did("gone already", -1_001), _did("old", -999), _did("new", 0)]})
        first = await store.of("u:1")
        clock.now += 2
        second = await store.of("u:1")
        clock.now += LIFETIME
        return first, second, await store.of("u:1")

    assert [_ids(found) for found in with_store(use)] == [["old", "new"], ["new"], []]


def test_a_session_is_merged_into_a_user_once(with_store: Callable) -> None:
    async def use(store: Store) -> tuple[list[Recent], ...]:
        await store.add({"s:1": [_did("b", 2), _did("both", 4)], "u:1": [_did("a", 1), _did("both", 3)]})
        await store.merge("s:1", "u:1")
        await store.merge("s:1", "u:1")
        await store.merge("s:nobody", "u:nobody")
        return await store.of("u:1"), await store.of("s:1"), await store.of("u:nobody")

    assert with_store(use) == ([_did("a", 1), _did("b", 2), _did("both", 3)], [], [])


def test_a_forgotten_visitor_has_nothing_and_others_have_theirs(with_store: Callable) -> None:
    async def use(store: Store) -> tuple[list[Recent], ...]:
        await store.add({"u:1": [_did("a")], "u:2": [_did("b")]})
        await store.forget("u:1")
        await store.forget("u:nobody")
        return await store.of("u:1"), await store.of("u:2")

    assert with_store(use) == ([], [_did("b")])


def test_many_gateways_add_at_once_and_lose_nothing(redis_server: Any, clock: Clock) -> None:
    async def use() -> list[Recent]:
        # Two hundred connections at once take their time on a busy machine.
        stores = [RedisStore(redis_server.address, LIFETIME, clock, timeout=30.0) for _ in range(4)]
        events = [_did(str(second), second) for second in range(MOST)]
        await asyncio.gather(*(store.add({"u:1": [event]}) for store in stores for event in events))
        found = await stores[0].of("u:1")
        for store in stores:
            await store.close()
        return found

    assert _ids(asyncio.run(use())) == [str(second) for second in range(MOST)]


def test_a_forgotten_user_leaves_no_key_behind(redis_server: Any) -> None:
    async def use() -> list[Any]:
        store = RedisStore(redis_server.address, LIFETIME, time.time)
        await store.add({"u:1": [Recent("a", "click", "mug", int(time.time() * 1e6))]})
        await store.forget("u:1")
        left = await store._redis.keys("*")
        await store.close()
        return left

    assert asyncio.run(use()) == []


def test_memory_forgets_who_did_nothing_for_the_longest(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(memory, "MAX_VISITORS", 2)

    async def use() -> list[list[Recent]]:
        store = MemoryStore(LIFETIME, clock)
        for who in ("u:1", "u:2", "u:1", "u:3"):
            await store.add({who: [_did("a")]})
        return [await store.of(who) for who in ("u:1", "u:2", "u:3")]

    assert list(map(_ids, asyncio.run(use()))) == [["a"], [], ["a"]]


def test_a_store_that_is_not_there_is_down() -> None:
    async def use() -> None:
        store = open_store("redis://127.0.0.1:1/0", LIFETIME)
        for ask in (
            store.of("u:1"),
            store.add({"u:1": [_did("a")]}),
            store.merge("s:1", "u:1"),
            store.forget("u:1"),
        ):
            with pytest.raises(StoreDown, match="store of recent events doesn't answer"):
                await ask
        await store.close()

    asyncio.run(use())


@pytest.mark.parametrize("address", ["", "disk", "redis:/x", "redis://host:port"])
def test_what_names_no_store_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="--store .*expected"):
        open_store(address, LIFETIME)


def test_a_visitor_is_the_user_else_the_session_else_nobody() -> None:
    assert [visitor("1", "2"), visitor("", "2"), visitor("1", ""), visitor("", "")] == [
        "u:1",
        "s:2",
        "u:1",
        "",
    ]
