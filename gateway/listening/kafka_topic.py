"""A topic of Kafka, or of what speaks its protocol, read by a consumer group."""

from __future__ import annotations

import contextlib
import ssl
import urllib.parse
from collections.abc import Iterator, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from aisle.gateway.listening.source import MOST, WAIT_SECONDS, Address, Message, SourceDown, utc
from aisle.schema.errors import InputError


class KafkaTopic:
    """A `Source` whose offsets are committed by hand; who never committed starts at the oldest message."""

    def __init__(self, address: Address) -> None:
        """Names the topic; the first `take` connects.

        Args:
            address: of a broker and the topic; `kafka+ssl://` by TLS, and `USER:PASSWORD@` by SASL PLAIN.

        Raises:
            InputError: the address has no port.
        """
        parts = urllib.parse.urlsplit(address.server)
        try:
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host or not port:
            raise InputError("the source names no broker; expected kafka://HOST:PORT?stream=TOPIC")
        self._topic = address.stream
        tls = parts.scheme == "kafka+ssl"
        self._settings: dict[str, Any] = {
            "bootstrap_servers": f"{host}:{port}",
            "group_id": address.group,
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "security_protocol": ("SASL_" if parts.username else "") + ("SSL" if tls else "PLAINTEXT"),
            "ssl_context": ssl.create_default_context() if tls else None,
        }
        if parts.username:
            named = [urllib.parse.unquote(part or "") for part in (parts.username, parts.password)]
            self._settings |= dict(
                zip(("sasl_plain_username", "sasl_plain_password"), named, strict=True),
                sasl_mechanism="PLAIN",
            )
        self._consumer: AIOKafkaConsumer | None = None

    async def take(self) -> list[Message]:
        """See `Source`."""
        with self._told_as_down():
            if self._consumer is None:
                consumer = AIOKafkaConsumer(self._topic, **self._settings)
                try:
                    await consumer.start()
                except BaseException:
                    await consumer.stop()
                    raise
                self._consumer = consumer
            found = await self._consumer.getmany(timeout_ms=int(WAIT_SECONDS * 1_000), max_records=MOST)
        return [
            Message(
                f"{self._topic}:{partition.partition}:{record.offset}",
                utc(record.timestamp / 1_000),
                record.value or b"",
                (partition, record.offset),
            )
            for partition, records in found.items()
            for record in records
        ]

    async def done(self, messages: Sequence[Message]) -> None:
        """See `Source`."""
        offsets: dict[TopicPartition, int] = {}
        for message in messages:
            partition, offset = message.token
            offsets[partition] = max(offset + 1, offsets.get(partition, 0))
        with self._told_as_down():
            if self._consumer and offsets:
                # Where another listener got the partition meanwhile, it reads again from what was committed.
                with contextlib.suppress(CommitFailedError, IllegalStateError):
                    await self._consumer.commit(offsets)

    async def close(self) -> None:
        """See `Source`."""
        if self._consumer:
            await self._consumer.stop()
        self._consumer = None

    @contextlib.contextmanager
    def _told_as_down(self) -> Iterator[None]:
        try:
            yield
        except (KafkaError, OSError) as error:
            raise SourceDown(f"the topic {self._topic} can't be read: {error}") from error
