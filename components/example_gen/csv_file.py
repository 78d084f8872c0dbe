"""Pieces of CSV files to typed rows."""

from __future__ import annotations

import csv
import dataclasses
import functools
import io
import itertools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from aisle.components.example_gen.csv_pieces import Piece
from aisle.components.example_gen.csv_records import RAGGED, Records, find_faults, find_records
from aisle.components.example_gen.shard import (
    Shard,
    Typed,
    check_columns,
    provenance_of,
    quarantine_of,
    sift,
)
from aisle.components.example_gen.values import parse
from aisle.components.tables import MAX_ROW
from aisle.schema.errors import InputError
from aisle.schema.tables import Kind, Table

_MAX_BLOCK = (1 << 31) - 1


@dataclasses.dataclass(frozen=True)
class _File:
    """A piece of a CSV file taken apart: its records without the header, and what is wrong with them."""

    name: str
    data: bytes
    header: tuple[str, ...]
    records: Records
    faults: dict[str, NDArray[np.bool_]]

    @functools.cached_property
    def readable(self) -> NDArray[np.bool_]:
        return ~np.logical_or.reduce(list(self.faults.values()))

    def texts(self, indices: NDArray[np.int64]) -> list[str]:
        """The beginnings of some records, as long as the quarantine keeps."""
        starts = self.records.starts[indices]
        ends = np.minimum(self.records.ends[indices], starts + 4 * MAX_ROW)  # 4 bytes a character at most.
        return [
            self.data[start:end].decode("utf-8", "backslashreplace")
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]

    def keys(self, table: Table, indices: NDArray[np.int64]) -> list[str | None]:
        """What some records that can't be read are of: the cell in the key's place, None where there is none."""
        if not table.key:
            return [None] * len(indices)
        place = self.header.index(table.key[0])
        bounds = zip(self.records.starts[indices].tolist(), self.records.ends[indices].tolist(), strict=True)
        return [_cell_of_broken(self.data[start:end], place) for start, end in bounds]


def read_csv_batch(pieces: Sequence[Piece], table: Table, headers: dict[str, tuple[str, ...]]) -> Shard:
    """Reads pieces of CSV files of one table together.

    Args:
        pieces: of files, in order.
        table: whose files they are.
        headers: the header of each file of the table read so far, by name, in order; added to.

    Returns:
        Their rows, the columns in the order of the table's first file.

    Raises:
        InputError: a file has no rows, or its header doesn't fit.
    """
    opened = [_open(piece, table, headers) for piece in pieces]
    columns = next(iter(headers.values()))
    cells = _cells(opened, columns)
    readable = [np.flatnonzero(file.readable) for file in opened]
    lines = [file.records.lines[kept] for file, kept in zip(opened, readable, strict=True)]
    provenance = provenance_of([file.name for file in opened], lines)
    bounds = np.cumsum([len(kept) for kept in readable])

    def texts(rows: NDArray[np.int64]) -> list[str]:
        parts = np.split(rows, np.searchsorted(rows, bounds[:-1]))
        starts = [0, *bounds[:-1].tolist()]
        whole = zip(opened, readable, starts, parts, strict=True)
        return [text for file, kept, start, part in whole for text in file.texts(kept[part - start])]

    typed = {name: _typed(table, name, cells.column(name)) for name in columns}
    shard = sift(table, typed, provenance, texts)
    broken = pa.concat_tables(_broken(file, table) for file in opened)
    quarantine = pa.concat_tables([shard.quarantine, broken]).sort_by(
        [("file", "ascending"), ("line", "ascending")]
    )
    return dataclasses.replace(shard, quarantine=quarantine)


def _open(piece: Piece, table: Table, headers: dict[str, tuple[str, ...]]) -> _File:
    name, data = piece.name, piece.data
    if piece.whole and b"\n" not in data:
        data = data.replace(b"\r", b"\n")  # The line ends of old Macs.
    begins = name not in headers
    if begins:
        header = _header(name, data)
        check_columns(name, header, table, next(iter(headers.items()), None))
        headers[name] = header
    header = headers[name]
    found = find_records(data, len(header))
    records = found.select(slice(1, None)) if begins else found
    if piece.whole and len(records.starts) == 0:
        raise InputError(
            f"no data: {name} of the table {table.name} holds a header and no row; remove or mend it"
        )
    records = dataclasses.replace(records, lines=records.lines + (piece.line - 1))
    return _File(name, data, header, records, find_faults(data, records, len(header)))


