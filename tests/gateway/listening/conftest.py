"""Real brokers: a Redis, a NATS with JetStream, and the Kafka that `AISLE_KAFKA` names; each takes messages in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import redis


class RedisBroker:
    """Streams of a Redis."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.source = f"{server.address}?stream=clicks"

    def publish(self, bodies: Sequence[bytes]) -> None:
        with redis.Redis.from_url(self.server.address) as client, client.pipeline(transaction=False) as pipe:
            for body in bodies:
                pipe.xadd("clicks", {"json": body})
            pipe.execute()

    def unacknowledged(self) -> int:
        with redis.Redis.from_url(self.server.address) as client:
            (group,) = client.xinfo_groups("clicks")
            return int(group["pending"]) + int(group["lag"] or 0)

    def restart(self) -> None:
        with redis.Redis.from_url(self.server.address) as client:
            client.shutdown(save=True)
        self.server.process.wait()
        self.server.start()


class NatsBroker:
    """A nats-server of one stream, whose messages outlive it."""

    def __init__(self, program: str, folder: pathlib.Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = int(taken.getsockname()[1])
        self._command = [program, "-js", "-a", "127.0.0.1", "-p", str(self.port), "-sd", str(folder)]
        self.address = f"nats://127.0.0.1:{self.port}"
        self.source = f"{self.address}?stream=CLICKS"
        self.start()
        self._use(lambda stream: stream.add_stream(name="CLICKS", subjects=["clicks"]))

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.02)
        raise AssertionError("nats-server does not listen")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def publish(self, bodies: Sequence[bytes]) -> None:
        async def all_of(stream: Any) -> None:
            for body in bodies:
                await stream.publish("clicks", body)

        self._use(all_of)

    def unacknowledged(self) -> int:
        found = self._use(lambda stream: stream.consumer_info("CLICKS", "aisle"))
        return int(found.num_ack_pending + found.num_pending)

    def restart(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.start()

    def _use(self, ask: Any) -> Any:
        import nats

        async def connected() -> Any:
            client = await nats.connect(self.address)
            try:
                return await ask(client.jetstream())
            finally:
                await client.close()

        return asyncio.run(connected())


class KafkaBroker:
    """A topic of its own in a broker that runs already."""

    def __init__(self, address: str) -> None:
        self._address, self._topic = address, f"clicks-{uuid.uuid4().hex}"
        self.source = f"kafka://{address}?stream={self._topic}"

    def publish(self, bodies: Sequence[bytes]) -> None:
        from aiokafka import AIOKafkaProducer

        async def send() -> None:
            producer = AIOKafkaProducer(bootstrap_servers=self._address)
            await producer.start()
            for body in bodies:
                await producer.send_and_wait(self._topic, body)
            await producer.stop()

        asyncio.run(send())

    def unacknowledged(self) -> int:
        from aiokafka import AIOKafkaConsumer, TopicPartition

        async def ask() -> int:
            consumer = AIOKafkaConsumer(bootstrap_servers=self._address, group_id="aisle")
            await consumer.start()
            partition = TopicPartition(self._topic, 0)
            end = (await consumer.end_offsets([partition]))[partition]
            committed = await consumer.committed(partition)
            await consumer.stop()
            return int(end - (committed or 0))

        return asyncio.run(ask())


@pytest.fixture(params=["redis", "nats", "kafka"])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if request.param == "redis":
        yield RedisBroker(request.getfixturevalue("redis_server"))
    elif request.param == "kafka":
        if not os.environ.get("AISLE_KAFKA"):
            pytest.skip("AISLE_KAFKA names no broker, as HOST:PORT")
        yield KafkaBroker(os.environ["AISLE_KAFKA"])
    else:
        program = shutil.which("nats-server")
        if program is None:
            pytest.skip("no nats-server is installed (Debian: apt-get install nats-server)")
        server = NatsBroker(program, tmp_path_factory.mktemp("nats"))
        yield server
        server.kill()
