"""What was told to be safe is in the files, once, whatever happens on the way."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import pathlib
import resource
import signal
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest

from aisle.components.example_gen.reader import read_table
from aisle.gateway.files.records import FORGOTTEN, MERGED, ROW, SESSIONS, kept_rows, shown
from aisle.gateway.log import EventLog
from aisle.gateway.spool import NotWritten, Record, read_spool
from aisle.schema.errors import InputError
from aisle.schema.tables import EVENTS

NOON = datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.timezone.utc)


class Clock:
    now = NOON

    def __call__(self) -> datetime.datetime:
        return self.now


def _row(event_id: str, **more: Any) -> Record:
    at = {"timestamp": 1_772_366_400_000_000, "event": "click", "item_id": "mug"}
    return {ROW: {"event_id": event_id, **at, **more}}


def _written(folder: pathlib.Path) -> dict[str, list[str]]:
    """The ids of the events of each hour's files."""
    found: dict[str, list[str]] = {}
    for path in sorted((folder / "events").glob("*.parquet")):
        found.setdefault(path.name[:13], []).extend(pq.read_table(path)["event_id"].to_pylist())
    return found


def _spooled(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted((folder / ".spool").glob("*.jsonl"))


def test_each_hour_becomes_a_whole_file_when_it_has_passed(tmp_path: pathlib.Path) -> None:
    clock = Clock()

    async def use() -> list[dict[str, list[str]]]:
        log, seen = EventLog(tmp_path, clock), []
        await log.append([_row("a"), _row("b")])
        await log.roll()
        seen.append(_written(tmp_path))
        clock.now += datetime.timedelta(hours=1)
        await log.append([_row("c")])
        await log.roll()
        seen.append(_written(tmp_path))
        await log.close()
        return [*seen, _written(tmp_path)]

    first = {"2026-03-01T12": ["a", "b"]}
    assert asyncio.run(use()) == [{}, first, first | {"2026-03-01T13": ["c"]}]
    assert _spooled(tmp_path) == []


def test_the_next_run_reads_events_and_what_was_shown_as_they_are(tmp_path: pathlib.Path) -> None:
    async def use() -> None:
        log = EventLog(tmp_path, Clock())
        event = _row("e1", user_id="u1", query="red mug", position=2, price=2.5, request_id="r1")
        asked = {"timestamp": 1_772_366_399_000_000, "user_id": "u1", "query": "red mug"}
        await log.append([shown("search", "r1", 7, ["cup", "mug"], asked), event])
        await log.close()

    asyncio.run(use())
    read = read_table(str(tmp_path), EVENTS)
    assert read.quarantine.num_rows == 0
    rows = [
        {name: value for name, value in row.items() if value is not None} for row in read.rows.to_pylist()
    ]
    common = {"timestamp": 1_772_366_399_000_000, "event": "impression", "user_id": "u1", "query": "red mug"}
    came_by = {"request_id": "r1", "source": "search", "version": "7"}
    assert rows == [
        {**common, **came_by, "item_id": "cup", "position": 1, "event_id": "r1:1"},
        {**common, **came_by, "item_id": "mug", "position": 2, "event_id": "r1:2"},
        {
            **{"timestamp": 1_772_366_400_000_000, "event": "click", "item_id": "mug", "user_id": "u1"},
            **{"query": "red mug", "position": 2, "price": 2.5, "event_id": "e1", "request_id": "r1"},
        },
    ]


def test_what_a_crash_left_is_written_at_the_next_start_without_the_half_of_a_record(
    tmp_path: pathlib.Path,
) -> None:
    async def crash() -> None:
        log = EventLog(tmp_path, Clock())
        await log.append([_row("a"), shown("similar", "r", 7, ["mug"], {"timestamp": 1})])
        log._lock.close()

    async def start() -> list[str]:
        log = EventLog(tmp_path, Clock())
        recovered = [row["event_id"] for row in await log.recovered()]
        await log.roll()
        await log.close()
        return recovered

    asyncio.run(crash())
    (spool,) = _spooled(tmp_path)
    with spool.open("ab") as file:
        file.write(b'{"row": {"event_id": "half')
    assert asyncio.run(start()) == ["a"]
    assert _written(tmp_path) == {"2026-03-01T12": ["a", "r:1"]}


def test_a_crash_between_the_file_and_its_spool_writes_no_row_twice(tmp_path: pathlib.Path) -> None:
    async def written() -> bytes:
        log = EventLog(tmp_path, Clock())
        await log.append([_row("a")])
        (spool,) = _spooled(tmp_path)
        kept = spool.read_bytes()
        await log.close()
        spool.write_bytes(kept)
        return kept

    async def start() -> None:
        log = EventLog(tmp_path, Clock())
        await log.roll()
        await log.close()

    asyncio.run(written())
    asyncio.run(start())
    assert _written(tmp_path) == {"2026-03-01T12": ["a"]}
    assert len(list((tmp_path / "events").iterdir())) == 1


def test_two_gateways_do_not_write_to_one_folder(tmp_path: pathlib.Path) -> None:
    first = EventLog(tmp_path, Clock())
    with pytest.raises(InputError, match="another gateway writes to .*--log"):
        EventLog(tmp_path, Clock())
    asyncio.run(first.close())
    asyncio.run(EventLog(tmp_path, Clock()).close())


@contextlib.contextmanager
def _no_file_larger_than(size: int) -> Iterator[None]:
    """Has the system refuse to write more to any file, in the middle of a write, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_full_disk_refuses_events_whole_and_takes_the_next_when_there_is_room(
    tmp_path: pathlib.Path,
) -> None:
    async def use() -> None:
        log = EventLog(tmp_path, Clock())
        await log.append([_row("a")])
        (spool,) = _spooled(tmp_path)
        # Room for the first of the two.
        with (
            _no_file_larger_than(2 * spool.stat().st_size + 50),
            pytest.raises(NotWritten, match="nothing was recorded"),
        ):
            await log.append([_row("b"), _row("c")])
        assert [record[ROW]["event_id"] for record in read_spool(spool)] == ["a"]
        await log.append([_row("d")])
        await log.close()

    asyncio.run(use())
    ((hour, ids),) = _written(tmp_path).items()
    assert (hour, sorted(ids)) == ("2026-03-01T12", ["a", "d"])


def test_many_who_write_at_once_are_all_written(tmp_path: pathlib.Path) -> None:
    async def use() -> None:
        log = EventLog(tmp_path, Clock())
        await asyncio.gather(*(log.append([_row(str(number))]) for number in range(200)))
        assert [record[ROW]["event_id"] for path in _spooled(tmp_path) for record in read_spool(path)] == ids
        await log.close()

    ids = [str(number) for number in range(200)]
    asyncio.run(use())
    assert _written(tmp_path) == {"2026-03-01T12": ids}


ANN, SHOW = {"user_id": "ann"}, shown("recommend", "r", 7, ["mug"], {"timestamp": 1, "user_id": "ann"})


@pytest.mark.parametrize(
    ("records", "kept"),
    [
        ([_row("a"), _row("a", item_id="cup"), _row("b")], ["a", "b"]),
        ([_row("a", **ANN), SHOW, _row("b", user_id="bob"), {FORGOTTEN: "ann"}], ["b"]),
        ([_row("a", **ANN), {FORGOTTEN: "ann"}, _row("again", **ANN)], ["again"]),
        ([_row("s", session_id="x"), {MERGED: ["x", "ann"]}, {FORGOTTEN: "ann"}], []),
        ([_row("s", session_id="x"), _row("a", session_id="x", **ANN), {FORGOTTEN: "ann"}], []),
        ([_row("s", session_id="y"), {MERGED: ["x", "ann"]}, {FORGOTTEN: "ann"}], ["s"]),
        ([_row("s", session_id="y"), {FORGOTTEN: "ann", SESSIONS: ["y"]}, _row("t", session_id="y")], ["t"]),
        ([_row("b", session_id="y", user_id="bob"), {FORGOTTEN: "ann", SESSIONS: ["y"]}], ["b"]),
    ],
    ids=[
        "repeat",
        "forgotten",
        "back again",
        "session merged",
        "session seen",
        "another's session",
        "session told",
        "session of another since",
    ],
)
def test_rows_are_kept_once_and_none_of_the_forgotten(records: list[Record], kept: list[str]) -> None:
    assert [row["event_id"] for row in kept_rows(lambda: records)] == kept
