"""What happened and what was shown, as whole Parquet files of the table `events`, which the next `aisle run` reads.

Records go to the spool first. An hour's file is made of the spool's when the hour has passed or the process ends, and at the
start, of what a crash left. It takes its place at once, under a name that the spool's file gives it, so that a crash on the
way leaves neither half a file nor a row twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import fcntl
import functools
import logging
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from aisle.gateway.spool import Record, Spool, read_spool
from aisle.schema.errors import InputError
from aisle.schema.events import IMPRESSION
from aisle.schema.tables import EVENTS, Kind
from aisle.schema.whole_files import whole_file

_TYPES = {
    Kind.STRING: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.TIMESTAMP: pa.timestamp("us", "UTC"),
}
SCHEMA = pa.schema([(column.name, _TYPES[column.kind]) for column in EVENTS.columns])

LOOK_SECONDS = 10.0
"""How often the log looks whether an hour has passed."""
_ROWS = 20_000
"""Of a row group."""

ROW, SHOWN, MERGED, FORGOTTEN = "row", "shown", "merged", "forgotten"
"""A record is one of these, by its only key."""


class EventLog:
    """Writes a data folder's `events/`, one process alone; the spool is in `.spool/`, which no run reads."""

    def __init__(self, folder: pathlib.Path, now: Callable[[], datetime.datetime]) -> None:
        """Takes the folder, which is made where it is missing.

        Args:
            folder: the data folder.
            now: the time in UTC.

        Raises:
            InputError: the folder can't be written to, or another gateway does.
        """
        self._events, spool = folder / EVENTS.name, folder / ".spool"
        try:
            self._events.mkdir(parents=True, exist_ok=True)
            spool.mkdir(exist_ok=True)
            self._lock = (spool / "lock").open("w", encoding="utf-8")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"another gateway writes to {folder}; name one of its own by --log") from None
        except OSError as error:
            raise InputError(f"--log {folder} can't be written to: {error.strerror}") from error
        self._spool = Spool(spool, now)
        self._rolling = asyncio.Lock()

    async def append(self, records: Sequence[Record]) -> None:
        """Keeps records, and returns once they are safe; raises NotWritten."""
        await self._spool.append(records)

    async def recovered(self) -> list[dict[str, Any]]:
        """The rows of the events that a crash kept from their Parquet files; `roll` writes them."""
        rows: list[dict[str, Any]] = []
        for path in await self._spool.finished():
            rows += (row for row in kept_rows(functools.partial(read_spool, path)) if "source" not in row)
        return rows

    async def roll(self, everything: bool = False) -> None:
        """Makes Parquet files of the hours that have passed.

        Args:
            everything: and of the current one.
        """
        async with self._rolling:
            for path in await self._spool.finished(everything):
                await asyncio.to_thread(self._roll_one, path)

    async def run(self) -> None:
        """Rolls, again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.roll()
            except (
                OSError,
                pa.ArrowException,
            ) as error:  # The spool still has it: the next time may find room.
                logging.getLogger(__name__).error("an hour of events can't be written yet: %s", error)

    async def close(self) -> None:
        """Writes everything and lets go of the folder."""
        await self._spool.close()
        with contextlib.suppress(OSError):  # The next start writes it.
            await self.roll(everything=True)
        self._lock.close()

    def _roll_one(self, path: pathlib.Path) -> None:
        rows = kept_rows(functools.partial(read_spool, path))
        first = next(rows, None)
        if first is not None:
            with (
                whole_file(self._events / f"{path.stem}.parquet", through=True) as partial,
                pq.ParquetWriter(partial, SCHEMA) as writer,
            ):
                for table in _tables(first, rows):
                    writer.write_table(table)
        path.unlink()


def shown(
    source: str, request_id: str, version: int | None, item_ids: Sequence[str], asked: dict[str, Any]
) -> Record:
    """The record of an answer that was shown.

    Args:
        source: the signature that answered.
        request_id: of the answer.
        version: of the model.
        item_ids: best first.
        asked: `timestamp` in microseconds, and what else all of its rows have: `user_id`, `session_id`, `query`,
            `experiment`, `arm`.
    """
    told = None if version is None else str(version)
    common = {"source": source, "request_id": request_id, "version": told, "event": IMPRESSION.name}
    return {SHOWN: {**common, **asked, "item_ids": list(item_ids)}}


def kept_rows(read: Callable[[], Iterable[Record]]) -> Iterator[dict[str, Any]]:
    """The rows of records, each event once, without those whom a later record forgets.

    Args:
        read: reads the records from the first on; it is called twice.
    """
    forgotten, sessions = _forgotten(read())
    seen: set[str] = set()
    for place, record in enumerate(read()):
        for row in _rows(record):
            user = row.get("user_id") or sessions.get(row.get("session_id", ""), "")
            if forgotten.get(user, -1) < place and row["event_id"] not in seen:
                seen.add(row["event_id"])
                yield row


def _forgotten(records: Iterable[Record]) -> tuple[dict[str, int], dict[str, str]]:
    """The place of the record that forgets a user, by user, and whose the sessions are that came to be known."""
    forgotten: dict[str, int] = {}
    sessions: dict[str, str] = {}
    for place, record in enumerate(records):
        if FORGOTTEN in record:
            forgotten[record[FORGOTTEN]] = place
        elif MERGED in record:
            sessions[record[MERGED][0]] = record[MERGED][1]
        elif record.get(ROW, {}).get("user_id") and record[ROW].get("session_id"):
            sessions[record[ROW]["session_id"]] = record[ROW]["user_id"]
    return forgotten, sessions


def _rows(record: Record) -> Iterator[dict[str, Any]]:
    if ROW in record:
        yield record[ROW]
    elif SHOWN in record:
        common = {name: value for name, value in record[SHOWN].items() if name != "item_ids"}
        for position, item in enumerate(record[SHOWN]["item_ids"], 1):
            event_id = f"{common['request_id']}:{position}"
            yield {**common, "item_id": item, "position": position, "event_id": event_id}


def _tables(first: dict[str, Any], others: Iterator[dict[str, Any]]) -> Iterator[pa.Table]:
    rows = [first]
    for row in others:
        rows.append(row)
        if len(rows) == _ROWS:
            yield pa.Table.from_pylist(rows, SCHEMA)
            rows = []
    if rows:
        yield pa.Table.from_pylist(rows, SCHEMA)
