"""An append-only file of records for each hour: what `append` returned from survives a kill -9 and a power cut."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import os
import pathlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from aisle.schema.errors import AisleError
from aisle.schema.versions import sync_folder

SUFFIX = ".jsonl"
MAX_WAITING_BYTES = 64 << 20
"""Of records that wait for the disk; more are refused rather than fill the memory."""

Record = dict[str, Any]


class NotWritten(AisleError):
    """The disk doesn't take what was to be written; nothing of it was."""


class Spool:
    """Files `HOUR-….jsonl` of a folder; those who append at once share one write and one `fsync`."""

    def __init__(self, folder: pathlib.Path, now: Callable[[], datetime.datetime]) -> None:
        """Opens no file yet.

        Args:
            folder: that exists; nobody else writes to it.
            now: the time in UTC.
        """
        self._folder, self._now = folder, now
        self._path: pathlib.Path | None = None
        self._file = -1
        self._written = 0
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._waiting_bytes = 0
        self._writing: asyncio.Task[None] | None = None
        self._disk = asyncio.Lock()

    async def append(self, records: Sequence[Record]) -> None:
        """Writes records, and returns once the disk holds them.

        Raises:
            NotWritten: the disk is full, broken or too slow.
        """
        lines = b"".join(json.dumps(record).encode() + b"\n" for record in records)
        if self._waiting_bytes + len(lines) > MAX_WAITING_BYTES:
            raise NotWritten(
                f"{MAX_WAITING_BYTES >> 20} MB wait for the disk of {self._folder}; send less, or later"
            )
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((lines, done))
        self._waiting_bytes += len(lines)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        await done

    async def finished(self, everything: bool = False) -> list[pathlib.Path]:
        """The files that nothing is appended to any more, oldest first.

        Args:
            everything: ends the current hour's file, too.
        """
        async with self._disk:
            if self._path and (everything or not self._path.name.startswith(self._hour())):
                self._close()
            return [path for path in self.paths() if path != self._path]

    def paths(self) -> list[pathlib.Path]:
        """All files, oldest first."""
        return sorted(self._folder.glob(f"*{SUFFIX}"))

    async def close(self) -> None:
        """Writes what waits, and closes the file."""
        if self._writing:
            await self._writing
        self._close()

    async def _write_all(self) -> None:
        while self._waiting:
            async with self._disk:
                batch, self._waiting, self._waiting_bytes = self._waiting, [], 0
                failed: Exception | None = None
                try:
                    await asyncio.to_thread(self._write, b"".join(lines for lines, _ in batch))
                except OSError as error:
                    failed = NotWritten(
                        f"{self._folder} can't be written to: {error.strerror}; nothing was recorded"
                    )
            for _, done in batch:
                if not done.done():  # Whoever waited may have gone.
                    done.set_exception(failed) if failed else done.set_result(None)

    def _write(self, lines: bytes) -> None:
        if self._path is None or not self._path.name.startswith(self._hour()):
            self._open()
        try:
            left = memoryview(lines)
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
            self._written += len(lines)
        except OSError:
            # Half a record must not stand in the middle of a file, and a disk that failed once isn't trusted with the same.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._written)
            self._close()
            raise

    def _open(self) -> None:
        self._close()
        path = self._folder / f"{self._hour()}-{uuid.uuid4().hex[:8]}{SUFFIX}"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._path, self._written = path, 0
        sync_folder(self._folder)

    def _close(self) -> None:
        if self._path:
            os.close(self._file)
        self._path = None

    def _hour(self) -> str:
        return self._now().strftime("%Y-%m-%dT%H")


def read_spool(path: pathlib.Path) -> Iterator[Record]:
    """The records of a file; what a crash left half-written at its end was told to nobody, and is left out."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)
