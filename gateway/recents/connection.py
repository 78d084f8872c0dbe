"""The connection to a Redis or Valkey, and what is said where it doesn't answer."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from aisle.gateway.recents.store import TIMEOUT_SECONDS, StoreDown
from aisle.schema.errors import InputError

if sys.version_info >= (3, 11):
    from asyncio import timeout as _within
else:
    from async_timeout import timeout as _within  # What redis-py needs there, too.


def connect(address: str, timeout: float = TIMEOUT_SECONDS) -> redis.asyncio.Redis:
    """Names the server; the first question connects.

    Args:
        address: `redis://HOST:PORT/DATABASE`.
        timeout: seconds after which the server is down.

    Raises:
        InputError: the address can't be read.
    """
    try:
        return redis.asyncio.Redis.from_url(
            address,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            # A connection that the server has closed since is made anew; a server that is down isn't waited for.
            retry=Retry(NoBackoff(), 1),
            retry_on_error=[redis.exceptions.ConnectionError],
        )
    except ValueError as error:
        raise InputError(f"--store can't be used: {error}; expected redis://HOST:PORT") from error


class KeptConnection:
    """A connection of its own for one script, called once at a time, in half of the processor's time that a pool's takes.

    What it saves is a look whether a connection is still alive before each call, and a task that watches each write.
    """

    def __init__(self, address: str, script: str, timeout: float = TIMEOUT_SECONDS) -> None:
        """Names the server; the first call connects.

        Args:
            address: as of `connect`, which has read it.
            script: in Lua.
            timeout: seconds after which the server is down, those that were waited for earlier calls among them.
        """
        self._client = redis.asyncio.Redis.from_url(address, retry=Retry(NoBackoff(), 0))
        self._script, self._hash = script, self._client.register_script(script).sha
        self._connection = self._client.connection_pool.make_connection()
        self._timeout, self._calling = timeout, asyncio.Lock()

    async def call(self, keys: tuple[str, ...], *told: str | int) -> Any:
        """What the script answers; raises RedisError, OSError and TimeoutError."""
        words = ("EVALSHA", self._hash, len(keys), *keys, *told)
        try:
            async with _within(self._timeout), self._calling:
                try:
                    return await self._ask(*words)
                except redis.exceptions.ConnectionError:  # The server may have closed it since.
                    return await self._ask(*words)
        except asyncio.TimeoutError:
            raise TimeoutError(f"no answer within {self._timeout:g} s") from None

    async def close(self) -> None:
        """Ends it."""
        await self._connection.disconnect()
        await self._client.aclose()

    async def _ask(self, *words: str | int) -> Any:
        try:
            return await self._exchange(*words)
        except NoScriptError:  # A server that is new.
            await self._exchange("SCRIPT", "LOAD", self._script)
            return await self._exchange(*words)

    async def _exchange(self, *words: str | int) -> Any:
        """Asks and hears; whatever keeps it from that ends the connection, so that no answer is taken for another's."""
        await self._connection.send_packed_command(self._connection.pack_command(*words), check_health=False)
        return await self._connection.read_response()


class KeptConnections:
    """As many of one script's as there are calls at once, each of which has one to itself."""

    def __init__(self, address: str, script: str, timeout: float = TIMEOUT_SECONDS) -> None:
        """See `KeptConnection`."""
        self._told = (address, script, timeout)
        self._free: list[KeptConnection] = []

    async def call(self, keys: tuple[str, ...], *told: str | int) -> Any:
        """See `KeptConnection.call`."""
        kept = self._free.pop() if self._free else KeptConnection(*self._told)
        try:
            return await kept.call(keys, *told)
        finally:
            self._free.append(kept)

    async def close(self) -> None:
        """Ends those that nobody uses."""
        while self._free:
            await self._free.pop().close()


@contextlib.contextmanager
def told_as_down(what: str) -> Iterator[None]:
    """Raises StoreDown where a server doesn't answer inside."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreDown(f"{what} doesn't answer: {error}") from error
