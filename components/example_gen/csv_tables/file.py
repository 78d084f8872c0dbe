"""Pieces of CSV files to typed rows."""

from __future__ import annotations

import csv
import dataclasses
import functools
import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from aisle.components.example_gen.cells.column import typed_text
from aisle.components.example_gen.cells.nested import flattened
from aisle.components.example_gen.cells.rows import RowRules
from aisle.components.example_gen.csv_tables.header import with_line_feeds
from aisle.components.example_gen.csv_tables.pieces import BYTE_ORDER_MARK, Piece
from aisle.components.example_gen.csv_tables.records import RAGGED, Records, find_faults, find_records
from aisle.components.example_gen.layout import Layout, arranged
from aisle.components.example_gen.options import TableReading
from aisle.components.example_gen.shard import (
    Note,
    Shard,
    provenance_of,
    quarantine_of,
    sift,
    skipped_notes,
)
from aisle.components.tables import MAX_ROW
from aisle.schema.errors import InputError
from aisle.schema.tables import Table

_MAX_BLOCK = (1 << 31) - 1


@dataclasses.dataclass(frozen=True)
class _File:
    """A piece of a CSV file taken apart: its records without the header, and what is wrong with them."""

    layout: Layout
    data: bytes
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
            self.data[start:end].decode("utf-8", "backslashreplace").removesuffix("\r")
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]

    def keys(self, table: Table, indices: NDArray[np.int64]) -> list[str | None]:
        """What some records that can't be read are of: the cell in the key's place, None where there is none."""
        if not table.key:
            return [None] * len(indices)
        place = self.layout.place(table.key[0])
        if place is None:
            return [None] * len(indices)
        bounds = zip(self.records.starts[indices].tolist(), self.records.ends[indices].tolist(), strict=True)
        return [_cell_of_broken(self.data[start:end], place, self.layout.separator) for start, end in bounds]


@dataclasses.dataclass(frozen=True)
class _Part:
    """Neighbouring files of one form: our columns of the rows that count, and which records of each file these are."""

    files: list[_File]
    cells: pa.Table
    kept: list[NDArray[np.int64]]
    notes: tuple[Note, ...]


def read_csv_batch(
    pieces: Sequence[Piece],
    table: Table,
    layouts: Mapping[str, Layout],
    columns: Sequence[str],
    reading: TableReading,
    rules: RowRules,
) -> Shard:
    """Reads pieces of CSV files of one table together.

    Args:
        pieces: of files, in order.
        table: whose files they are.
        layouts: of each file, by name.
        columns: of the table, by our names.
        reading: how the table is read.
        rules: for whole rows.

    Returns:
        Their rows.
    """
    opened = [_open(piece, layouts[piece.name]) for piece in pieces]
    groups = itertools.groupby(opened, key=lambda file: dataclasses.replace(file.layout, name="", written=()))
    parts = [_part(list(alike), columns, rules) for _, alike in groups]
    kept = [indices for part in parts for indices in part.kept]
    lines = [file.records.lines[indices] for file, indices in zip(opened, kept, strict=True)]
    provenance = provenance_of([file.layout.name for file in opened], lines)
    bounds = np.cumsum([len(indices) for indices in kept])

    def texts(rows: NDArray[np.int64]) -> list[str]:
        shares = np.split(rows, np.searchsorted(rows, bounds[:-1]))
        starts = [0, *bounds[:-1].tolist()]
        whole = zip(opened, kept, starts, shares, strict=True)
        return [text for file, indices, start, part in whole for text in file.texts(indices[part - start])]

    cells = pa.concat_tables([part.cells for part in parts])
    typed = {name: typed_text(cells.column(name), table, name, reading) for name in columns}
    shard = sift(table, typed, provenance, texts)
    broken = pa.concat_tables(_broken(file, table) for file in opened)
    quarantine = pa.concat_tables([shard.quarantine, broken]).sort_by(
        [("file", "ascending"), ("line", "ascending")]
    )
    notes = (*shard.notes, *(note for part in parts for note in part.notes))
    return dataclasses.replace(shard, quarantine=quarantine, notes=notes)


