"""The strict reader: files to typed rows, and what can't be read to the quarantine.

A row is never dropped and never repaired: it is read exactly, or it is quarantined with its file, its
physical line, the value and the reason. What is wrong with a whole file ends in an `InputError`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc

from aisle.components.example_gen.cells.rows import RowRules
from aisle.components.example_gen.csv_tables.encoding import recoded
from aisle.components.example_gen.csv_tables.file import read_csv_batch
from aisle.components.example_gen.csv_tables.header import read_header
from aisle.components.example_gen.csv_tables.pieces import PIECE_BYTES, Piece, read_pieces
from aisle.components.example_gen.discovery import USUAL, has_ending, partitions, table_files, unreadable
from aisle.components.example_gen.header_names import is_unnamed
from aisle.components.example_gen.layout import Layout, agreed_columns, lay_out, wanted_headers
from aisle.components.example_gen.options import TableReading
from aisle.components.example_gen.parquet_file import read_columns, read_parquet_file
from aisle.components.example_gen.shard import Note, Shard, merged
from aisle.components.example_gen.xml_file import read_fields, read_xml_file
from aisle.components.storage import open_file
from aisle.schema.errors import InputError
from aisle.schema.tables import Table

EMPTY_FILE = "EMPTY_FILE"
BLANK_IN_HEADER = "BLANK_IN_HEADER"
HEADER_SPELLING = "HEADER_SPELLING"
LIKELY_COLUMN = "LIKELY_COLUMN"
UNNAMED_COLUMN = "UNNAMED_COLUMN"

_PARQUET = ".parquet"
_XML_NAMES = (".xml", ".xml.gz", ".xml.zst")
_CODECS = ((".gz", "gzip"), (".zst", "zstd"))


@dataclasses.dataclass(frozen=True)
class ReadResult:
    """What was read of a table.

    Attributes:
        rows: the rows that could be read, flat and typed (`values.ARROW_TYPES`).
        provenance: where each of them came from (`tables.PROVENANCE_SCHEMA`).
        quarantine: the rows that could not (`tables.QUARANTINE_SCHEMA`).
        read: how many rows there were: those of `rows` and those of `quarantine`.
        notes: what was done to cells and files that lost no row, and rows that the settings skip.
    """

    rows: pa.Table
    provenance: pa.Table
    quarantine: pa.Table
    read: int
    notes: tuple[Note, ...] = ()


def read_table(
    folder: str, table: Table, piece_bytes: int = PIECE_BYTES, reading: TableReading = USUAL
) -> ReadResult:
    """Reads all files of a table.

    Args:
        folder: the data folder, local or remote.
        table: which table.
        piece_bytes: how much of a CSV file, or of many small ones, is held at a time, roughly.
        reading: the shop's own names, values and forms.

    Raises:
        InputError: a file can't be read, lacks a required column, or has another header than the files before it;
            or no file has a row.
    """
    shards = list(read_shards(folder, table, piece_bytes, reading))
    rows, provenance, quarantine = (
        pa.concat_tables([getattr(shard, part) for shard in shards])
        for part in ("rows", "provenance", "quarantine")
    )
    notes = merged(note for shard in shards for note in shard.notes)
    return ReadResult(rows, provenance, quarantine, rows.num_rows + quarantine.num_rows, tuple(notes))


def read_shards(
    folder: str, table: Table, piece_bytes: int = PIECE_BYTES, reading: TableReading = USUAL
) -> Iterator[Shard]:
    """Reads all files of a table piece by piece, so that memory follows the piece and not the table.

    Args:
        folder: the data folder, local or remote.
        table: which table.
        piece_bytes: how much of a CSV file, or of many small ones, is held at a time, roughly.
        reading: the shop's own names, values and forms.

    Yields:
        The rows in the order of the files, all of one schema; there is at least one row, read, quarantined or skipped. The
        first shard's notes are also those on the files as such.

    Raises:
        InputError: as `read_table`.
    """
    paths = table_files(folder, table, reading)
    layouts = {path: _layout(os.path.relpath(path, folder), path, table, reading) for path in paths}
    columns = agreed_columns(list(layouts.values()), table, reading)
    types = _extra_types(list(layouts.values()), table)
    notes = tuple(merged(note for layout in layouts.values() for note in _file_notes(layout)))
    if all(layout.empty for layout in layouts.values()):
        first = next(iter(layouts.values())).name
        raise InputError(
            f"no data: {first} of the table {table.name} holds a header and no row; remove or mend it"
        )
    for shard in _read_files(layouts, table, columns, reading, piece_bytes):
        yield dataclasses.replace(shard, rows=_cast(shard.rows, types), notes=(*notes, *shard.notes))
        notes = ()


def table_columns(folder: str, table: Table, reading: TableReading = USUAL) -> tuple[str, ...]:
    """Reads which columns a table has, by the headers of its files.

    Raises:
        InputError: as `read_table`, of headers.
    """
    paths = table_files(folder, table, reading)
    layouts = [_layout(os.path.relpath(path, folder), path, table, reading) for path in paths]
    return agreed_columns(layouts, table, reading)


def _read_files(
    layouts: Mapping[str, Layout],
    table: Table,
    columns: Sequence[str],
    reading: TableReading,
    piece_bytes: int,
) -> Iterator[Shard]:
    """Reads files in their order, small neighbouring CSV files together."""
    by_name = {layout.name: layout for layout in layouts.values()}
    rules, batch = RowRules(reading), list[Piece]()

    def held() -> Iterator[Shard]:
        if batch:
            yield read_csv_batch(batch, table, by_name, columns, reading, rules)
            batch.clear()

    for path, layout in layouts.items():
        if layout.empty:
            continue
        with _opened(path) as file:
            if _is_csv(path):
                text = recoded(layout.name, file, layout.encoding) if layout.encoding else file
                for piece in read_pieces(layout.name, text, piece_bytes, layout.separator):
                    batch.append(piece)
                    if sum(len(one.data) for one in batch) >= piece_bytes:
                        yield from held()
                continue
            yield from held()
            read = read_parquet_file if has_ending(path, _PARQUET) else read_xml_file
            yield from read(layout, file, table, columns, reading, rules)
    yield from held()


def _layout(name: str, path: str, table: Table, reading: TableReading) -> Layout:
    """Reads a file's header, and lays it out."""
    folders = partitions(name)
    with _opened(path) as file:
        if _is_csv(path):
            header = read_header(name, file, reading.encoding)
            if header is None:
                raise _no_bytes(name, table)
            written, separator, empty, encoding = header
            layout = lay_out(name, written, table, reading, partitions=folders)
            return dataclasses.replace(layout, separator=separator, empty=empty, encoding=encoding)
        if not has_ending(path, _PARQUET):
            fields = read_fields(name, file)
            return dataclasses.replace(
                lay_out(name, fields, table, reading, partitions=folders), empty=not fields
            )
        if not file.read(1):
            raise _no_bytes(name, table)
        columns, count = read_columns(name, file, table, wanted_headers(reading))
        layout = lay_out(name, tuple(columns), table, reading, partitions=folders, types=columns)
        return dataclasses.replace(layout, empty=count == 0)


