"""Local files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import pathlib
import uuid
from collections.abc import Iterator

from aisle.schema.versions import sync_folder


@contextlib.contextmanager
def whole_file(path: pathlib.Path, *, through: bool = False) -> Iterator[pathlib.Path]:
    """Gives a hidden path beside `path` to write to; what is there at the end takes the file's place at once.

    Whoever reads `path` meanwhile, or after an error, finds what was there before.

    Args:
        path: of the file; its folder exists.
        through: has the disk hold all of it first, so that a power cut leaves the old file or the new one.

    Raises:
        OSError: as the system does.
    """
    partial = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        yield partial
        if through:
            with partial.open("rb") as file:
                os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    if through:
        sync_folder(path.parent)