def _header(name: str, data: bytes) -> tuple[str, ...]:
    """Reads the first record."""
    first = find_records(data[: data.find(b"\n") + 1] or data)
    if len(first.starts) == 0:
        raise InputError(f"{name}: the first line is blank; expected a header that names the columns")
    try:
        text = data[first.starts[0] : first.ends[0]].decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: the header is not UTF-8 ({error.reason}); save the file as UTF-8"
        ) from error
    if first.bad_quotes[0] or "\0" in text:
        raise InputError(f"{name}, line 1: the header can't be read as CSV in UTF-8: {text[:100]!r}")
    return tuple(next(csv.reader(io.StringIO(text, newline=""), strict=True)))


def _cell_of_broken(record: bytes, place: int) -> str | None:
    """A cell of a record that breaks the rules, as far as a lenient parser finds it."""
    text = record.decode("utf-8", "backslashreplace").replace("\r", " ")
    try:
        return next(csv.reader([text]))[place].strip() or None
    except (csv.Error, IndexError, StopIteration):
        return None


def _strings(names: Sequence[str]) -> pacsv.ConvertOptions:
    """Every cell is text, and an empty one is null."""
    return pacsv.ConvertOptions(
        column_types={name: pa.string() for name in names},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )


def _cells(files: Sequence[_File], columns: Sequence[str]) -> pa.Table:
    """Cuts the readable records into cells of text; neighbours with one header are cut in one go."""
    empty = pa.table({name: pa.array([], pa.string()) for name in columns})
    groups = itertools.groupby(files, key=lambda file: file.header)
    return pa.concat_tables([empty, *(_cut(list(alike)).select(columns) for _, alike in groups)])


def _cut(files: Sequence[_File]) -> pa.Table:
    header = files[0].header
    widths = [(file.records.ends - file.records.starts)[file.readable] for file in files]
    count = sum(len(width) for width in widths)
    if count == 0:
        return pa.table({name: pa.array([], pa.string()) for name in header})
    longest = max(int(width.max(initial=0)) for width in widths) + 2
    table = pacsv.read_csv(
        pa.BufferReader(b"\n".join(part for file in files if (part := _readable_bytes(file)))),
        pacsv.ReadOptions(column_names=header, block_size=min(max(1 << 20, 2 * longest), _MAX_BLOCK)),
        pacsv.ParseOptions(newlines_in_values=any(b'"' in file.data for file in files)),
        _strings(header),
    )
    if table.num_rows != count:
        names = f"{files[0].name} to {files[-1].name}"
        raise InputError(f"{names}: {count} rows expected, {table.num_rows} parsed; are they CSV files?")
    return table


def _readable_bytes(file: _File) -> bytes:
    """The file's content without its header and without what can't be read."""
    records, readable = file.records, file.readable
    if len(readable) and readable.all():
        return file.data[records.starts[0] :].rstrip(b"\n")
    # Runs of readable records are copied whole.
    edges = np.flatnonzero(np.diff(np.concatenate([[False], readable, [False]]).astype(np.int8)))
    runs = zip(edges[0::2].tolist(), edges[1::2].tolist(), strict=True)
    return b"\n".join(file.data[records.starts[start] : records.ends[stop - 1]] for start, stop in runs)


def _typed(table: Table, name: str, cells: pa.ChunkedArray) -> Typed:
    declared = table.column(name)
    values, wrong = parse(cells, declared.kind if declared is not None else Kind.STRING)
    return Typed(values, cells, wrong)


def _broken(file: _File, table: Table) -> pa.Table:
    """Quarantines what can't be cut into cells, each record for its first reason."""
    indices = np.flatnonzero(~file.readable)
    first = np.stack(list(file.faults.values()))[:, indices].argmax(axis=0)
    reason = np.array(list(file.faults), object)[first].tolist()
    counts, expected = file.records.cells[indices].tolist(), len(file.header)
    pairs = zip(reason, counts, strict=True)
    return quarantine_of(
        table,
        provenance_of([file.name], [file.records.lines[indices]]),
        key=file.keys(table, indices),
        column=[None] * len(indices),
        value=[f"{count} cells, expected {expected}" if why == RAGGED else None for why, count in pairs],
        reason=reason,
        row=file.texts(indices),
    )
