"""Which files hold which table of a data folder, and a hash of what is in them."""

from __future__ import annotations

import hashlib
import os

from aisle.components.storage import exists, is_folder, is_remote, list_folder, open_file
from aisle.schema.errors import InputError
from aisle.schema.tables import EVENTS, ITEMS, JUDGEMENTS, TABLES, Table

SUFFIXES = (".csv", ".csv.gz", ".csv.zst", ".parquet")
_HIDDEN = (".", "_")
"""Files so named are marks that other tools leave (`_SUCCESS`, `.DS_Store`), not data."""


def find_tables(folder: str) -> dict[str, list[str]]:
    """Finds the files of each table of a data folder.

    Args:
        folder: holds `NAME.csv`, `NAME.parquet` or `NAME/` for each table.

    Returns:
        The paths by table, in the order of `TABLES`; tables that aren't there are left out.

    Raises:
        InputError: the folder can't be used, or lacks a table that every run needs.
    """
    names = _names(folder)
    found = {table.name: _table_files(folder, table, names) for table in TABLES}
    present = {name: files for name, files in found.items() if files}
    expected = ", ".join(f"{table.name}.csv" for table in TABLES)
    held = ", ".join(names[:8]) + (", …" if len(names) > 8 else "") or "nothing"
    if not present:
        raise InputError(
            f"no table in {folder}: expected {expected} (or .parquet, or folders of them), found {held}"
        )
    if ITEMS.name not in present:
        raise InputError(
            f"the table items is missing in {folder}: expected items.csv, .parquet or items/, found {held}"
        )
    if EVENTS.name not in present and JUDGEMENTS.name not in present:
        raise InputError(
            f"neither events nor judgements in {folder}: there is nothing to learn from; "
            f"expected events.csv or judgements.csv (or .parquet, or a folder), found {held}"
        )
    return present


def table_files(folder: str, table: Table) -> list[str]:
    """Finds the files of one table, sorted by name.

    Raises:
        InputError: there are none, or what is there is not a file of a known kind.
    """
    files = _table_files(folder, table, _names(folder))
    if not files:
        raise InputError(
            f"the table {table.name} is missing in {folder}: expected {table.name}.csv, .parquet or a folder"
        )
    return files


def fingerprint(paths: list[str]) -> str:
    """Returns a hash of the names and the content of files, so that a changed table is read again.

    Raises:
        InputError: a file can't be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        digest.update(os.path.basename(path).encode() + b"\0")
        try:
            with open_file(path) as file:
                while block := file.read(1 << 22):
                    digest.update(block)
        except OSError as error:
            raise unreadable(path, error) from error
        digest.update(b"\0")
    return digest.hexdigest()


def unreadable(path: str, error: OSError) -> InputError:
    """Makes the error for a file that the system refuses to read."""
    return InputError(f"{path} can't be read: {error.strerror or error}")


def _names(folder: str) -> list[str]:
    if not exists(folder):
        raise InputError(f"the data folder {folder} does not exist")
    if not is_folder(folder):
        raise InputError(f"{folder} is a file; expected a folder that holds items.csv and events.csv")
    try:
        return list_folder(folder)
    except OSError as error:
        raise unreadable(folder, error) from error


def _table_files(folder: str, table: Table, names: list[str]) -> list[str]:
    candidates = [
        name for name in (table.name, *(table.name + suffix for suffix in SUFFIXES)) if name in names
    ]
    if len(candidates) > 1:
        raise InputError(
            f"the table {table.name} is there twice, as {' and '.join(candidates)}: keep one of them"
        )
    if not candidates:
        return []
    path = os.path.join(folder, candidates[0])
    if candidates[0] != table.name:
        return [_checked(folder, path)]
    if not is_folder(path):
        raise InputError(
            f"{path} is a file without a known ending; expected one of {', '.join(SUFFIXES)}, or a folder"
        )
    try:
        shards = [name for name in list_folder(path) if not name.startswith(_HIDDEN)]
    except OSError as error:
        raise unreadable(path, error) from error
    if not shards:
        raise InputError(f"no data: the folder {path} of the table {table.name} is empty")
    return [_checked(folder, os.path.join(path, name)) for name in shards]


def _checked(folder: str, path: str) -> str:
    if is_folder(path):
        raise InputError(f"{path} is a folder where a file was expected")
    if not path.endswith(SUFFIXES):
        raise InputError(f"{path} has no known ending: expected one of {', '.join(SUFFIXES)}")
    if not is_remote(path):
        root, real = os.path.realpath(folder), os.path.realpath(path)
        if os.path.commonpath([root, real]) != root:
            raise InputError(f"{path} is a link out of the data folder, to {real}; put the file itself there")
    return path
