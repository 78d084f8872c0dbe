"""How a user is taken out of what came and was no event: messages as they came, a line each, in `refused/DAY.jsonl`.

A message that was refused is of no form that can be relied on. So whatever names a user goes, but for what is said of an item
or of how many: a quantity is no id. Of a batch that can be read the rest stays.
"""

from __future__ import annotations

import json
import pathlib
import re
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from aisle.schema.tables import EVENTS
from aisle.schema.whole_files import whole_file

FOLDER = "refused"
WRITING = threading.Lock()
"""Held by who writes to such a file: the folder is one process's alone, which keeps what is refused while it forgets."""
OF_OTHERS = frozenset(column.name for column in EVENTS.columns) - {
    "user_id",
    "session_id",
    "event_id",
    "request_id",
}
"""Columns of an event that name nobody, though a number in them may be the same as an id's."""
TAKEN_OUT = "what was wrong was said of a user who was forgotten since"
"""A reason that named them."""


def take_out_of_refused(folder: pathlib.Path, user: str, sessions: Sequence[str]) -> None:
    """Rewrites those of a folder's files that name a user, each at once: a crash leaves the old one or the new one.

    Args:
        folder: of the files; it may be missing.
        user: whom nothing names any more.
        sessions: that became theirs.

    Raises:
        OSError: the disk doesn't take a file; the others may be rewritten.
    """
    named = _Named((user, *sessions))
    for path in sorted(folder.glob("*.jsonl")):
        with WRITING:
            if any(left != line for line, left in _lines(path, named)):
                _rewrite(path, named)


class _Named:
    """Whether values and texts name any of some ids."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = frozenset(ids)
        # As they are, and as JSON has them, which a text that is no JSON may hold, too.
        spelled = sorted({form for one in ids for form in (one, json.dumps(one)[1:-1])})
        self._whole = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, spelled))})(?!\w)")

    def in_text(self, text: str) -> bool:
        """As a whole: `ann` isn't named by `annual`."""
        return self._whole.search(text) is not None

    def in_value(self, value: Any) -> bool:
        """As a value of what was read, at whichever depth and by any name but `OF_OTHERS`; a number names whom its digits do."""
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if isinstance(one, dict):
                waiting += [*one.keys(), *(of for name, of in one.items() if name not in OF_OTHERS)]
            elif isinstance(one, list):
                waiting += one
            elif not isinstance(one, bool) and str(one) in self._ids:
                return True
        return False


def _lines(path: pathlib.Path, named: _Named) -> Iterator[tuple[bytes, bytes]]:
    """Each line, and what is left of it; what a crash left half-written at the end was told to nobody."""
    with path.open("rb") as file:
        for line in file:
            yield line, _left(line, named) if line.endswith(b"\n") else b""


def _left(line: bytes, named: _Named) -> bytes:
    """A record's line without what names them; nothing of a message that is of nobody else."""
    try:
        record = json.loads(line)
    except ValueError:  # A crash left half of one before it.
        return b"" if named.in_text(line.decode(errors="replace")) else line
    reason = TAKEN_OUT if named.in_text(record["reason"]) else record["reason"]
    message = _message_left(record["message"], named)
    if message is None:
        return b""
    if (reason, message) == (record["reason"], record["message"]):
        return line
    return json.dumps({**record, "reason": reason, "message": message}).encode() + b"\n"


def _message_left(message: str, named: _Named) -> str | None:
    """A message without what names them; None where nothing is left."""
    try:
        read = json.loads(message)
    except (ValueError, RecursionError):
        return None if named.in_text(message) else message
    if not isinstance(read, list):
        return None if named.in_value(read) else message
    others = [one for one in read if not named.in_value(one)]
    if len(others) == len(read):
        return message
    return json.dumps(others) if others else None


def _rewrite(path: pathlib.Path, named: _Named) -> None:
    with whole_file(path, through=True) as partial:
        with partial.open("wb") as file:
            file.writelines(left for _, left in _lines(path, named))
        empty = not partial.stat().st_size
    if empty:
        path.unlink()
