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
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from aisle.gateway.files.hours import remove_halves, sessions_of, take_out, write_hour
from aisle.gateway.files.records import (
    FORGOTTEN,
    SESSIONS,
    Forgotten,
    became,
    forgotten_in,
    kept_rows,
    merges,
)
from aisle.gateway.files.refused import FOLDER, take_out_of_refused
from aisle.gateway.spool import NotWritten, Record, Spool, read_spool
from aisle.schema.errors import InputError
from aisle.schema.tables import EVENTS
from aisle.schema.whole_files import whole_file

LOOK_SECONDS = 10.0
"""How often the log looks whether an hour has passed."""


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
        self._refused = folder / FOLDER
        try:
            self._events.mkdir(parents=True, exist_ok=True)
            spool.mkdir(exist_ok=True)
            self._lock = (spool / "lock").open("w", encoding="utf-8")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_halves(self._events)
        except BlockingIOError:
            raise InputError(f"another gateway writes to {folder}; name one of its own by --log") from None
        except OSError as error:
            raise InputError(f"--log {folder} can't be written to: {error.strerror}") from error
        self._spool, self._heard = Spool(spool, now), spool / "heard"
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

    @property
    def heard(self) -> str:
        """Up to which announcement of forgotten users this log has forgotten them; "" for none."""
        return self._heard.read_text(encoding="utf-8") if self._heard.exists() else ""

    def has_heard(self, mark: str) -> None:
        """Notes it; raises NotWritten."""
        try:
            with whole_file(self._heard, through=True) as partial:
                partial.write_text(mark, encoding="utf-8")
        except OSError as error:
            raise NotWritten(f"{self._heard} can't be written: {error.strerror}") from error

    async def roll(self, everything: bool = False) -> None:
        """Makes Parquet files of the hours that have passed.

        Args:
            everything: and of the current one.
        """
        async with self._rolling:
            await asyncio.to_thread(self._roll_all, await self._spool.finished(everything))

    async def forget(self, user: str, sessions: Sequence[str] = ()) -> list[str]:
        """Takes a user, as known so far, out of the files that are written and of those to come.

        Args:
            user: whose rows go.
            sessions: that became theirs; those that this log knows of are added.

        Returns:
            All of those sessions.

        Raises:
            NotWritten: the disk doesn't take it. Ask again, or the next hour's file, or start, does it.
        """
        known = sorted({*sessions, *await asyncio.to_thread(self._sessions_of, user)})
        await self._spool.append([{FORGOTTEN: user, SESSIONS: known}])
        try:
            await self.roll()
            async with self._rolling:
                await asyncio.to_thread(self._take_out, user, known)
        except (OSError, pa.ArrowException) as error:
            raise NotWritten(f"{self._events.parent} can't be written to: {error}") from error
        return known

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
        with contextlib.suppress(OSError, pa.ArrowException):  # The next start writes it.
            await self.roll(everything=True)
        self._lock.close()

    def _roll_all(self, paths: Sequence[pathlib.Path]) -> None:
        """Makes files of the spool's, and has what they forget be gone from the others before they go."""
        forget: dict[pathlib.Path, list[Forgotten]] = {}
        for path in paths:
            read = functools.partial(read_spool, path)
            forget[path] = forgotten_in(read())
            # One that is there is whole: a crash kept its spool, and who was forgotten meanwhile is in it.
            if not self._hour_of(path).exists():
                write_hour(self._hour_of(path), kept_rows(read), merges(read()))
        for path in paths:
            for user, sessions in forget[path]:
                self._take_out(user, sessions, leave=[self._hour_of(path)])
        for path in sorted(paths, key=lambda path: bool(forget[path])):
            path.unlink()

    def _take_out(self, user: str, sessions: Sequence[str], leave: Sequence[pathlib.Path] = ()) -> None:
        """Has a user be gone from the hours' files, but for some that are right, and from what was refused."""
        take_out(self._events, user, sessions, leave)
        take_out_of_refused(self._refused, user, sessions)

    def _hour_of(self, path: pathlib.Path) -> pathlib.Path:
        return self._events / f"{path.stem}.parquet"

    def _sessions_of(self, user: str) -> set[str]:
        """The sessions that became a user's since they were forgotten, by the spool and the files."""
        found = sessions_of(self._events, user)
        for path in self._spool.paths():
            sessions: set[str] = set()
            for record in read_spool(path):
                if record.get(FORGOTTEN) == user:
                    sessions.clear()
                elif (known := became(record)) and known[1] == user:
                    sessions.add(known[0])
            found |= sessions
        return found
