"""Which column of a file is which of ours, by its header and the settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aisle.components.example_gen.cells.nested import paths_in, root_of
from aisle.components.example_gen.header_names import is_unnamed, likely, named, spelled
from aisle.components.example_gen.options import TableReading
from aisle.schema.errors import InputError
from aisle.schema.tables import Table


@dataclasses.dataclass(frozen=True)
class Layout:
    """How the columns of a file become those of its table.

    Attributes:
        name: the file's, relative to the data folder.
        header: the file's columns, as they are named once blanks are off; one without a name is called by `named`.
        written: the same as they stand in the file.
        picked: by our name of a column, its names in `header`; each row has the first of them that it fills.
        constants: by our name, what every row of the file has.
        types: of the columns in a Parquet file that aren't declared, once they are read; empty for text.
        separator: between the cells of a CSV file.
        encoding: of a CSV file, "" for UTF-8.
        empty: whether the file has columns and no row.
        paths: into columns of the file, which `picked` may name as if they were columns (`cells/nested.py`).
        likely: by a column of ours that isn't there, an extra one that is often called so (`visitorid`).
        respelled: our columns that the header names in another spelling, such as `Item_ID`.
    """

    name: str
    header: tuple[str, ...]
    written: tuple[str, ...]
    picked: dict[str, tuple[str, ...]]
    constants: dict[str, str]
    types: dict[str, pa.DataType]
    separator: str = ","
    encoding: str = ""
    empty: bool = False
    paths: tuple[str, ...] = ()
    respelled: tuple[str, ...] = ()
    likely: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Our names of the columns that the file yields."""
        return (*self.picked, *(name for name in self.constants if name not in self.picked))

    def place(self, name: str) -> int | None:
        """Where a column of ours stands in the file; None where it doesn't."""
        first = self.picked.get(name, ("",))[0]
        return self.header.index(first) if first in self.header else None


def lay_out(
    name: str,
    written: Sequence[str],
    table: Table,
    reading: TableReading,
    *,
    partitions: Mapping[str, str] | None = None,
    types: Mapping[str, pa.DataType] | None = None,
) -> Layout:
    """Lays out a file.

    Args:
        name: the file's.
        written: its header.
        table: whose file it is.
        reading: the shop's own names.
        partitions: what the folders above the file say of all its rows, as Hive names them: `country=DE`.
        types: see `Layout`, by the file's names.

    Raises:
        InputError: a column is there twice or has no name, or one that the settings name is not there.
    """
    header = tuple(named(column, place) for place, column in enumerate(written))
    _check_names(name, header)
    paths = paths_in(wanted_headers(reading), header)
    names = (*header, *paths)
    chosen = {**_chosen(name, names, reading.columns, needed=True), **_chosen(name, names, reading.usual)}
    taken = {column for columns in chosen.values() for column in columns} | {root_of(path) for path in paths}
    others = spelled(table, [column for column in header if column not in taken], chosen)
    own = {
        others.get(column, column): (column,)
        for column in header
        if column not in taken and column not in chosen and not is_unnamed(column)
        and (reading.extras or table.column(others.get(column, column)) is not None)
    }  # fmt: skip
    found = {**chosen, **own}
    picked = {ours: found[ours] for column in names for ours in found if found[ours][0] == column}
    folders = {
        key: value for key, value in (partitions or {}).items() if table.column(key) and key not in picked
    }
    constants = {**folders, **reading.constants}
    return Layout(
        name,
        header,
        tuple(written),
        {ours: theirs for ours, theirs in picked.items() if ours not in constants},
        constants,
        {ours: (types or {})[theirs] for ours, (theirs,) in own.items() if theirs in (types or {})},
        paths=paths,
        likely=likely(table, {*picked, *constants}),
        respelled=tuple(ours for ours in others.values() if ours not in constants),
    )


def agreed_columns(layouts: Sequence[Layout], table: Table, reading: TableReading) -> tuple[str, ...]:
    """The columns of a table of several files.

    Files must agree, since a column that comes or goes unseen would be read as half empty; but of bookkeeping. Those of
    several exports, which the setting `reading.files` names, may differ: declared columns are what any has, others what all
    have.

    Raises:
        InputError: the files differ, or lack a column that is needed.
    """
    first = layouts[0]
    several = len(reading.files or reading.usual_files) > 1
    for layout in layouts if several else (first,):
        _check_required(layout, table)
    every = dict.fromkeys(column for layout in layouts for column in layout.columns)
    if several:
        everywhere = set(first.columns).intersection(*(layout.columns for layout in layouts))
        return tuple(column for column in every if column in everywhere or table.column(column) is not None)
    for layout in layouts:
        missing = [column for column in first.columns if column not in {*layout.columns, *table.bookkeeping}]
        added = [column for column in layout.columns if column not in {*first.columns, *table.bookkeeping}]
        if missing or added:
            pairs = (("lacks", missing), ("adds", added))
            said = " and ".join(f"{verb} {', '.join(names)}" for verb, names in pairs if names)
            raise InputError(
                f"the files of the table {table.name} have different headers: {layout.name} {said}, "
                f"compared with {first.name}"
            )
    return tuple(every)


def _check_names(name: str, header: Sequence[str]) -> None:
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise InputError(f"{name} has the column {twice[0]!r} twice; its header is: {', '.join(header)}")


def _chosen(
    name: str, header: Sequence[str], columns: Mapping[str, Sequence[str]], needed: bool = False
) -> dict[str, tuple[str, ...]]:
    """By our column, those of its headers that are there; case doesn't matter where nothing else fits."""
    folded = {column.casefold(): column for column in reversed(header)}
    chosen = {}
    for ours, headers in columns.items():
        theirs = (wanted if wanted in header else folded.get(wanted.casefold()) for wanted in headers)
        found = tuple(dict.fromkeys(column for column in theirs if column is not None))
        if found:
            chosen[ours] = found
        elif needed:
            raise InputError(
                f"{name} has no column {' or '.join(headers)}, which the setting [columns] takes for {ours}; "
                f"its header is: {', '.join(header)[:300]}"
            )
    return chosen


def _check_required(layout: Layout, table: Table) -> None:
    absent = [
        column.name for column in table.columns if column.required and column.name not in layout.columns
    ]
    if absent:
        raise InputError(
            f"{layout.name} lacks the required column {', '.join(absent)}; its header is: "
            f"{', '.join(layout.header)[:300]}; name its columns in [columns], as `aisle init` proposes"
        )


def arranged(raw: pa.Table, layout: Layout, columns: Sequence[str]) -> pa.Table:
    """The columns of a table from those of its file.

    Args:
        raw: by the file's headers.
        layout: of the file.
        columns: our names, of the whole table; what the file hasn't got is null.
    """

    def column(name: str) -> pa.ChunkedArray:
        if name not in layout.picked:
            return _repeated(layout.constants.get(name), raw.num_rows)
        parts = [raw.column(header) for header in layout.picked[name]]
        if len({part.type for part in parts}) > 1:
            parts = [part if pa.types.is_string(part.type) else part.cast(pa.string()) for part in parts]
        return parts[0] if len(parts) == 1 else pc.coalesce(*parts)

    return pa.table({name: column(name) for name in columns})


def _repeated(value: str | None, count: int) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array([value], pa.string()).take(pa.array(np.zeros(count, np.int8)))])


def wanted_headers(reading: TableReading) -> list[str]:
    """The headers that the settings name, of which some may be paths (`cells/nested.py`)."""
    columns = (*reading.columns.values(), *reading.usual.values())
    return [header for headers in columns for header in headers]
