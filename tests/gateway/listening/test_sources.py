"""A stream is consumed at least once, whatever broker it is in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest

from aisle.gateway.listening.listener import Listener
from aisle.gateway.listening.refused import Refused
from aisle.gateway.listening.source import open_source
from aisle.gateway.log import EventLog
from aisle.gateway.recents.delivery import Delivery
from aisle.gateway.recents.memory import MemoryStore
from aisle.gateway.recording import Recording, utc_now


def _event(number: int, **more: Any) -> bytes:
    return json.dumps({"event": "click", "item_id": f"i{number}", "session_id": "s", **more}).encode()


def _written(folder: pathlib.Path) -> list[dict[str, Any]]:
    return [
        row
        for path in sorted((folder / "events").glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


@contextlib.asynccontextmanager
async def _listening(source: str, folder: pathlib.Path) -> AsyncIterator[Recording]:
    """A listener in this process, until the block ends."""
    stream = open_source(source, "here")
    recording = Recording(Delivery(MemoryStore(10_000)), EventLog(folder, utc_now))
    listener = Listener(stream, recording, Refused(folder))
    async with recording.running():
        running = asyncio.create_task(listener.run())
        yield recording
        listener.stop()
        await running
    await stream.close()


async def _until(holds: Callable[[], Any]) -> None:
    for _ in range(1_000):
        if await asyncio.to_thread(holds):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came")


def _count(recording: Recording, name: str, **labels: str) -> float:
    return recording.metrics.registry.get_sample_value(name, labels) or 0.0


def test_events_become_files_and_recent_events_and_what_is_none_is_kept_with_its_reason(
    broker: Any, tmp_path: pathlib.Path
) -> None:
    deep, broken = b"[" * 100_000, b'{"event": "click", "item_id": "\xff'
    wrong = [b"", deep, broken, b"[" + _event(8) + b', {"event": "stare", "item_id": "a"}]', b"a" * 300_000]
    broker.publish(
        [_event(1), wrong[0], _event(2, event_id="mine", timestamp="2026-03-01T12:00:00Z"), *wrong[1:]]
    )
    broker.publish([b"[" + _event(3) + b"," + _event(4) + b"]"])

    async def use() -> None:
        async with _listening(broker.source, tmp_path) as recording:
            await _until(lambda: _count(recording, "aisle_gateway_events_total", kind="click") == 4)
            await _until(lambda: broker.unacknowledged() == 0)
            assert [one.item_id for one in (await recording._recents.of("s:s"))[0]] == ["i1", "i3", "i4"]
            assert _count(recording, "aisle_gateway_refused_messages_total") == 5

    asyncio.run(use())
    rows = {row["item_id"]: row for row in _written(tmp_path)}
    assert sorted(rows) == ["i1", "i2", "i3", "i4"] and len({row["event_id"] for row in rows.values()}) == 4
    assert (
        rows["i2"]["event_id"] == "mine"
        and rows["i2"]["timestamp"].isoformat() == "2026-03-01T12:00:00+00:00"
    )
    (path,) = (tmp_path / "refused").iterdir()
    kept = [json.loads(line) for line in path.read_text().splitlines()]
    assert [one["message"].encode(errors="surrogateescape") for one in kept] == wrong
    assert "stare" in kept[3]["reason"] and "larger than 256 KiB" in kept[4]["reason"]
    assert all("\n" not in one["reason"] and len(one["place"]) < 100 for one in kept)


def test_what_was_not_acknowledged_comes_again_and_is_the_same_event(
    broker: Any, tmp_path: pathlib.Path
) -> None:
    broker.publish([_event(1), _event(2)])

    async def taken_and_lost() -> list[str]:
        source = open_source(broker.source, "here")
        for _ in range(50):
            if messages := await source.take():
                break
        await source.close()
        return [message.place for message in messages]

    async def use() -> None:
        async with _listening(broker.source, tmp_path) as recording:
            await _until(lambda: _count(recording, "aisle_gateway_events_total", kind="click") == 2)

    if "nats" in broker.source:
        pytest.skip("it would take 10 s; the test that kills the listener shows it")
    places = asyncio.run(taken_and_lost())
    asyncio.run(use())
    assert [row["event_id"] for row in _written(tmp_path)] == [f"{place}:0" for place in places]


def test_a_disk_that_is_full_has_nothing_acknowledged_until_there_is_room(
    broker: Any, tmp_path: pathlib.Path
) -> None:
    broker.publish([_event(1), b"no event", _event(2)])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    async def use() -> None:
        async with _listening(broker.source, tmp_path) as recording:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
            try:
                await asyncio.sleep(1)
                assert await asyncio.to_thread(broker.unacknowledged) == 3
                assert _count(recording, "aisle_gateway_events_total", kind="click") == 0
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
                signal.signal(signal.SIGXFSZ, ignored)
            await _until(lambda: broker.unacknowledged() == 0)

    asyncio.run(use())
    assert {row["item_id"] for row in _written(tmp_path)} == {"i1", "i2"}
    assert len({row["event_id"] for row in _written(tmp_path)}) == 2
    (path,) = (tmp_path / "refused").iterdir()
    assert {json.loads(line)["message"] for line in path.read_text().splitlines()} == {"no event"}


def test_a_broker_that_is_restarted_is_connected_to_again(broker: Any, tmp_path: pathlib.Path) -> None:
    if not hasattr(broker, "restart"):
        pytest.skip("this broker isn't ours to restart")
    broker.publish([_event(1)])

    async def use() -> None:
        async with _listening(broker.source, tmp_path) as recording:
            await _until(lambda: _count(recording, "aisle_gateway_events_total", kind="click") == 1)
            await asyncio.to_thread(broker.restart)
            await asyncio.to_thread(broker.publish, [_event(2)])
            await _until(lambda: _count(recording, "aisle_gateway_events_total", kind="click") >= 2)
            await _until(lambda: broker.unacknowledged() == 0)

    asyncio.run(use())
    assert {row["item_id"] for row in _written(tmp_path)} == {"i1", "i2"}


@pytest.fixture
def start(
    tmp_path: pathlib.Path, redis_server: Any, broker: Any
) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts `aisle listen`; what still runs after the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def run() -> subprocess.Popen[str]:
        words = [broker.source, "--store", redis_server.address, "--log", str(tmp_path / "log")]
        command = [sys.executable, "-m", "aisle.cli.main", "listen", *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        started.append(process)
        assert process.stdout is not None and process.stdout.readline() == "listening\n"
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_kill_9_in_the_middle_loses_no_event_and_none_is_another_event_twice(
    tmp_path: pathlib.Path, start: Callable[[], subprocess.Popen[str]], broker: Any
) -> None:
    broker.publish([_event(number) for number in range(1_500)])
    first = start()
    while not any(path.stat().st_size for path in (tmp_path / "log" / ".spool").glob("*.jsonl")):
        time.sleep(0.005)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert broker.unacknowledged() > 0

    second = start()
    deadline = time.monotonic() + 120
    while broker.unacknowledged() and time.monotonic() < deadline:
        time.sleep(0.2)
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0
    rows = _written(tmp_path / "log")
    assert {row["item_id"] for row in rows} == {f"i{number}" for number in range(1_500)}
    # What came twice has one id, by which the Cleaner merges it.
    assert len({row["event_id"] for row in rows}) == 1_500
