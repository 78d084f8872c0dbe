"""The way to the store, which may be down: then events wait here, and questions go on without it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from aisle.gateway.recents.store import Announcement, Recent, Store, StoreDown
from aisle.gateway.stages import stage

MAX_WAITING = 100_000
"""Events that wait for the store; beyond, the oldest are not remembered. All are in the log, whatever becomes of these."""
PAUSE_SECONDS = 1.0
"""After a failure: who asks meanwhile doesn't wait for another."""
_CHUNK = 1_000

Told = tuple[str, Recent]
"""A visitor and what they did."""


class Delivery:
    """Adds events to a store as soon as it takes them, in their order."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing waits yet.

        Args:
            store: where to.
            clock: seconds that only grow.
        """
        self._store, self._clock = store, clock
        self._waiting: deque[Told] = deque(maxlen=MAX_WAITING)
        self._tried_again = -float("inf")
        self._behind = False
        self._delivering = asyncio.Lock()
        self.missed = 0

    @property
    def waiting(self) -> int:
        """How many events the store hasn't got yet."""
        return len(self._waiting)

    async def add(self, told: Iterable[Told]) -> bool:
        """Gives the store events, or has them wait; returns whether the store has them."""
        self._wait_for(list(told))
        await self.deliver()
        return not self._behind

    async def of(self, who: str) -> tuple[list[Recent], bool]:
        """What a visitor did, oldest first, and whether that is stale: the store is down, or hasn't got all."""
        if not who:
            return [], False
        if not self._is_down():
            try:
                with stage("store"):
                    return await self._store.of(who), self._behind
            except StoreDown:
                self._failed()
        return [], True

    async def merge(self, session: str, user: str) -> None:
        """See `Store.merge`; raises StoreDown."""
        await self.deliver()
        await self._store.merge(session, user)

    async def forget(self, who: str) -> None:
        """Removes what waits here and what the store has of a visitor; raises StoreDown."""
        async with self._delivering:
            self._waiting = deque((one for one in self._waiting if one[0] != who), MAX_WAITING)
            await self._store.forget(who)

    async def announce(self, forgotten: Announcement) -> None:
        """See `Store.announce`; raises StoreDown."""
        await self._store.announce(forgotten)

    async def announced(self, after: str) -> list[tuple[str, Announcement]]:
        """See `Store.announced`; raises StoreDown."""
        return await self._store.announced(after)

    async def deliver(self) -> None:
        """Gives the store what waits, unless it is down or was a moment ago."""
        async with self._delivering:
            while self._waiting and not self._is_down():
                chunk = [self._waiting.popleft() for _ in range(min(_CHUNK, len(self._waiting)))]
                try:
                    await self._store.add(_by_visitor(chunk))
                except BaseException as error:
                    came, self._waiting = self._waiting, deque(maxlen=MAX_WAITING)
                    self._wait_for([*chunk, *came])
                    if not isinstance(error, StoreDown):
                        raise
                    self._failed()
            self._behind = bool(self._waiting)

    async def run(self) -> None:
        """Delivers what waits, again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            await self.deliver()

    async def close(self) -> None:
        """Tries once more, and ends the connection."""
        self._tried_again = -float("inf")
        await self.deliver()
        await self._store.close()

    def _wait_for(self, told: Sequence[Told]) -> None:
        self.missed += max(0, len(self._waiting) + len(told) - MAX_WAITING)
        self._waiting.extend(told)

    def _is_down(self) -> bool:
        return self._clock() < self._tried_again

    def _failed(self) -> None:
        self._tried_again = self._clock() + PAUSE_SECONDS


def _by_visitor(told: Iterable[Told]) -> dict[str, list[Recent]]:
    found: dict[str, list[Recent]] = {}
    for who, recent in told:
        found.setdefault(who, []).append(recent)
    return found
