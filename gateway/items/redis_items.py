"""The entries of items in a Redis or Valkey, which any number of gateways share."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import redis.asyncio
from redis.exceptions import RedisError

from aisle.gateway.items.updates import Entries, Entry, Key
from aisle.gateway.recents.store import StoreDown
from aisle.schema.errors import InputError

TIMEOUT_SECONDS = 0.25
"""A store that is slower than this is down."""
CHUNK = 1_000
"""Entries of a request."""
_KEYS = ("aisle:items:entries", "aisle:items:places", "aisle:items:last", "aisle:items:life")
_CHANNEL, _READ_CHANNEL = "aisle:items:changed", "aisle:items:read"
_DIGITS = 20
"""Of an entry's time in the store: texts of one length are in the order of their numbers."""

_ADD = """
local last = false
redis.call('SET', KEYS[4], ARGV[1], 'NX')
for i = 2, #ARGV, 2 do
  local known = redis.call('HGET', KEYS[1], ARGV[i])
  if not known or known < ARGV[i + 1] then
    last = redis.call('INCR', KEYS[3])
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
    redis.call('ZADD', KEYS[2], last, ARGV[i])
  end
end
local listening = 0
if last then listening = redis.call('PUBLISH', '%s', last) end
return {last or 0, listening}
"""
"""Keeps of each key the greater entry, and gives what changed the next place; says the last one, and how many listen."""
_SINCE = """
local found = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local names, place = {}, ARGV[1]
for i = 1, #found, 2 do names[#names + 1] = found[i]; place = found[i + 1] end
local values = {}
if #names > 0 then values = redis.call('HMGET', KEYS[1], unpack(names)) end
return cjson.encode({redis.call('GET', KEYS[4]) or '', place, redis.call('GET', KEYS[3]) or '0', names, values})
"""


class Read(NamedTuple):
    """Entries of the store.

    Attributes:
        life: another one where the store has started anew without what it held; "" where it holds nothing.
        place: that the entries go up to.
        last: the last place that there is.
    """

    life: str
    place: int
    last: int
    entries: Entries


class Added(NamedTuple):
    """Where entries are: the last one's place, 0 where none changed anything, and how many gateways were told."""

    place: int = 0
    listening: int = 0


class RedisItems:
    """All entries, each at the place of its last change, so that who has all up to a place reads the rest alone."""

    def __init__(self, address: str) -> None:
        """Names the server, `redis://HOST:PORT/DATABASE`; the first question connects.

        Raises:
            InputError: the address can't be read.
        """
        try:
            self._redis = redis.asyncio.Redis.from_url(
                address, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
            )
        except ValueError as error:
            raise InputError(f"--store can't be used: {error}; expected redis://HOST:PORT") from error
        self._listening: Any = None
        self._name = uuid.uuid4().hex
        self._readers: dict[str, tuple[str, int]] = {}
        self._heard = asyncio.Event()

    async def add(self, entries: Entries) -> Added:
        """Adds entries, and tells who listens; raises StoreDown."""
        told = iter(
            (f"{key.field}:{key.item_id}", f"{entry.at:0{_DIGITS}d}{entry.text}")
            for key, entry in entries.items()
        )
        life, added = uuid.uuid4().hex, Added()
        with _told_as_down():
            while chunk := list(itertools.islice(told, CHUNK)):
                came = await self._redis.eval(
                    _ADD % _CHANNEL, len(_KEYS), *_KEYS, life, *itertools.chain(*chunk)
                )  # type: ignore[misc]
                added = Added(*came) if came[0] else added
        return added

    async def since(self, place: int) -> Read:
        """The first entries behind a place; raises StoreDown."""
        with _told_as_down():
            came = await self._redis.eval(_SINCE, len(_KEYS), *_KEYS, str(place), str(CHUNK))  # type: ignore[misc]
        life, reached, last, names, values = json.loads(came)
        entries: Entries = {}
        for name, value in zip(names, values, strict=True):
            field, _, item_id = name.partition(":")
            entries[Key(item_id, field)] = Entry(int(value[:_DIGITS]), value[_DIGITS:])
        return Read(life, int(reached), int(last), entries)

    async def changed(self, seconds: float) -> None:
        """Waits until another gateway, or this one, added something, or for so long; raises StoreDown."""
        with _told_as_down():
            if self._listening is None:
                listening = self._redis.pubsub(ignore_subscribe_messages=True)
                await listening.subscribe(_CHANNEL, _READ_CHANNEL)
                self._listening = listening
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0:
                came = await self._listening.get_message(timeout=left)
                if came and came["channel"] == _CHANNEL.encode():
                    return
                if came:
                    name, life, place = came["data"].decode().split()
                    self._readers[name] = (life, int(place))
                    self._heard.set()

    async def has_read(self, life: str, place: int) -> None:
        """Tells all gateways up to which place this one has all; raises StoreDown."""
        with _told_as_down():
            await self._redis.publish(_READ_CHANNEL, f"{self._name} {life} {place}")

    async def read_by(self, life: str, added: Added, seconds: float) -> bool:
        """Waits until as many gateways as were told of entries have them, or for so long; whether they have."""
        until = time.monotonic() + seconds
        while added.listening > sum(
            of == life and place >= added.place for of, place in self._readers.values()
        ):
            self._heard.clear()
            try:
                await asyncio.wait_for(self._heard.wait(), until - time.monotonic())
            except asyncio.TimeoutError:
                return False
        return True

    async def close(self) -> None:
        """Ends the connection."""
        if self._listening is not None:
            await self._listening.aclose()
        await self._redis.aclose()


def open_items(address: str) -> RedisItems | None:
    """The store at an address that `open_store` took; None for this process's own memory."""
    return None if address == "memory" else RedisItems(address)


@contextlib.contextmanager
def _told_as_down() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreDown(f"the store of items doesn't answer: {error}") from error
