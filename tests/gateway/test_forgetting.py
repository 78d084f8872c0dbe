"""A user who is forgotten is in no file any more, in whichever process's folder, and whatever happens on the way."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import pathlib
import resource
import signal
from collections.abc import AsyncIterator, Callable
from typing import Any

import pyarrow.parquet as pq
import pytest

from aisle.gateway.files.records import MERGED, ROW
from aisle.gateway.forgetting import Forgetting
from aisle.gateway.log import EventLog
from aisle.gateway.recents.delivery import Delivery
from aisle.gateway.recents.redis_store import RedisStore
from aisle.gateway.recents.store import Recent
from aisle.gateway.spool import NotWritten, Record

HOUR = datetime.timedelta(hours=1)
ANN = {"user_id": "ann"}


class Clock:
    def __init__(self) -> None:
        self.now = datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.timezone.utc)

    def __call__(self) -> datetime.datetime:
        return self.now


def _row(event_id: str, **more: Any) -> Record:
    return {ROW: {"event_id": event_id, "timestamp": 1, "event": "click", "item_id": "mug", **more}}


async def _written(folder: pathlib.Path, *hours: list[Record]) -> EventLog:
    """A log that wrote the hours, but for the last, which is in the spool."""
    clock = Clock()
    log = EventLog(folder, clock)
    for records in hours:
        await log.roll()
        await log.append(records)
        clock.now += HOUR
    clock.now -= HOUR
    return log


def _ids(folder: pathlib.Path) -> list[str]:
    paths = sorted((folder / "events").glob("*.parquet"))
    return sorted(i for path in paths for i in pq.read_table(path)["event_id"].to_pylist())


def _names(folder: pathlib.Path, name: str) -> list[pathlib.Path]:
    """The files of a log's hours that hold a name."""
    return [path for path in (folder / "events").iterdir() if name.encode() in path.read_bytes()]


HOURS: list[list[Record]] = [
    [_row("s", session_id="x"), _row("t", session_id="y"), _row("b", user_id="bob", session_id="y")],
    [_row("only", **ANN)],
    [_row("a", **ANN, session_id="z"), _row("c", user_id="cid"), {MERGED: ["x", "ann"]}],
    [_row("w", session_id="z"), _row("x", session_id="x"), _row("d")],
    [_row("now", **ANN), _row("e", session_id="z")],
]
"""Ann is known to be `x`, which signed in, and `z`, by an event; `y` is bob's."""
OTHERS = ["b", "c", "d", "t"]


def test_hours_that_were_written_lose_the_user_and_their_sessions_and_nobody_else(
    tmp_path: pathlib.Path,
) -> None:
    async def use() -> list[str]:
        log = await _written(tmp_path, *HOURS)
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "events").iterdir()}
        sessions = await log.forget("ann")
        assert sum(path.exists() for path in before) == len(before) - 1, "the hour of nobody else goes"
        await log.append([_row("back", **ANN), _row("f", session_id="z")])
        await log.close()
        return sessions

    assert asyncio.run(use()) == ["x", "z"]
    assert _ids(tmp_path) == sorted([*OTHERS, "back", "f"])
    # What became of the session x is forgotten, too.
    assert len(_names(tmp_path, "ann")) == 1
    assert {path.suffix for path in (tmp_path / "events").iterdir()} == {".parquet"}


def test_files_that_hold_nothing_of_a_user_are_left_alone(tmp_path: pathlib.Path) -> None:
    async def use() -> None:
        log = await _written(tmp_path, *HOURS)
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "events").iterdir()}
        assert await log.forget("nobody") == []
        assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "events").iterdir()}
        await log.close()

    asyncio.run(use())


def test_a_disk_that_is_full_on_the_way_leaves_the_old_files_and_the_next_start_forgets(
    tmp_path: pathlib.Path,
) -> None:
    async def full() -> None:
        many = [_row(f"m{number}", user_id="bob", text="text" * 50 + str(number)) for number in range(2_000)]
        log = await _written(tmp_path, [*many, *HOURS[0]], *HOURS[1:])
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, hard))
        try:
            with pytest.raises(NotWritten):
                await log.forget("ann")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, ignored)
        assert "s" in _ids(tmp_path)
        log._lock.close()  # As a crash does.

    async def start() -> None:
        (tmp_path / "events" / ".half.part").write_bytes(b"ann")
        log = EventLog(tmp_path, Clock())
        await log.roll()
        await log.close()

    asyncio.run(full())
    asyncio.run(start())
    assert [one for one in _ids(tmp_path) if not one.startswith("m")] == OTHERS
    assert _names(tmp_path, "ann") == [] and len(_ids(tmp_path)) == 2_000 + len(OTHERS)


@contextlib.asynccontextmanager
async def _process(
    folder: pathlib.Path, address: str, *hours: list[Record]
) -> AsyncIterator[tuple[Forgetting, EventLog, Delivery]]:
    """A gateway's or listener's log over a Redis, which hears when it is told to."""
    log = await _written(folder, *hours)
    recents = Delivery(RedisStore(address, 10_000))
    yield Forgetting(log, recents), log, recents
    await recents.close()
    await log.close()


def test_other_processes_of_the_store_forget_too_and_tell_of_sessions_that_they_alone_know(
    tmp_path: pathlib.Path, redis_server: Any
) -> None:
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    at = redis_server.address

    async def use() -> None:
        async with (
            _process(one, at, [_row("a1", **ANN)], [_row("s1", session_id="q")]) as (first, _, recents),
            _process(two, at, [_row("s2", session_id="q"), _row("b2", user_id="bob")], []) as (
                second,
                log,
                _,
            ),
            _process(three, at, [_row("a3", **ANN, session_id="q")], [_row("now3", **ANN)]) as (third, _, _),
        ):
            seconds = int(Clock().now.timestamp() * 1e6) * 2
            await recents.add([("u:ann", Recent("r", "click", "mug", seconds))])
            await first.forget("ann")
            assert await recents.of("u:ann") == ([], False)
            await log.append([_row("back", **ANN)])
            await recents.add([("u:ann", Recent("new", "click", "mug", seconds))])
            # The third alone knows of q; the first two hear it from there.
            for process in (third, second, first, third, second, first):
                await process.hear()
            await log.append([_row("later", **ANN)])
            await second.hear()

    asyncio.run(use())
    assert (_ids(one), _ids(two), _ids(three)) == ([], ["b2", "later"], [])


def test_a_process_that_was_down_hears_at_its_start_and_only_once(
    tmp_path: pathlib.Path, redis_server: Any, site: Callable
) -> None:
    away = tmp_path / "live"

    async def use() -> None:
        log = await _written(away, [_row("a", **ANN), _row("b", user_id="bob")], [_row("spooled", **ANN)])
        log._lock.close()
        async with _process(tmp_path / "one", redis_server.address, []) as (first, _, _):
            await first.forget("ann")
        async with site(RedisStore(redis_server.address, 10_000)) as back:
            assert await back.recents.of("u:ann") == ([], False)
            await back.http.post(
                "/v1/events", json={"event": "click", "item_id": "mug", "event_id": "new", **ANN}
            )
            await asyncio.sleep(1.2)
        async with site(RedisStore(redis_server.address, 10_000)):
            pass

    asyncio.run(use())
    assert _ids(away) == ["b", "new"]
