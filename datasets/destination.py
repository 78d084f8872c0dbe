"""The folder a data set is written into, and the refusal to mix it with another."""

from __future__ import annotations

import pathlib

from aisle.schema.errors import InputError
from aisle.schema.tables import TABLES

Counts = dict[str, int]
"""Rows written, by the table's name."""


def new_folder(dest: pathlib.Path) -> pathlib.Path:
    """Makes `dest` if need be and returns it; files in it that are no tables are left alone.

    Raises:
        InputError: if `dest` already holds a table, or can't be made.
    """
    if dest.exists() and not dest.is_dir():
        raise InputError(f"{dest} is a file; expected a folder to write the tables into")
    for table in TABLES:
        for name in (table.name, f"{table.name}.csv", f"{table.name}.parquet"):
            if (dest / name).exists():
                raise InputError(f"{dest} already holds {name}; choose another folder or remove it first")
    try:
        dest.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"can't make the folder {dest}: {error.strerror}; choose another folder") from error
    return dest
