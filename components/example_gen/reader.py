"""The strict reader: files to typed rows, and what can't be read to the quarantine.

A row is never dropped and never repaired: it is read exactly, or it is quarantined with its file, its
physical line, the value and the reason. What is wrong with a whole file ends in an `InputError`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc

from aisle.components.example_gen.csv_file import read_csv_batch
from aisle.components.example_gen.csv_pieces import PIECE_BYTES, Piece, read_pieces
from aisle.components.example_gen.discovery import table_files, unreadable
from aisle.components.example_gen.parquet_file import read_columns, read_parquet_file
from aisle.components.example_gen.shard import Shard, check_columns
from aisle.components.storage import open_file
from aisle.schema.errors import InputError
from aisle.schema.tables import Table

_PARQUET = ".parquet"
_CODECS = ((".gz", "gzip"), (".zst", "zstd"))


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


def read_table(folder: str, table: Table, piece_bytes: int = PIECE_BYTES) -> ReadResult:
    """Reads all files of a table.

    Args:
        folder: the data folder, local or remote.
        table: which table.
        piece_bytes: how much of a CSV file, or of many small ones, is held at a time, roughly.

    Raises:
        InputError: a file can't be read, has no rows, lacks a required column, or has another header
            than the files before it.
    """
    shards = list(read_shards(folder, table, piece_bytes))
    rows, provenance, quarantine = (
        pa.concat_tables([getattr(shard, field.name) for shard in shards])
        for field in dataclasses.fields(Shard)
    )
    return ReadResult(rows, provenance, quarantine, rows.num_rows + quarantine.num_rows)


def read_shards(folder: str, table: Table, piece_bytes: int = PIECE_BYTES) -> Iterator[Shard]:
    """Reads all files of a table piece by piece, so that memory follows the piece and not the table.

    Args:
        folder: the data folder, local or remote.
        table: which table.
        piece_bytes: how much of a CSV file, or of many small ones, is held at a time, roughly.

    Yields:
        The rows in the order of the files, all of one schema; there is at least one row, read or quarantined.

    Raises:
        InputError: as `read_table`.
    """
    paths = table_files(folder, table)
    names = [os.path.relpath(path, folder) for path in paths]
    types = _extra_types(names, paths, table)
    for shard in _read_files(names, paths, table, piece_bytes):
        yield dataclasses.replace(shard, rows=_cast(shard.rows, types))


def _read_files(
    names: Sequence[str], paths: Sequence[str], table: Table, piece_bytes: int
) -> Iterator[Shard]:
    """Reads files in their order, small neighbouring CSV files together."""
    headers: dict[str, tuple[str, ...]] = {}
    batch: list[Piece] = []
    for name, path in zip(names, paths, strict=True):
        with _opened(path) as file:
            if not path.endswith(_PARQUET):
                empty = True
                for piece in read_pieces(name, file, piece_bytes):
                    empty = False
                    batch.append(piece)
                    if sum(len(one.data) for one in batch) >= piece_bytes:
                        yield read_csv_batch(batch, table, headers)
                        batch = []
                if empty:
                    raise _empty(name, table)
                continue
            if batch:
                yield read_csv_batch(batch, table, headers)
                batch = []
            for shard in read_parquet_file(name, file, table):
                first = check_columns(name, shard.rows.column_names, table, next(iter(headers.items()), None))
                headers.setdefault(*first)
                yield dataclasses.replace(shard, rows=shard.rows.select(first[1]))
    if batch:
        yield read_csv_batch(batch, table, headers)


def _extra_types(names: Sequence[str], paths: Sequence[str], table: Table) -> dict[str, pa.DataType]:
    """The types of the extra columns of a table with Parquet files; text where the files' types differ."""
    found: dict[str, set[pa.DataType]] = {}
    for name, path in zip(names, paths, strict=True):
        if not path.endswith(_PARQUET):
            continue
        with _opened(path) as file:
            if not file.read(1):
                raise _empty(name, table)
            for column, type_ in read_columns(name, file, table).items():
                found.setdefault(column, set()).add(type_)
    all_parquet = all(path.endswith(_PARQUET) for path in paths)
    return {
        column: next(iter(types)) if len(types) == 1 and all_parquet else pa.string()
        for column, types in found.items()
        if table.column(column) is None
    }


@contextlib.contextmanager
def _opened(path: str) -> Iterator[IO[bytes]]:
    """Opens a file, decompressing what its name says is compressed.

    Raises:
        InputError: it can't be read, or its compression is broken.
    """
    codec = next((codec for suffix, codec in _CODECS if path.endswith(suffix)), None)
    try:
        with open_file(path) as file:
            if codec is None:
                yield file
            else:
                with pa.CompressedInputStream(file, codec) as stream:
                    yield stream
    except OSError as error:  # Arrow's codecs raise it too.
        raise unreadable(path, error) from error


def _empty(name: str, table: Table) -> InputError:
    return InputError(f"no data: {name} of the table {table.name} is empty (0 bytes); mend it")


def _cast(rows: pa.Table, types: dict[str, pa.DataType]) -> pa.Table:
    columns = {name: rows.column(name) for name in rows.column_names}
    return pa.table({name: pc.cast(column, types.get(name, column.type)) for name, column in columns.items()})
