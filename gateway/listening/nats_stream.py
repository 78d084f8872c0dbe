"""A NATS JetStream, read by a durable pull consumer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence

import nats
import nats.errors
import nats.js
import nats.js.api
import nats.js.errors
from nats.aio.client import Client

from aisle.gateway.listening.source import MOST, WAIT_SECONDS, Address, Message, SourceDown
from aisle.schema.errors import InputError

ABANDONED_SECONDS = 10.0
"""What a listener took and didn't acknowledge for so long is given to another."""
_CONNECT_SECONDS = 5


class NatsStream:
    """A `Source`; the consumer is called as the group, and is made where it is missing."""

    def __init__(self, address: Address) -> None:
        """Names the stream; the first `take` connects.

        Args:
            address: of the server and the stream; `subject` may narrow it.
        """
        self._address = address
        self._client: Client | None = None
        self._consumer: nats.js.JetStreamContext.PullSubscription | None = None

    async def take(self) -> list[Message]:
        """See `Source`."""
        async with self._told_as_down():
            consumer = self._consumer or await self._connected()
            try:
                taken = await consumer.fetch(MOST, timeout=WAIT_SECONDS)
            except nats.errors.TimeoutError:
                if self._client is None or not self._client.is_connected:
                    raise
                return []
        return [
            Message(
                f"{one.metadata.stream}:{one.metadata.sequence.stream}", one.metadata.timestamp, one.data, one
            )
            for one in taken
        ]

    async def done(self, messages: Sequence[Message]) -> None:
        """See `Source`."""
        async with self._told_as_down():
            await asyncio.gather(*(one.token.ack() for one in messages))
            if self._client:
                await self._client.flush()

    async def close(self) -> None:
        """See `Source`."""
        client, self._client, self._consumer = self._client, None, None
        if client:
            await client.close()

    async def _connected(self) -> nats.js.JetStreamContext.PullSubscription:
        self._client = await nats.connect(
            self._address.server, connect_timeout=_CONNECT_SECONDS, allow_reconnect=False, error_cb=_noted
        )
        stream, group = self._address.stream, self._address.group
        try:
            self._consumer = await self._client.jetstream().pull_subscribe(
                self._address.more.get("subject", ""),
                durable=group,
                stream=stream,
                config=nats.js.api.ConsumerConfig(ack_wait=ABANDONED_SECONDS),
            )
        except nats.js.errors.NotFoundError as error:
            raise InputError(f"the source has no JetStream called {stream}: {error.description}") from error
        return self._consumer

    @contextlib.asynccontextmanager
    async def _told_as_down(self) -> AsyncIterator[None]:
        """The next `take` connects anew."""
        try:
            yield
        except (nats.errors.Error, OSError, asyncio.TimeoutError) as error:
            with contextlib.suppress(Exception):
                await self.close()
            said = str(error) or type(error).__name__
            raise SourceDown(f"the stream {self._address.stream} can't be read: {said}") from error


async def _noted(error: Exception) -> None:
    logging.getLogger(__name__).warning("NATS: %s", error)
