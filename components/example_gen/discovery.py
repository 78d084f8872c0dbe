"""Finds a data folder's tables and fingerprints their content."""

from __future__ import annotations

import hashlib
import os
import pathlib
from collections.abc import Sequence

from aisle.schema.errors import InputError
from aisle.schema.tables import TABLES

SUFFIXES = (".csv", ".parquet")


def find_tables(folder: str) -> dict[str, list[str]]:
    """Returns the files of each table that a data folder holds, in the tables' order.

    Args:
        folder: holds `NAME.csv`, `NAME.parquet` or a folder `NAME/` of such files.

    Raises:
        InputError: no such folder, no table, no items, or neither events nor judgements.
    """
    root = pathlib.Path(folder)
    if not root.is_dir():
        raise InputError(f"the data folder {folder} does not exist; give a folder with items.csv and events.csv")
    found = {table.name: table_files(folder, table.name) for table in TABLES}
    found = {name: files for name, files in found.items() if files}
    if not found:
        there = ", ".join(sorted(entry.name for entry in root.iterdir())[:5]) or "nothing"
        raise InputError(
            f"the data folder {folder} holds no table (found: {there}); expected items and events or judgements, "
            "each as NAME.csv, NAME.parquet or a folder NAME/ of such files"
        )
    if "items" not in found:
        raise InputError(f"the table items is missing in {folder} (found: {', '.join(found)}); add items.csv")
    if not {"events", "judgements"} & set(found):
        raise InputError(f"{folder} has neither events nor judgements to learn from; add events.csv or judgements.csv")
    return found


def table_files(folder: str, name: str) -> list[str]:
    """The files of one table, sorted; none where it is absent.

    Raises:
        InputError: the table is there twice, as a file and as a folder.
    """
    root = pathlib.Path(folder)
    files = [root / f"{name}{suffix}" for suffix in SUFFIXES if (root / f"{name}{suffix}").exists()]
    shards = sorted(path for path in (root / name).glob("*") if path.suffix in SUFFIXES) if (root / name).is_dir() else []
    if len(files) + bool(shards) > 1:
        raise InputError(f"the table {name} is in {folder} more than once; keep one of file and folder")
    return [str(path) for path in files or shards]


def fingerprint(paths: Sequence[str]) -> str:
    """Returns a hash of files' names and contents.

    Raises:
        InputError: a file can't be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        digest.update(os.path.basename(path).encode())
        try:
            with open(path, "rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        except OSError as error:
            raise InputError(f"the file {path} can't be read: {error.strerror}; check its type and permissions") from error
    return digest.hexdigest()
