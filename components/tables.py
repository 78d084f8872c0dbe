"""Where and how tables lie inside artifacts; the one place that knows the file layout.

Raw rows are kept as TFX's Parquet Examples: a split `rows` whose columns are lists (a null list is a
missing cell), so that the stock StatisticsGen reads them. Everything else is flat Parquet.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow_hotfix  # noqa: F401  refuses the malicious extension types of CVE-2023-47248

from aisle.components.storage import exists, make_folder, open_file
from aisle.schema.tables import TABLES

ROWS_SPLIT = "rows"
ROWS_FILE = "rows-00000.parquet"
PROVENANCE_FILE = "provenance.parquet"
QUARANTINE_FILE = "quarantine.parquet"
COUNTS_FILE = "counts.json"
LEDGER_FILE = "ledger.json"
EVIDENCE_FILE = "evidence.parquet"

_COMPRESSION = "zstd"
_ROW_GROUP = 1 << 17

PROVENANCE_SCHEMA = pa.schema([("file", pa.string()), ("line", pa.int64())])
"""Where a row came from: the file relative to the data folder, and its physical line, from 1.

In a Parquet file the "line" is the row's number, from 1.
"""

MAX_VALUE = 200
MAX_ROW = 500
"""Characters of a value and of a row that the quarantine, the ledger and the reports keep."""

QUARANTINE_SCHEMA = pa.schema(
    [
        ("table", pa.string()),
        ("file", pa.string()),
        ("line", pa.int64()),
        ("key", pa.string()),
        ("column", pa.string()),
        ("value", pa.string()),
        ("reason", pa.string()),
        ("row", pa.string()),
    ]
)
"""One record a quarantined row: where it was, which value was wrong and why, and its raw text.

`key` is what the row is of (`Table.key`): null where the table has none, or the row doesn't say it.
"""

EVIDENCE_SCHEMA = pa.schema(
    [
        ("table", pa.string()),
        ("file", pa.string()),
        ("line", pa.int64()),
        ("step", pa.string()),
        ("reason", pa.string()),
        ("outcome", pa.string()),
    ]
)
"""One record for every row that a step of the Cleaner touched: where the row was, and what became of it."""


def read_parquet(path: str) -> pa.Table:
    """Reads one Parquet file whole."""
    with open_file(path) as file:
        return pq.read_table(file)


def read_pieces(path: str, columns: Container[str] | None = None) -> Iterator[pa.Table]:
    """Yields one Parquet file a piece at a time, at least one, with those of the columns that it has, or with all."""
    with open_file(path) as file:
        parquet = pq.ParquetFile(file)
        there = [name for name in parquet.schema_arrow.names if columns is None or name in columns]
        for group in range(parquet.num_row_groups):
            yield parquet.read_row_group(group, there)
        if not parquet.num_row_groups:
            yield parquet.schema_arrow.empty_table().select(there)


def write_parquet(path: str, table: pa.Table) -> None:
    """Writes one Parquet file, making its folder."""
    write_pieces(path, [table])


def write_pieces(path: str, pieces: Iterable[pa.Table]) -> None:
    """Writes one Parquet file of a table that comes piece by piece, as `PiecesWriter` does.

    Args:
        path: the file, whose folder is made.
        pieces: at least one.
    """
    with PiecesWriter(path) as writer:
        for piece in pieces:
            writer.write(piece)


class PiecesWriter:
    """Writes one Parquet file of pieces of one schema, at least one; its bytes don't tell in how many. A context manager."""

    def __init__(self, path: str) -> None:
        """Args: `path`: the file, whose folder is made."""
        make_folder(os.path.dirname(path))
        self._open = contextlib.ExitStack()
        self._file = self._open.enter_context(open_file(path, "wb"))
        self._writer: pq.ParquetWriter | None = None
        self._held: list[pa.Table] = []
        self._rows = 0

    def __enter__(self) -> PiecesWriter:
        """Writes nothing yet: the first piece gives the schema."""
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        """Writes what is left, unless something went wrong, and ends the file."""
        with self._open:
            if kind is None and (self._rows or self._writer is None):
                self._write(pa.concat_tables(self._held))

    def write(self, piece: pa.Table) -> None:
        """Adds rows: whole row groups are written, and what is left waits for more."""
        self._held.append(piece)
        self._rows += piece.num_rows
        while self._rows >= _ROW_GROUP:
            together = pa.concat_tables(self._held)
            self._write(together.slice(0, _ROW_GROUP))
            self._held, self._rows = [together.slice(_ROW_GROUP)], self._rows - _ROW_GROUP

    def _write(self, group: pa.Table) -> None:
        if self._writer is None:
            parquet = pq.ParquetWriter(self._file, group.schema, compression=_COMPRESSION)
            self._writer = self._open.enter_context(parquet)
        # One chunk a column: where a chunk ends, a page may.
        self._writer.write_table(group.combine_chunks(), row_group_size=_ROW_GROUP)


