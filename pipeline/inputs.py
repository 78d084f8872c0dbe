"""What a run reads: its tables, checked and fingerprinted before anything slow is imported."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from aisle.components.example_gen.discovery import find_tables, fingerprint
from aisle.components.storage import exists, is_remote
from aisle.schema.errors import InputError


def fingerprint_tables(data: str, names: str) -> dict[str, str]:
    """Finds a data folder's tables and fingerprints their content.

    Args:
        data: the folder.
        names: comma-separated names of the tables to use; `auto` takes all there are.

    Returns:
        The fingerprint of each table, by name.

    Raises:
        InputError: a table that must be there is missing, or a file can't be read.
    """
    tables = _chosen(find_tables(data), names)
    for paths in tables.values():
        for path in paths:
            if path.endswith(".parquet"):
                _check_parquet(path)
    return {table: fingerprint(paths) for table, paths in tables.items()}


def _chosen(found: Mapping[str, list[str]], names: str) -> dict[str, list[str]]:
    if names == "auto":
        return dict(found)
    chosen = [name.strip() for name in names.split(",")]
    for name in chosen:
        if name not in found:
            raise InputError(f"data.tables names {name!r}, but the data folder holds {', '.join(found)}")
    return {name: found[name] for name in chosen}


def _check_parquet(path: str) -> None:
    try:
        pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        first = str(error).splitlines()[0]
        raise InputError(f"the file {path} is not readable Parquet: {first}; export it again") from error


def check_schemas(folder: str, tables: Iterable[str]) -> None:
    """Checks that a folder of curated schemas has one for each table; "" names no folder.

    Raises:
        InputError: a table's schema is missing.
    """
    for table in tables if folder and not is_remote(folder) else ():
        path = schema_file(folder, table)
        if not exists(path):
            raise InputError(
                f"data.schema_dir={folder} has no {table}.pbtxt; "
                f"write it with: aisle schema infer DATA --schema {folder}"
            )


def schema_file(folder: str, table: str) -> str:
    """Returns the file of a table's curated schema."""
    return os.path.join(folder, f"{table}.pbtxt")


def schema_fingerprint(folder: str, table: str) -> str:
    """Returns the fingerprint of a table's curated schema; "" where it isn't on this machine."""
    path = schema_file(folder, table)
    return "" if is_remote(path) or not exists(path) else fingerprint([path])
