"""What a store of recent events does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from aisle.schema.errors import AisleError, InputError

MOST = 50
"""Events that are kept of a visitor: the newest."""


TIMEOUT_SECONDS = 0.25
"""A store that is slower than this is down: an answer doesn't wait for it."""
ANNOUNCED_DAYS = 30
"""For which a process may be away and still hears who was forgotten."""


class StoreDown(AisleError):
    """The store doesn't answer."""


@dataclasses.dataclass(frozen=True)
class Recent:
    """Something a visitor did.

    Attributes:
        event_id: the same of repeats.
        event: a kind of `aisle.schema.events`.
        item_id: to what.
        at: microseconds since 1970.
    """

    event_id: str
    event: str
    item_id: str
    at: int


def newest(recents: Iterable[Recent]) -> list[Recent]:
    """The `MOST` newest, oldest first; each event as it came first."""
    events: dict[str, Recent] = {}
    for one in recents:
        events.setdefault(one.event_id, one)
    return sorted(events.values(), key=lambda one: one.at)[-MOST:]


@dataclasses.dataclass(frozen=True)
class Announcement:
    """That a user was forgotten.

    Attributes:
        user_id: who.
        sessions: that became theirs, as far as the announcer knows.
        by: the process that announces it.
    """

    user_id: str
    sessions: tuple[str, ...]
    by: str


def visitor(user_id: str, session_id: str) -> str:
    """Whom events are remembered by: the user, else the session; "" is nobody."""
    return f"u:{user_id}" if user_id else f"s:{session_id}" if session_id else ""


class Store(Protocol):
    """Holds the `MOST` newest events of each visitor for a lifetime; all but `close` raise StoreDown."""

    async def add(self, recents: Mapping[str, Sequence[Recent]]) -> None:
        """Adds events by visitor, in any order; what is there by its `event_id` stays as it is."""

    async def of(self, who: str) -> list[Recent]:
        """A visitor's events, oldest first."""

    async def merge(self, session: str, user: str) -> None:
        """Has the user have a session's events, and the session none; a second time changes nothing."""

    async def forget(self, who: str) -> None:
        """Removes all of a visitor."""

    async def announce(self, forgotten: Announcement) -> None:
        """Has all processes that share the store hear of a forgotten user, for `ANNOUNCED_DAYS`."""

    async def announced(self, after: str) -> list[tuple[str, Announcement]]:
        """What was announced after a mark ("" for all of it), in order, each with its own mark."""

    async def close(self) -> None:
        """Ends the connection."""


def open_store(address: str, lifetime: float) -> Store:
    """The store at an address; nothing is asked of it yet.

    Args:
        address: `memory`, or `redis://HOST:PORT/DATABASE` (`rediss://` by TLS), which may be a Valkey.
        lifetime: seconds that an event is kept for, by its own time.

    Raises:
        InputError: the address is none of these.
    """
    if address == "memory":
        from aisle.gateway.recents.memory import MemoryStore

        return MemoryStore(lifetime)
    if address.startswith(("redis://", "rediss://")):
        from aisle.gateway.recents.redis_store import RedisStore

        return RedisStore(address, lifetime)
    raise InputError(f"--store is {address!r}; expected memory, or redis://HOST:PORT of a Redis or Valkey")
