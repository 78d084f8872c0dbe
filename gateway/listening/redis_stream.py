"""A Redis stream, read by a consumer group."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Sequence
from typing import Any

import redis.asyncio
from redis.exceptions import RedisError, ResponseError

from aisle.gateway.listening.source import MOST, WAIT_SECONDS, Address, Message, SourceDown, utc
from aisle.schema.errors import InputError

ABANDONED_SECONDS = 60.0
"""What another listener took and didn't acknowledge for so long is taken over."""
JSON_FIELD = "json"
"""The field of an entry that holds JSON; without it the entry's fields are the event's columns."""


class RedisStream:
    """A `Source`. What this listener took before it was killed comes first, then what others left, then what is new."""

    def __init__(self, address: Address, name: str) -> None:
        """Names the stream; the first `take` connects.

        Args:
            address: of the server and the stream.
            name: of this listener among its group, the same at each start.

        Raises:
            InputError: the address can't be read.
        """
        self._stream, self._group, self._name = address.stream, address.group, name
        self._own: str | None = None
        try:
            self._redis = redis.asyncio.Redis.from_url(
                address.server, socket_timeout=WAIT_SECONDS + 5, socket_connect_timeout=5
            )
        except ValueError as error:
            raise InputError(f"the source can't be used: {error}; expected redis://HOST:PORT") from error

    async def take(self) -> list[Message]:
        """See `Source`."""
        with self._told_as_down():
            if self._own is None:
                await self._make_group()
                self._own = "0"
            if self._own != ">":
                entries = await self._read(self._own)
                self._own = entries[-1][0].decode() if entries else ">"
                if entries:
                    return self._messages(entries)
            claimed = await self._redis.xautoclaim(
                self._stream, self._group, self._name, int(ABANDONED_SECONDS * 1_000), count=MOST
            )
            return self._messages(claimed[1] or await self._read(">"))

    async def done(self, messages: Sequence[Message]) -> None:
        """See `Source`."""
        if messages:
            with self._told_as_down():
                await self._redis.xack(self._stream, self._group, *(one.token for one in messages))

    async def close(self) -> None:
        """See `Source`."""
        await self._redis.aclose()

    async def _make_group(self) -> None:
        try:
            await self._redis.xgroup_create(self._stream, self._group, "0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def _read(self, after: str) -> list[Any]:
        block = int(WAIT_SECONDS * 1_000) if after == ">" else None
        found: Any = await self._redis.xreadgroup(self._group, self._name, {self._stream: after}, MOST, block)
        entries: list[Any] = found[0][1] if found else []
        return entries

    def _messages(self, entries: Sequence[tuple[bytes, dict[bytes, bytes] | None]]) -> list[Message]:
        """Entries as messages; of one that was deleted since, only what acknowledges it is left."""
        return [self._message(entry.decode(), fields or {}) for entry, fields in entries]

    def _message(self, entry: str, fields: dict[bytes, bytes]) -> Message:
        body: bytes | dict[str, str] | None = fields.get(JSON_FIELD.encode())
        if body is None:
            body = {_text(name): _text(value) for name, value in fields.items()}
        milliseconds, _, nth = entry.partition("-")
        at = utc(int(milliseconds) / 1_000) + datetime.timedelta(microseconds=min(int(nth), 999))
        return Message(f"{self._stream}:{entry}", at, body, entry)

    @contextlib.contextmanager
    def _told_as_down(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError, TimeoutError) as error:
            # The group may be gone with the server's memory, and what was taken may have been lost on the way here.
            self._own = None
            raise SourceDown(f"the stream {self._stream} can't be read: {error}") from error


def _text(value: bytes) -> str:
    return value.decode(errors="surrogateescape")
