"""Which files hold which table of a data folder, and a hash of what is in them."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import urllib.parse
from collections.abc import Collection, Mapping

from aisle.components.example_gen.options import TableReading
from aisle.components.storage import exists, is_folder, is_remote, list_folder, open_file
from aisle.schema.errors import InputError
from aisle.schema.tables import EVENTS, ITEMS, JUDGEMENTS, TABLES, Table

FORMATS = (".csv", ".tsv", ".xml")
"""Of text; each may be compressed."""
SUFFIXES = (*(text + packed for text in FORMATS for packed in ("", ".gz", ".zst")), ".parquet")
SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".ods", ".numbers")
"""What people take for tables, and no reader of ours opens."""
IS_A_SPREADSHEET = "is a spreadsheet: save its sheet as CSV in UTF-8"
"""How that is mended."""
_HIDDEN = (".", "_")
"""Files so named are marks that other tools leave (`_SUCCESS`, `.DS_Store`), not data."""
_LITTER = ("thumbs.db", "desktop.ini", "*.crc", "*_$folder$")
"""And so are these."""
USUAL = TableReading()


def find_tables(folder: str, readings: Mapping[str, TableReading] | None = None) -> dict[str, list[str]]:
    """Finds the files of each table of a data folder.

    Args:
        folder: holds `NAME.csv`, `NAME.parquet` or `NAME/` for each table, or what `readings` says.
        readings: how each table is read, by name.

    Returns:
        The paths by table, in the order of `TABLES`; tables that aren't there are left out.

    Raises:
        InputError: the folder can't be used, or there are no items.
    """
    names = _names(folder)
    told = readings or {}
    found = {table.name: _table_files(folder, table, names, told.get(table.name, USUAL)) for table in TABLES}
    present = {name: files for name, files in found.items() if files}
    expected = ", ".join(f"{table.name}.csv" for table in TABLES)
    held = ", ".join(names[:8]) + (", …" if len(names) > 8 else "") or "nothing"
    if sheets := [name for name in names if has_ending(name, *SPREADSHEETS)]:
        held += f"; {sheets[0]} {IS_A_SPREADSHEET}"
    if not present:
        raise InputError(
            f"no table in {folder}: expected {expected} (or .parquet, or folders of them), found {held}; "
            f"`aisle init {folder}` looks which files may be which"
        )
    if ITEMS.name not in present:
        raise InputError(
            f"the table items is missing in {folder}: expected items.csv, .parquet or items/, found {held}"
        )
    return present


def require_told(folder: str, tables: Collection[str]) -> None:
    """Refuses a shop of which nothing is told but what it has.

    Args:
        folder: of the data.
        tables: the names of those that are used.

    Raises:
        InputError: neither events nor judgements are among them.
    """
    if EVENTS.name not in tables and JUDGEMENTS.name not in tables:
        raise InputError(
            f"neither events nor judgements in {folder}: there is nothing to learn from; expected events.csv or "
            f"judgements.csv (or .parquet, or a folder), found {', '.join(tables)}; or begin with what another shop has "
            f"learnt: aisle run {folder} --from OTHER/out"
        )


def holds(folder: str, table: Table, reading: TableReading = USUAL) -> bool:
    """Whether a data folder has a file of a table; a folder of its name that is empty is none.

    Raises:
        InputError: the folder can't be used, or what is there is not a file of a known kind.
    """
    names = [
        name for name in _names(folder) if name != table.name or not _is_empty(os.path.join(folder, name))
    ]
    return bool(_table_files(folder, table, names, reading))


def find_entries(folder: str) -> list[str]:
    """The names of what a data folder holds, without what other tools leave.

    Raises:
        InputError: the folder can't be used.
    """
    return [name for name in _names(folder) if not _is_litter(name)]


def table_files(folder: str, table: Table, reading: TableReading = USUAL) -> list[str]:
    """Finds the files of one table, sorted by name.

    Raises:
        InputError: there are none, or what is there is not a file of a known kind.
    """
    files = _table_files(folder, table, _names(folder), reading)
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
        digest.update("/".join((*_hive_parts(path), os.path.basename(path))).encode() + b"\0")
        try:
            with open_file(path) as file:
                while block := file.read(1 << 22):
                    digest.update(block)
        except OSError as error:
            raise unreadable(path, error) from error
        digest.update(b"\0")
    return digest.hexdigest()


def has_ending(path: str, *endings: str) -> bool:
    """Whether a file's name ends so, in capitals or not."""
    return path.casefold().endswith(endings)


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