def read_json(path: str) -> Any:
    """Reads one JSON file."""
    with open_file(path) as file:
        return json.loads(file.read())


def write_json(path: str, value: Any) -> None:
    """Writes one JSON file, indented, making its folder."""
    make_folder(os.path.dirname(path))
    with open_file(path, "wb") as file:
        file.write(json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """Returns the content of a JSON file, indented."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


def read_rows(uri: str) -> pa.Table:
    """Reads the raw rows of an Examples artifact as flat columns; a missing cell is a null."""
    with open_file(os.path.join(uri, f"Split-{ROWS_SPLIT}", ROWS_FILE)) as file:
        parquet = pq.ParquetFile(file)
        # A batch at a time, so that rows and their lists are never both held whole.
        parts = [_flat_batch(batch) for batch in parquet.iter_batches(_ROW_GROUP)]
        # One chunk a column: pyarrow 10's group_by crashes over columns of unequal chunks.
        return pa.concat_tables(parts or [_flat_batch(parquet.schema_arrow.empty_table())]).combine_chunks()


def read_provenance(uri: str) -> pa.Table:
    """Reads where each raw row came from (`PROVENANCE_SCHEMA`), in the order of `read_rows`."""
    return read_parquet(os.path.join(uri, PROVENANCE_FILE))


def count_rows(uri: str) -> int:
    """Returns how many raw rows an Examples artifact has."""
    with open_file(os.path.join(uri, PROVENANCE_FILE)) as file:
        return int(pq.ParquetFile(file).metadata.num_rows)


def row_pieces(uri: str, columns: Container[str] | None = None) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Yields what `read_rows` and `read_provenance` read, piece by piece; with those of some columns that are there."""
    with StoredRows(uri) as stored:
        names = [name for name in stored.schema.names if columns is None or name in columns]
        for group in range(len(stored.sizes)):
            yield stored.read([group], names), stored.places([group])


class StoredRows:
    """The raw rows of an Examples artifact, some columns and row groups of them at a time; a context manager.

    Attributes:
        schema: of the rows, flat as `read_rows` gives them.
        sizes: how many rows each row group has, in their order.
    """

    def __init__(self, uri: str) -> None:
        """Opens the artifact's files. Args: `uri`: its folder."""
        self._open = contextlib.ExitStack()
        # Both were written with the same row groups.
        self._rows, self._places = (
            pq.ParquetFile(self._open.enter_context(open_file(path))) for path in _row_files(uri)
        )
        self._nested = self._rows.schema_arrow
        self.schema = _flat_batch(self._nested.empty_table()).schema
        groups = range(self._rows.num_row_groups)
        self.sizes = [self._rows.metadata.row_group(group).num_rows for group in groups]

    def __enter__(self) -> StoredRows:
        """The files are open already."""
        return self

    def __exit__(self, *error: object) -> None:
        """Closes the files."""
        self._open.close()

    def read(self, groups: Sequence[int], columns: Sequence[str] | None = None) -> pa.Table:
        """Returns rows of some row groups, in the order given; of some columns, where these are named."""
        names = self.schema.names if columns is None else list(columns)
        # A name with a point in it is a path to Parquet, and may bring its neighbours.
        parts = [self._rows.read_row_group(group, columns=names).select(names) for group in groups]
        flat = [_flat_batch(part) for part in parts]
        return pa.concat_tables(flat) if flat else self.schema.empty_table().select(names)

    def places(self, groups: Sequence[int]) -> pa.Table:
        """Returns where those rows came from (`PROVENANCE_SCHEMA`)."""
        parts = [self._places.read_row_group(group) for group in groups]
        return pa.concat_tables(parts) if parts else PROVENANCE_SCHEMA.empty_table()


def row_piece(uri: str, number: int) -> tuple[pa.Table, pa.Table]:
    """Returns one of the pieces that `row_pieces` yields."""
    with StoredRows(uri) as stored:
        return stored.read([number]), stored.places([number])


def piece_rows(uri: str) -> list[int]:
    """Returns how many rows each of the pieces has that `row_pieces` yields."""
    with StoredRows(uri) as stored:
        return stored.sizes


def _row_files(uri: str) -> tuple[str, str]:
    """The files of an Examples artifact: its rows, and where each came from."""
    return os.path.join(uri, f"Split-{ROWS_SPLIT}", ROWS_FILE), os.path.join(uri, PROVENANCE_FILE)


class RowsWriter:
    """Writes an Examples artifact's files shard by shard; a context manager.

    A shard's columns are flat, and of the first one's types.
    """

    def __init__(self, uri: str) -> None:
        """Args: `uri`: the artifact's folder."""
        self._paths = _row_files(uri)
        self._open = contextlib.ExitStack()
        self._writers: list[pq.ParquetWriter] = []

    def __enter__(self) -> RowsWriter:
        """Writes nothing yet: the first shard gives the schema."""
        return self

    def __exit__(self, *error: object) -> None:
        """Ends the files."""
        self._open.close()

    def write(self, table: pa.Table, provenance: pa.Table) -> None:
        """Adds rows, and where each came from (`PROVENANCE_SCHEMA`, in the rows' order)."""
        if table.num_rows != provenance.num_rows:
            raise ValueError(f"{table.num_rows} rows, but {provenance.num_rows} provenance records")
        nested = nested_rows(table)
        if not self._writers:
            self._writers = [
                self._writer(path, part) for path, part in zip(self._paths, (nested, provenance), strict=True)
            ]
        for writer, part in zip(self._writers, (nested, provenance), strict=True):
            writer.write_table(part, row_group_size=_ROW_GROUP)

    def _writer(self, path: str, part: pa.Table) -> pq.ParquetWriter:
        make_folder(os.path.dirname(path))
        file = self._open.enter_context(open_file(path, "wb"))
        return self._open.enter_context(pq.ParquetWriter(file, part.schema, compression=_COMPRESSION))


def nested_rows(table: pa.Table) -> pa.Table:
    """Returns flat columns as TFX and TFDV take them: lists of one value, a null list for a null."""
    return pa.table({name: _nested(table.column(name)) for name in table.column_names})


def read_tables(uri: str, but: Container[str] = ()) -> dict[str, pa.Table]:
    """Reads the cleaned tables that a Tables artifact holds, by name; leaves those out that are named."""
    paths = {table.name: _table_file(uri, table.name) for table in TABLES if table.name not in but}
    return {name: read_parquet(path) for name, path in paths.items() if exists(path)}


def count_table_rows(uri: str, table: str) -> int:
    """Returns how many rows a table of a Tables artifact has, 0 where it holds none of that name."""
    path = _table_file(uri, table)
    if not exists(path):
        return 0
    with open_file(path) as file:
        return int(pq.ParquetFile(file).metadata.num_rows)


def table_pieces(uri: str, table: str, columns: Container[str]) -> Iterator[pa.Table]:
    """Yields a table of a Tables artifact piece by piece, with those of the columns that it has."""
    return read_pieces(_table_file(uri, table), columns)


def _table_file(uri: str, table: str) -> str:
    return os.path.join(uri, f"{table}.parquet")


def write_tables(
    uri: str, tables: Mapping[str, pa.Table], stored: Mapping[str, Iterable[pa.Table]] | None = None
) -> None:
    """Writes cleaned tables as the files of a Tables artifact; those `stored` come piece by piece."""
    for name, pieces in {**{name: [table] for name, table in tables.items()}, **(stored or {})}.items():
        write_pieces(_table_file(uri, name), pieces)


def read_quarantine(uri: str) -> pa.Table:
    """Reads a Quarantine artifact's rows (`QUARANTINE_SCHEMA`)."""
    return read_parquet(os.path.join(uri, QUARANTINE_FILE))


def quarantine_pieces(uri: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Yields what `read_quarantine` reads, piece by piece; of some columns, where these are named."""
    with open_file(os.path.join(uri, QUARANTINE_FILE)) as file:
        parquet = pq.ParquetFile(file)
        for group in range(parquet.num_row_groups):
            yield parquet.read_row_group(group, columns=None if columns is None else list(columns))


def read_counts(uri: str) -> dict[str, Any]:
    """Reads a Quarantine artifact's counts: `table`, `read`, `kept`, `quarantined`."""
    return dict(read_json(os.path.join(uri, COUNTS_FILE)))


def write_quarantine(uri: str, quarantine: pa.Table, counts: dict[str, Any]) -> None:
    """Writes a Quarantine artifact's rows and counts."""
    with quarantine_writer(uri) as writer:
        writer.write(quarantine.cast(QUARANTINE_SCHEMA))
    write_counts(uri, counts)


def quarantine_writer(uri: str) -> PiecesWriter:
    """Opens a Quarantine artifact's rows (`QUARANTINE_SCHEMA`), to be written piece by piece."""
    return PiecesWriter(os.path.join(uri, QUARANTINE_FILE))


def write_counts(uri: str, counts: dict[str, Any]) -> None:
    """Writes a Quarantine artifact's counts, as `read_counts` reads them."""
    write_json(os.path.join(uri, COUNTS_FILE), counts)


def write_ledger(uri: str, ledger: dict[str, Any], evidence: Iterable[pa.Table]) -> None:
    """Writes a Ledger artifact, and beside it which rows its steps touched (`EVIDENCE_SCHEMA`), piece by piece."""
    write_json(os.path.join(uri, LEDGER_FILE), ledger)
    write_pieces(os.path.join(uri, EVIDENCE_FILE), evidence)


def _nested(column: pa.ChunkedArray) -> pa.Array:
    """Turns a flat column into lists of one value, a null into a null list."""
    valid = column.is_valid().combine_chunks()
    ends = pc.cumulative_sum(pc.cast(valid, pa.int32()))
    starts = pc.subtract(ends, pc.cast(valid, pa.int32()))
    total = pa.array([pc.sum(valid).as_py() or 0], pa.int32())
    offsets = pa.concat_arrays([pc.if_else(valid, starts, pa.scalar(None, pa.int32())), total])
    return pa.ListArray.from_arrays(offsets, _contiguous(column.drop_null()))


def _flat_batch(nested: pa.RecordBatch | pa.Table) -> pa.Table:
    """Turns columns of lists of one value back into flat ones."""
    return pa.table(
        {field.name: _flat(nested.column(i), field.type) for i, field in enumerate(nested.schema)}
    )


def _flat(column: pa.Array | pa.ChunkedArray, type_: pa.DataType) -> pa.Array | pa.ChunkedArray:
    return pc.list_element(column, 0) if len(column) else pa.array([], type_.value_type)


def _contiguous(column: pa.ChunkedArray) -> pa.Array:
    """One array of a column's chunks, of the column's type even when there is none."""
    return column.combine_chunks() if column.num_chunks else pa.array([], column.type)
