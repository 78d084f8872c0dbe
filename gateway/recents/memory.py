"""Recent events in this process: the embedded default."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from aisle.gateway.recents.store import Announcement, Recent, newest

MAX_VISITORS = 200_000
"""Beyond, who did nothing for the longest is forgotten."""


class MemoryStore:
    """A `Store` in this process, which ends with it."""

    def __init__(self, lifetime: float, clock: Callable[[], float] = time.time) -> None:
        """An empty store.

        Args:
            lifetime: seconds.
            clock: seconds since 1970.
        """
        self._lifetime, self._clock = lifetime, clock
        self._known: OrderedDict[str, list[Recent]] = OrderedDict()

    async def add(self, recents: Mapping[str, Sequence[Recent]]) -> None:
        """See `Store`."""
        for who, came in recents.items():
            self._keep(who, came)
        while len(self._known) > MAX_VISITORS:
            self._known.popitem(last=False)

    async def of(self, who: str) -> list[Recent]:
        """See `Store`."""
        return [one for one in self._known.get(who, ()) if one.at >= self._oldest()]

    async def merge(self, session: str, user: str) -> None:
        """See `Store`."""
        self._keep(user, self._known.pop(session, []))

    async def forget(self, who: str) -> None:
        """See `Store`."""
        self._known.pop(who, None)

    async def announce(self, forgotten: Announcement) -> None:
        """See `Store`; there is nobody else."""

    async def announced(self, after: str) -> list[tuple[str, Announcement]]:
        """See `Store`."""
        return []

    async def close(self) -> None:
        """See `Store`."""

    def _oldest(self) -> int:
        return int((self._clock() - self._lifetime) * 1e6)

    def _keep(self, who: str, came: Sequence[Recent]) -> None:
        both = newest((*self._known.pop(who, ()), *came))
        alive = [one for one in both if one.at >= self._oldest()]
        if alive:
            self._known[who] = alive
