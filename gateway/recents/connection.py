"""The connection to a Redis or Valkey, and what is said where it doesn't answer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from aisle.gateway.recents.store import TIMEOUT_SECONDS, StoreDown
from aisle.schema.errors import InputError


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


@contextlib.contextmanager
def told_as_down(what: str) -> Iterator[None]:
    """Raises StoreDown where a server doesn't answer inside."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreDown(f"{what} doesn't answer: {error}") from error