def partitions(path: str) -> dict[str, str]:
    """What the folders of a file say of its rows, as Hive and Spark name them: `country=DE`."""
    pairs = (part.partition("=") for part in _hive_parts(path))
    return {key: urllib.parse.unquote(value) for key, _, value in pairs}


def _hive_parts(path: str) -> list[str]:
    """The folders right above a file that are called KEY=VALUE."""
    parts: list[str] = []
    for part in reversed(path.split("/")[:-1]):
        if "=" not in part:
            break
        parts.insert(0, part)
    return parts


def _table_files(folder: str, table: Table, names: list[str], reading: TableReading) -> list[str]:
    if reading.files:
        return _files_of_patterns(folder, table, names, reading.files)
    wanted = (table.name, *(table.name + suffix for suffix in SUFFIXES))
    candidates = [name for name in names if name == table.name or name.casefold() in wanted[1:]]
    if len(candidates) > 1 and table.name in candidates and _is_empty(os.path.join(folder, table.name)):
        # A gateway writes to it once it is told something.
        candidates.remove(table.name)
    if len(candidates) > 1:
        raise InputError(
            f"the table {table.name} is there twice, as {' and '.join(candidates)}: keep one of them"
        )
    if not candidates:
        usual = [name for pattern in reading.usual_files for name in _matching(names, pattern)]
        return [path for name in dict.fromkeys(usual) for path in _files_of(folder, table, name)]
    if candidates[0] == table.name and not is_folder(os.path.join(folder, table.name)):
        raise InputError(
            f"{os.path.join(folder, table.name)} is a file without a known ending; "
            f"expected one of {', '.join(SUFFIXES)}, or a folder"
        )
    if candidates[0] != table.name:
        return [_checked(folder, os.path.join(folder, candidates[0]))]
    return _files_of(folder, table, candidates[0])


def _files_of_patterns(folder: str, table: Table, names: list[str], patterns: tuple[str, ...]) -> list[str]:
    found: dict[str, None] = {}
    for pattern in patterns:
        matching = _matching(names, pattern)
        if not matching:
            raise InputError(
                f"reading.files says that {pattern} holds the table {table.name}, and {folder} holds "
                f"{', '.join(names[:8]) or 'nothing'}{', …' if len(names) > 8 else ''}"
            )
        found.update(dict.fromkeys(matching))
    return [path for name in found for path in _files_of(folder, table, name)]


def _matching(names: list[str], pattern: str) -> list[str]:
    return [name for name in names if fnmatch.fnmatchcase(name, pattern.rstrip("/")) and not _is_litter(name)]


def _files_of(folder: str, table: Table, name: str) -> list[str]:
    """The file of that name, or the files of the folder of that name."""
    path = os.path.join(folder, name)
    if not is_folder(path):
        return [_checked(folder, path)]
    files = _shards(path)
    if not files:
        raise InputError(f"no data: the folder {path} of the table {table.name} is empty")
    return [_checked(folder, file) for file in files]


def _is_empty(path: str) -> bool:
    return is_folder(path) and not _shards(path)


def _shards(path: str) -> list[str]:
    """The files of a folder, and of those in it that are called KEY=VALUE."""
    try:
        names = [name for name in list_folder(path) if not _is_litter(name)]
    except OSError as error:
        raise unreadable(path, error) from error
    files: list[str] = []
    for name in names:
        inner = os.path.join(path, name)
        files += _shards(inner) if "=" in name and is_folder(inner) else [inner]
    return files


def _is_litter(name: str) -> bool:
    return name.startswith(_HIDDEN) or any(fnmatch.fnmatchcase(name.casefold(), mark) for mark in _LITTER)


def _checked(folder: str, path: str) -> str:
    if is_folder(path):
        raise InputError(f"{path} is a folder where a file was expected")
    if not has_ending(path, *SUFFIXES):
        raise InputError(f"{path} has no known ending: expected one of {', '.join(SUFFIXES)}")
    if not is_remote(path):
        root, real = os.path.realpath(folder), os.path.realpath(path)
        if os.path.commonpath([root, real]) != root:
            raise InputError(f"{path} is a link out of the data folder, to {real}; put the file itself there")
    return path
