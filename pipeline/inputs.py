"""What a run reads: its tables, checked and fingerprinted before anything slow is imported."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aisle.components.cleaner.keeping import keeping
from aisle.components.example_gen.cells.rows import SKIPPED_ROWS
from aisle.components.example_gen.discovery import USUAL, find_tables, fingerprint, has_ending, require_told
from aisle.components.example_gen.options import TableReading
from aisle.components.example_gen.proposal.forms import how_to_read
from aisle.components.example_gen.reader import read_shards, table_columns
from aisle.components.example_gen.shard import Note, Shard, merged
from aisle.components.pictures.gathered import IMAGE
from aisle.components.storage import exists, is_remote, open_file
from aisle.schema.errors import InputError
from aisle.schema.tables import ITEMS, TABLE_BY_NAME, Table

COMPILED = "compiled"
"""Stands for the fingerprint where the files can't be seen."""
FIRST_BYTES = 1 << 18
"""Of a table, which are read before anything slow is imported."""
FEW = 0.1
"""Of the first rows: where fewer are lost for a column, the gate is left to judge it."""

_UNSEEN = (
    "pictures: the items name some, and no model sees them: pip install 'aisle[images]' has them read, --set pictures.use=never "
    "says that they are not to be"
)


def fingerprint_tables(
    data: str, names: str, readings: Mapping[str, TableReading] | None = None, taught: bool = False
) -> dict[str, str]:
    """Finds a data folder's tables and fingerprints their content.

    Args:
        data: the folder.
        names: comma-separated names of the tables to use; `auto` takes all there are.
        readings: how each table is read, by name.
        taught: whether the run begins with another shop's, so that items will do.

    Returns:
        The fingerprint of each table, by name.

    Raises:
        InputError: a table that must be there is missing, a file can't be read, or none of its first rows.
    """
    tables = _chosen(find_tables(data, readings), names)
    if not taught:
        require_told(data, tables)
    for paths in tables.values():
        for path in paths:
            if has_ending(path, ".parquet"):
                _check_parquet(path)
    for table in tables:
        check_first_rows(data, TABLE_BY_NAME[table], (readings or {}).get(table, USUAL))
    return {table: fingerprint(paths) for table, paths in tables.items()}


def check_first_rows(data: str, table: Table, reading: TableReading) -> None:
    """Reads a table's first rows as the run will, so that a form that the settings must name is told of at once.

    Raises:
        InputError: a column has no cell that can be read, or a file can't be.
    """
    shards = list[Shard]()
    for shard in read_shards(data, table, FIRST_BYTES, reading):
        shards.append(shard)
        if shard.rows.num_rows or shard.quarantine.num_rows:
            break
    else:
        raise InputError(_all_skipped(table, merged(note for shard in shards for note in shard.notes)))
    if not shard.quarantine.num_rows:
        return
    lost = shard.quarantine.filter(pc.is_valid(shard.quarantine["column"]))
    total = shard.rows.num_rows + shard.quarantine.num_rows
    if not shard.rows.num_rows and not lost.num_rows:
        raise InputError(_none_read(shard.quarantine, total))
    for column in pc.unique(lost["column"]).to_pylist():
        wrong = lost.filter(pc.equal(lost["column"], column))
        # A few cells that can't be read are dirt, which the gate judges.
        if shard.rows[column].null_count < shard.rows.num_rows or wrong.num_rows < FEW * total:
            continue
        first = wrong.slice(0, 1).to_pylist()[0]
        cells = wrong["value"].drop_null().to_pylist()
        hint = f"; {how_to_read(table, column, cells)}" if cells else ""
        raise InputError(
            f"{first['file']}: {column} can't be read in {_any_of(total)}, such as {first['value']!r}: "
            f"{first['reason']}{hint}"
        )


def _none_read(lost: pa.Table, total: int) -> str:
    """What to say where no row can even be cut into cells."""
    first = lost.slice(0, 1).to_pylist()[0]
    found = f" ({first['value']})" if first["value"] else ""
    return (
        f"{first['file']}: {_none_of(total)} can be read; line {first['line']}: {first['reason']}{found}; "
        f"{keeping(first['table'], '', first['reason'])}"
    )


def _all_skipped(table: Table, notes: Iterable[Note]) -> str:
    skipped = max((note for note in notes if note.kind == SKIPPED_ROWS), key=lambda note: note.count)
    first = skipped.examples[0]
    return (
        f"{first['file']}: every row is skipped by reading.skip or the preset, most ({skipped.count:,}) "
        f"for what {skipped.column} holds; fill that column, or say by [reading.skip.{table.name}] what is no row of "
        f"{table.name}, and by [columns.{table.name}] what is"
    )


def _any_of(rows: int) -> str:
    return "the only row" if rows == 1 else f"any of the first {rows:,} rows"


def _none_of(rows: int) -> str:
    return "not even the only row" if rows == 1 else f"none of the first {rows:,} rows"


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
        with open_file(path) as file:
            pq.read_schema(file)
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


def pictures_to_read(data: str, use: str, reading: TableReading) -> str:
    """The fingerprint of the files below a data folder, for a run that reads pictures; "" for one that doesn't.

    Pictures that can't be read, since the encoder's package is not installed, are told of on stderr.

    Args:
        data: the folder.
        use: as `PictureOptions` has it.
        reading: how items are read.

    Raises:
        InputError: they are to be read always, and the package of the encoder is not installed.
    """
    if use == "never" or IMAGE not in table_columns(data, ITEMS, reading):
        return ""
    # Now alone: it imports TensorFlow.
    from aisle.model.images.efficientnet import PACKAGE, weights_file

    if use == "always":
        weights_file()
    elif importlib.util.find_spec(PACKAGE) is None:
        print(_UNSEEN, file=sys.stderr, flush=True)
        return ""
    return files_fingerprint(data)


def files_fingerprint(folder: str) -> str:
    """A hash of the names, sizes and times of all files below a local folder."""
    digest = hashlib.blake2b(digest_size=16)
    for path, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            at = os.path.join(path, name)
            told = os.stat(at, follow_symlinks=False)
            digest.update(f"{os.path.relpath(at, folder)}\0{told.st_size}\0{told.st_mtime_ns}\0".encode())
    return digest.hexdigest()