def _is_csv(path: str) -> bool:
    return not has_ending(path, _PARQUET) and not has_ending(path, *_XML_NAMES)


def _file_notes(layout: Layout) -> Iterator[Note]:
    if layout.empty:
        yield Note(EMPTY_FILE, "", 1, ({"file": layout.name, "line": 1, "value": "no row"},))
    for written, header in zip(layout.written, layout.header, strict=True):
        kind = UNNAMED_COLUMN if is_unnamed(header) else BLANK_IN_HEADER if written != header else ""
        if kind:
            yield Note(kind, "", 1, ({"file": layout.name, "line": 1, "value": ascii(written)},))
    for column, header in layout.likely.items():
        yield Note(LIKELY_COLUMN, column, 1, ({"file": layout.name, "line": 1, "value": header},))
    for column in layout.respelled:
        yield Note(
            HEADER_SPELLING, "", 1, ({"file": layout.name, "line": 1, "value": layout.picked[column][0]},)
        )


def _extra_types(layouts: Sequence[Layout], table: Table) -> dict[str, pa.DataType]:
    """The types of the extra columns of a table with Parquet files; text where the files' types differ."""
    found: dict[str, set[pa.DataType]] = {}
    for layout in layouts:
        for column in layout.columns:
            if table.column(column) is None:
                found.setdefault(column, set()).add(layout.types.get(column, pa.string()))
    return {column: next(iter(types)) if len(types) == 1 else pa.string() for column, types in found.items()}


@contextlib.contextmanager
def _opened(path: str) -> Iterator[IO[bytes]]:
    """Opens a file, decompressing what its name says is compressed.

    Raises:
        InputError: it can't be read, or its compression is broken.
    """
    codec = next((codec for suffix, codec in _CODECS if has_ending(path, suffix)), None)
    try:
        with open_file(path) as file:
            if codec is None:
                yield file
            else:
                with pa.CompressedInputStream(file, codec) as stream:
                    yield stream
    except OSError as error:  # Arrow's codecs raise it too.
        raise unreadable(path, error) from error


def _no_bytes(name: str, table: Table) -> InputError:
    return InputError(f"no data: {name} of the table {table.name} is empty (0 bytes); mend it")


def _cast(rows: pa.Table, types: dict[str, pa.DataType]) -> pa.Table:
    columns = {name: rows.column(name) for name in rows.column_names}
    return pa.table({name: pc.cast(column, types.get(name, column.type)) for name, column in columns.items()})
