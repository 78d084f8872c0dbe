"""Recent events in a Redis or Valkey, which any number of gateways share."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aisle.gateway.recents.connection import KeptConnections, connect, told_as_down
from aisle.gateway.recents.store import (
    ANNOUNCED_DAYS,
    MOST,
    TIMEOUT_SECONDS,
    Announcement,
    Recent,
    newest,
)

_WHAT = "the store of recent events"
_FORGOTTEN = "aisle:forgotten"
"""The stream of announcements."""
_KEEP = """
local times, said = KEYS[1], KEYS[2]
local oldest, most, milliseconds = ARGV[1], ARGV[2], ARGV[3]
local function add(id, at, what)
  if redis.call('ZADD', times, 'NX', at, id) == 1 then redis.call('HSET', said, id, what) end
end
for i = 4, #ARGV, 3 do add(ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
if #KEYS == 4 then
  local moved = redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES')
  for i = 1, #moved, 2 do add(moved[i], moved[i + 1], redis.call('HGET', KEYS[4], moved[i])) end
  redis.call('DEL', KEYS[3], KEYS[4])
end
for _, gone in ipairs({
  redis.call('ZRANGEBYSCORE', times, '-inf', '(' .. oldest), redis.call('ZRANGE', times, 0, -(most + 1))
}) do
  for _, id in ipairs(gone) do
    redis.call('ZREM', times, id)
    redis.call('HDEL', said, id)
  end
end
redis.call('PEXPIRE', times, milliseconds)
redis.call('PEXPIRE', said, milliseconds)
"""
"""Adds the events of ARGV (id, microseconds, what it says), and those of a second visitor, who has none then; drops the old
and what are too many. One script, so that nobody sees half of it; no script's hash, so that a new server knows it."""
_READ = """
return cjson.encode({redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES'), redis.call('HGETALL', KEYS[2])})
"""
"""One text, since redis-py takes milliseconds to read a reply of two hundred."""


class RedisStore:
    """A `Store` of two keys a visitor: the events' times, and what they say."""

    def __init__(
        self,
        address: str,
        lifetime: float,
        clock: Callable[[], float] = time.time,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        """Names the server; the first question connects.

        Args:
            address: `redis://HOST:PORT/DATABASE`.
            lifetime: seconds.
            clock: seconds since 1970.
            timeout: seconds after which the server is down.

        Raises:
            InputError: the address can't be read.
        """
        self._lifetime, self._clock = lifetime, clock
        self._redis = connect(address, timeout)
        self._reading = KeptConnections(address, _READ, timeout)  # Before every question, which waits for it.

    async def add(self, recents: Mapping[str, Sequence[Recent]]) -> None:
        """See `Store`."""
        with told_as_down(_WHAT):
            async with self._redis.pipeline(transaction=False) as pipe:
                for who, came in recents.items():
                    # A bot's thousands would have the server add and drop each.
                    kept = newest(came)
                    said = [(one.event_id, one.at, json.dumps([one.event, one.item_id])) for one in kept]
                    await _awaited(pipe.eval(_KEEP, 2, *_keys(who), *self._bounds(), *sum(said, ())))
                await pipe.execute()

    async def of(self, who: str) -> list[Recent]:
        """See `Store`."""
        with told_as_down(_WHAT):
            times, said = json.loads(await self._reading.call(_keys(who)))
        what = {said[place]: json.loads(said[place + 1]) for place in range(0, len(said), 2)}
        found = [(times[place], int(times[place + 1])) for place in range(0, len(times), 2)]
        recents = [Recent(id_, event=what[id_][0], item_id=what[id_][1], at=at) for id_, at in found]
        return [one for one in recents if one.at >= self._oldest()]

    async def merge(self, session: str, user: str) -> None:
        """See `Store`."""
        with told_as_down(_WHAT):
            await _awaited(self._redis.eval(_KEEP, 4, *_keys(user), *_keys(session), *self._bounds()))

    async def forget(self, who: str) -> None:
        """See `Store`."""
        with told_as_down(_WHAT):
            await self._redis.delete(*_keys(who))

    async def announce(self, forgotten: Announcement) -> None:
        """See `Store`."""
        oldest = int((self._clock() - ANNOUNCED_DAYS * 86_400) * 1_000)
        told = {"told": json.dumps(dataclasses.astuple(forgotten))}
        with told_as_down(_WHAT):
            await self._redis.xadd(_FORGOTTEN, told, minid=str(max(0, oldest)), approximate=True)  # type: ignore[arg-type]

    async def announced(self, after: str) -> list[tuple[str, Announcement]]:
        """See `Store`."""
        entries: Any  # The client's types of it differ from version to version.
        with told_as_down(_WHAT):
            entries = await self._redis.xrange(_FORGOTTEN, min=f"({after}" if after else "-")
        told = [(mark.decode(), json.loads(fields[b"told"])) for mark, fields in entries]
        return [(mark, Announcement(user, tuple(sessions), by)) for mark, (user, sessions, by) in told]

    async def close(self) -> None:
        """See `Store`."""
        await self._reading.close()
        await self._redis.aclose()

    def _oldest(self) -> int:
        return int((self._clock() - self._lifetime) * 1e6)

    def _bounds(self) -> tuple[str, str, str]:
        return str(self._oldest()), str(MOST), str(max(1, int(self._lifetime * 1000)))


def _keys(who: str) -> tuple[str, str]:
    return f"aisle:{who}:times", f"aisle:{who}:said"


async def _awaited(answer: Any) -> Any:
    """What a command answers; redis-py types some as if they might not be awaited, and a pipeline's are not."""
    return await answer if hasattr(answer, "__await__") else answer
