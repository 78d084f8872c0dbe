"""The strict reader: files to typed rows, and what can't be read to the quarantine.

A row is never dropped and never repaired: it is read exactly, or it is quarantined with its file, its
physical line, the value and the reason. What is wrong with a whole file ends in an `InputError`.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from aisle.components.example_gen.csv_file import read_csv_batch
from aisle.components.example_gen.discovery import table_files, unreadable
from aisle.components.example_gen.parquet_file import read_parquet_file
from aisle.components.example_gen.shard import Header, Shard, check_columns
from aisle.components.storage import open_file
from aisle.components.tables import PROVENANCE_SCHEMA, QUARANTINE_SCHEMA
from aisle.schema.errors import InputError
from aisle.schema.tables import Table

_PARQUET = ".parquet"
_BATCH_BYTES = 1 << 27
"""CSV files are parsed together up to this size: many small ones cost no more than one large one."""


@dataclasses.dataclass(frozen=True)
class ReadResult:
    """What was read of a table.

    Attributes:
        rows: the rows that could be read, flat and typed (`values.ARROW_TYPES`).
        provenance: where each of them came from (`tables.PROVENANCE_SCHEMA`).
        quarantine: the rows that could not (`tables.QUARANTINE_SCHEMA`).
        read: how many rows there were: those of `rows` and those of `quarantine`.
    """

    rows: pa.Table
    provenance: pa.Table
    quarantine: pa.Table
    read: int


def read_table(folder: str, table: Table) -> ReadResult:
    """Reads all files of a table.

    Args:
        folder: the data folder, local or remote.
        table: which table.

    Raises:
        InputError: a file can't be read, has no rows, lacks a required column, or has another header
            than the files before it.
    """
    shards = list(_read_shards(folder, table_files(folder, table), table))
    rows = _concat([shard.rows for shard in shards])
    provenance = pa.concat_tables([shard.provenance for shard in shards]).cast(PROVENANCE_SCHEMA)
    quarantine = pa.concat_tables([shard.quarantine for shard in shards]).cast(QUARANTINE_SCHEMA)
    read = rows.num_rows + quarantine.num_rows
    if read == 0:
        raise InputError(f"no data: the table {table.name} in {folder} has no rows")
    return ReadResult(rows, provenance, quarantine, read)


def _read_shards(folder: str, paths: Sequence[str], table: Table) -> Iterator[Shard]:
    """Reads files in their order, neighbouring CSV files together."""
    first: Header | None = None
    for batch in _batches(folder, paths, table):
        if batch[0][0].endswith(_PARQUET):
            shard = read_parquet_file(*batch[0], table)
            first = check_columns(batch[0][0], shard.rows.column_names, table, first)
        else:
            shard, first = read_csv_batch(batch, table, first)
        yield shard


def _batches(folder: str, paths: Sequence[str], table: Table) -> Iterator[list[tuple[str, bytes]]]:
    """Yields the names and contents of files: a Parquet file alone, CSV files up to a size."""
    batch: list[tuple[str, bytes]] = []
    for path in paths:
        name, content = os.path.relpath(path, folder), _content(path)
        if not content:
            raise InputError(f"no data: {name} of the table {table.name} is empty (0 bytes); mend it")
        size = sum(len(held) for _, held in batch)
        if batch and (name.endswith(_PARQUET) or batch[0][0].endswith(_PARQUET) or size >= _BATCH_BYTES):
            yield batch
            batch = []
        batch.append((name, content))
    if batch:
        yield batch


def _content(path: str) -> bytes:
    """Reads a file whole, decompressed.

    Raises:
        InputError: it can't be read, or its compression is broken.
    """
    try:
        with open_file(path) as file:
            content = bytes(file.read())
        for suffix, codec in ((".gz", "gzip"), (".zst", "zstd")):
            if path.endswith(suffix) and content:
                with pa.CompressedInputStream(pa.BufferReader(content), codec) as stream:
                    content = stream.read()
    except OSError as error:  # Arrow's codecs raise it too.
        raise unreadable(path, error) from error
    return content


def _concat(tables: Sequence[pa.Table]) -> pa.Table:
    """Puts tables of the same columns together; an extra column whose type differs becomes text."""
    names = tables[0].column_names
    types = {name: {table.schema.field(name).type for table in tables} for name in names}
    alike = {name: kinds.pop() if len(kinds) == 1 else pa.string() for name, kinds in types.items()}
    schema = pa.schema(list(alike.items()))
    return pa.concat_tables([_cast(table.select(names), schema) for table in tables])


def _cast(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = (pc.cast(table.column(field.name), field.type) for field in schema)
    return pa.Table.from_arrays(list(columns), schema=schema)
