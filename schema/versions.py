"""How the folders of a served model's versions are named, and the lock that whoever changes them holds.

A version's folder is named by its number alone. What is being pushed, withdrawn or removed begins with a
dot, so that neither TF Serving nor the embedded server takes it for a version.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
from collections.abc import Iterable, Iterator

SAVED_MODEL = "saved_model.pb"
"""The file that makes a folder a model."""

PUSHING = ".pushing-"
"""Begins the name of a folder being copied to."""

WITHDRAWN = ".withdrawn-"
"""Before the number of a version that was rolled back."""

REMOVING = ".removing-"
"""Before the number of a version being deleted."""


def version_number(name: str, prefix: str = "") -> int | None:
    """The number that a folder's name is, behind the prefix; None where it is something else."""
    number = name[len(prefix) :] if name.startswith(prefix) else ""
    # isdecimal alone would let through other scripts' digits, and int() reads them too.
    return int(number) if number.isascii() and number.isdecimal() else None


def next_version(names: Iterable[str], now: float) -> int:
    """The seconds of `now`, or one above the highest version, served or not, among the folder's names."""
    existing = [
        number
        for name in names
        for prefix in ("", WITHDRAWN, REMOVING)
        if (number := version_number(name, prefix)) is not None
    ]
    return max([int(now), *(number + 1 for number in existing)])


@contextlib.contextmanager
def only_writer(base: pathlib.Path) -> Iterator[None]:
    """Waits until nobody else changes the versions below `base`, a local folder that exists.

    The system frees the lock however the process ends.
    """
    with open(base.parent / f".{base.name}.lock", "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def sync_folder(folder: pathlib.Path) -> None:
    """Has the disk hold the folder's names, as `os.fsync` has it hold a file's bytes."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
