"""What a stream of events does."""

from __future__ import annotations

import dataclasses
import datetime
import urllib.parse
from collections.abc import Sequence
from typing import Any, Protocol

from aisle.schema.errors import AisleError, InputError

MOST = 200
"""Messages that are taken at once."""
WAIT_SECONDS = 0.5
"""How long a source waits for a message before it says that there is none."""
GROUP = "aisle"
"""By which a broker knows the listeners of one shop, who share its messages."""


class SourceDown(AisleError):
    """The broker doesn't answer; what was taken and not acknowledged comes again."""


@dataclasses.dataclass(frozen=True)
class Message:
    """What a stream holds at one place.

    Attributes:
        place: names it among all of its stream, the same each time that it comes.
        at: when the broker got it, in UTC.
        body: JSON, an event or a list of them; or the columns of one event, as text, none if it was deleted since.
        token: by which the source acknowledges it.
    """

    place: str
    at: datetime.datetime
    body: bytes | dict[str, str]
    token: Any = None


class Source(Protocol):
    """A stream; all but `close` raise SourceDown, and `take` an InputError for what isn't there and never comes."""

    async def take(self) -> list[Message]:
        """The next messages, `MOST` at most; none after `WAIT_SECONDS` without one. Connects where need be."""

    async def done(self, messages: Sequence[Message]) -> None:
        """Acknowledges messages: they don't come again."""

    async def close(self) -> None:
        """Ends the connection."""


@dataclasses.dataclass(frozen=True)
class Address:
    """Where a stream is.

    Attributes:
        server: the address without what names the stream.
        stream: its name.
        group: of the listeners.
        more: what else is asked for, by name.
    """

    server: str
    stream: str
    group: str
    more: dict[str, str]


def read_address(address: str, *more: str) -> Address:
    """Reads `SCHEME://HOST:PORT/…?stream=NAME&group=NAME`.

    Args:
        address: as the user wrote it.
        more: other names that may be asked for.

    Raises:
        InputError: it names no stream, or what isn't known.
    """
    parts = urllib.parse.urlsplit(address)
    asked = dict(urllib.parse.parse_qsl(parts.query))
    unknown = sorted(asked.keys() - {"stream", "group", *more})
    if unknown or not asked.get("stream"):
        came = f"has {unknown[0]!r}" if unknown else "names no stream"
        raise InputError(
            f"the source {_without_password(parts)} {came}; expected {parts.scheme}://HOST:PORT?stream=NAME"
            f"{''.join(f'&{name}=…' for name in ('group', *more))}"
        )
    server = parts._replace(query="").geturl()
    return Address(
        server, asked["stream"], asked.get("group") or GROUP, {n: asked[n] for n in more if n in asked}
    )


def _without_password(parts: urllib.parse.SplitResult) -> str:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def open_source(address: str, name: str) -> Source:
    """The source at an address; nothing is asked of it yet.

    Args:
        address: `redis://`, `nats://` or `kafka://`.
        name: of this listener, the same at each start.

    Raises:
        InputError: the address is none of these.
    """
    scheme = address.partition("://")[0]
    if scheme in ("redis", "rediss"):
        from aisle.gateway.listening.redis_stream import RedisStream

        return RedisStream(read_address(address), name)
    if scheme in ("nats", "tls"):
        from aisle.gateway.listening.nats_stream import NatsStream

        return NatsStream(read_address(address, "subject"))
    if scheme in ("kafka", "kafka+ssl"):
        from aisle.gateway.listening.kafka_topic import KafkaTopic

        return KafkaTopic(read_address(address))
    raise InputError(
        f"the source's address begins with {scheme!r}; expected redis://, nats:// or kafka://HOST:PORT?stream=NAME"
    )


def utc(seconds: float) -> datetime.datetime:
    """A time since 1970."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
