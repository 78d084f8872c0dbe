"""A user who is forgotten is in no file any more, in whichever process's folder, and whatever happens on the way."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import datetime
import json
import pathlib
import re
import resource
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.gateway.files.records import MERGED, ROW
from aisle.gateway.files.refused import take_out_of_refused
from aisle.gateway.forgetting import Forgetting
from aisle.gateway.listening.refused import Refused
from aisle.gateway.listening.source import Message
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


def _refused(place: str, message: Any, reason: str = "it is wrong") -> bytes:
    text = message if isinstance(message, str) else json.dumps(message)
    return (
        json.dumps({"place": place, "at": "2026-03-01", "reason": reason, "message": text}).encode() + b"\n"
    )


REFUSED: dict[str, list[bytes]] = {
    "2026-03-01": [
        _refused("theirs", {"event": "stare", "user_id": "ann"}),
        _refused("by another name", {"event": "stare", "who": {"ids": ["bob", "ann"]}}),
        _refused("their session's", {"event": "stare", "session_id": "x"}),
        _refused("no JSON", '{"event": "stare", "user_id": "ann"'),
        _refused(
            "a batch", [{"user_id": "ann"}, {"user_id": "bob"}], "body.0.user_id is 'ann'; expected more"
        ),
        _refused("all of a batch", [{"user_id": "ann"}]),
        _refused("another's", {"event": "stare", "user_id": "annabel", "session_id": "y"}),
        _refused("no JSON of another", "annual, {"),
        _refused("what they said of it", {"event": "stare", "user_id": "bob", "item_id": "ann"}),
    ],
    "2026-03-02": [_refused("only theirs", "user_id=ann")],
    "2026-03-03": [_refused("nobody's", "\udce9{")],
}


def _kept(folder: pathlib.Path) -> dict[str, dict[str, Any]]:
    """What is left of refused messages, by their places."""
    lines = [line for path in (folder / "refused").iterdir() for line in path.read_text().splitlines()]
    return {record["place"]: record for record in map(json.loads, lines)}


def test_what_was_refused_no_longer_names_the_user_and_still_all_others(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "refused"
    folder.mkdir()
    for day, lines in REFUSED.items():
        (folder / f"{day}.jsonl").write_bytes(b"".join(lines))
    half = b'{"place": "half", "message": "ann'
    (folder / "2026-03-01.jsonl").open("ab").write(half)
    untouched = (folder / "2026-03-03.jsonl").stat().st_mtime_ns

    async def use() -> None:
        log = await _written(tmp_path, *HOURS)
        await log.forget("ann")
        await log.close()

    asyncio.run(use())
    kept = _kept(tmp_path)
    assert sorted(kept) == ["a batch", "another's", "no JSON of another", "nobody's", "what they said of it"]
    assert kept["a batch"]["message"] == '[{"user_id": "bob"}]' and "ann" not in kept["a batch"]["reason"]
    assert sorted(path.name for path in folder.iterdir()) == ["2026-03-01.jsonl", "2026-03-03.jsonl"]
    assert (folder / "2026-03-03.jsonl").stat().st_mtime_ns == untouched


def test_what_is_refused_while_a_user_is_forgotten_is_kept(tmp_path: pathlib.Path) -> None:
    refused = Refused(tmp_path)
    at = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)

    def keep() -> None:
        for number in range(60):
            refused.keep(
                [(Message(f"p{number}", at, f"wrong {number} of ann{number % 2}".encode()), "wrong")]
            )

    with concurrent.futures.ThreadPoolExecutor() as threads:
        keeping = threads.submit(keep)
        while not keeping.done():
            take_out_of_refused(tmp_path / "refused", "ann0", [])
        keeping.result()
    take_out_of_refused(tmp_path / "refused", "ann0", [])
    assert sorted(_kept(tmp_path)) == sorted(f"p{number}" for number in range(1, 60, 2))


@given(st.lists(st.sampled_from(["ann", "anna", "b ann", "é", "7", '"', "x"]), max_size=4), st.booleans())
def test_a_user_of_any_name_is_found_in_a_message_that_can_be_read_and_in_one_that_cannot(
    ids: list[str], whole: bool
) -> None:
    user = "ann" if len(ids) % 2 else "é"
    text = json.dumps([{"who": one} for one in ids])
    line = _refused("p", text if whole else text + "{")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "day.jsonl"
        path.write_bytes(line)
        take_out_of_refused(pathlib.Path(folder), user, [])
        left = path.read_bytes() if path.exists() else b""
    named = user in ids if whole else any(re.search(rf"(?<!\w){user}(?!\w)", one) for one in ids)
    if not named:
        assert left == line
    elif not whole or set(ids) == {user}:
        assert left == b""
    else:
        assert [one["who"] for one in json.loads(json.loads(left)["message"])] == [
            one for one in ids if one != user
        ]
