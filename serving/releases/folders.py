"""The version folders of a served model, and what can be known of them without loading one."""

from __future__ import annotations

import pathlib

from aisle.schema.errors import InputError
from aisle.schema.versions import SAVED_MODEL, version_number


def numbered_folders(base: pathlib.Path, prefix: str = "") -> dict[int, pathlib.Path]:
    """The folders below `base` that are named by a number behind the prefix, by number, ascending."""
    if not base.is_dir():
        return {}
    numbers = [(version_number(entry.name, prefix), entry) for entry in base.iterdir()]
    return dict(sorted((number, entry) for number, entry in numbers if number is not None))


def version_folders(base: pathlib.Path) -> dict[int, pathlib.Path]:
    """Those of `numbered_folders` that hold a SavedModel."""
    folders = numbered_folders(base)
    return {number: entry for number, entry in folders.items() if (entry / SAVED_MODEL).is_file()}


def require_version(base: pathlib.Path) -> dict[int, pathlib.Path]:
    """`version_folders`, of which there must be one.

    Raises:
        InputError: `base` holds no version.
    """
    folders = version_folders(base)
    if not folders:
        raise InputError(
            f"no model version in {base}; expected folders such as {base}/1 with a {SAVED_MODEL}: "
            "run `aisle run DATA --out DIR` first, or name a run's folder by --out"
        )
    return folders
