"""What came and is no event: kept with its reason, a file a day, so that nothing is lost in silence."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Sequence

from aisle.gateway.files.refused import FOLDER, WRITING
from aisle.gateway.listening.source import Message
from aisle.gateway.spool import NotWritten
from aisle.schema.versions import sync_folder


class Refused:
    """Appends to `refused/DAY.jsonl` of the data folder: `place`, `at`, `reason`, `message`."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Makes no file yet; `folder` is the data folder."""
        self._folder = folder / FOLDER

    def keep(self, refused: Sequence[tuple[Message, str]]) -> None:
        """Keeps messages, each with why it was refused, and returns once the disk holds them.

        Raises:
            NotWritten: the disk doesn't take them; some may be there, and come again.
        """
        try:
            made = not self._folder.exists()
            self._folder.mkdir(parents=True, exist_ok=True)
            with WRITING:
                for message, reason in refused:
                    self._append(message, reason)
            if made:
                sync_folder(self._folder.parent)
        except OSError as error:
            raise NotWritten(f"{self._folder} can't be written to: {error.strerror}") from error

    def _append(self, message: Message, reason: str) -> None:
        came = message.body
        # What is no UTF-8 is kept as lone surrogates, by which its bytes can be told.
        text = came.decode(errors="surrogateescape") if isinstance(came, bytes) else json.dumps(came)
        at = message.at.isoformat()
        record = {"place": message.place, "at": at, "reason": reason, "message": text}
        with (self._folder / f"{at[:10]}.jsonl").open("ab") as file:
            file.write(json.dumps(record).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