def _open(piece: Piece, layout: Layout) -> _File:
    data = with_line_feeds(piece.data) if piece.whole else piece.data
    width, separator = len(layout.header), layout.separator
    found = find_records(data, width, separator)
    records = found.select(slice(1, None)) if piece.line == 1 else found
    records = dataclasses.replace(records, lines=records.lines + (piece.line - 1))
    return _File(layout, data, records, find_faults(data, records, width, separator))


def _cell_of_broken(record: bytes, place: int, separator: str) -> str | None:
    """A cell of a record that breaks the rules, as far as a lenient parser finds it."""
    text = record.decode("utf-8", "backslashreplace").replace("\r", " ")
    try:
        return next(csv.reader([text], delimiter=separator))[place].strip() or None
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


def _part(files: list[_File], columns: Sequence[str], rules: RowRules) -> _Part:
    """Cuts the readable records of files into cells, and takes those that are the table's rows."""
    layout, raw = files[0].layout, _cut(files)
    kept = [np.flatnonzero(file.readable) for file in files]
    if layout.paths:
        raw, rows = flattened(raw, layout.paths)
        bounds = np.cumsum([len(indices) for indices in kept])
        shares = np.split(rows, np.searchsorted(rows, bounds[:-1]))
        first = [0, *bounds[:-1].tolist()]
        kept = [indices[share - start] for indices, share, start in zip(kept, shares, first, strict=True)]
    raw, skipped = rules.apply(raw)
    cells = arranged(raw, layout, columns)
    if not skipped:
        return _Part(files, cells, kept, ())
    out = np.logical_or.reduce(list(skipped.values()))
    lines = [file.records.lines[indices] for file, indices in zip(files, kept, strict=True)]
    places = provenance_of([file.layout.name for file in files], lines)
    gone = np.split(out, np.cumsum([len(indices) for indices in kept])[:-1])
    left = [indices[~share] for indices, share in zip(kept, gone, strict=True)]
    return _Part(files, cells.filter(pa.array(~out)), left, skipped_notes(raw, skipped, places))


def _cut(files: Sequence[_File]) -> pa.Table:
    header, separator = files[0].layout.header, files[0].layout.separator
    widths = [(file.records.ends - file.records.starts)[file.readable] for file in files]
    count = sum(len(width) for width in widths)
    if count == 0:
        return pa.table({name: pa.array([], pa.string()) for name in header})
    longest = max(int(width.max(initial=0)) for width in widths) + 2
    data = b"\n".join(part for file in files if (part := _readable_bytes(file)))
    # Arrow takes a mark at the beginning for one of byte order; here it would be a cell's.
    data = BYTE_ORDER_MARK + data if data.startswith(BYTE_ORDER_MARK) else data
    table = pacsv.read_csv(
        pa.BufferReader(data),
        pacsv.ReadOptions(column_names=header, block_size=min(max(1 << 20, 2 * longest), _MAX_BLOCK)),
        pacsv.ParseOptions(delimiter=separator, newlines_in_values=any(b'"' in file.data for file in files)),
        _strings(header),
    )
    if table.num_rows != count:
        names = f"{files[0].layout.name} to {files[-1].layout.name}"
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


def _broken(file: _File, table: Table) -> pa.Table:
    """Quarantines what can't be cut into cells, each record for its first reason."""
    indices = np.flatnonzero(~file.readable)
    first = np.stack(list(file.faults.values()))[:, indices].argmax(axis=0)
    reason = np.array(list(file.faults), object)[first].tolist()
    counts, expected = file.records.cells[indices].tolist(), len(file.layout.header)
    pairs = zip(reason, counts, strict=True)
    return quarantine_of(
        table,
        provenance_of([file.layout.name], [file.records.lines[indices]]),
        key=file.keys(table, indices),
        column=[None] * len(indices),
        value=[f"{count} cells, expected {expected}" if why == RAGGED else None for why, count in pairs],
        reason=reason,
        row=file.texts(indices),
    )
