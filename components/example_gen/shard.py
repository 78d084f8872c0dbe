"""What a file of a table yields, and what must hold of its columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from aisle.components.example_gen.cells.rows import SKIPPED_ROWS
from aisle.components.example_gen.values import MISSING
from aisle.components.tables import MAX_ROW, MAX_VALUE, PROVENANCE_SCHEMA, QUARANTINE_SCHEMA
from aisle.schema.tables import Table

Texts = Callable[[NDArray[np.int64]], list[str]]
"""Returns the text of the rows of some indices, cut or whole."""


@dataclasses.dataclass(frozen=True)
class Note:
    """What was done to a column, or found of it, that lost no row and must be said.

    Attributes:
        kind: what, such as `tidy.MISSING_MARKER`.
        column: of which, "" for a whole file.
        count: cells, rows or files.
        examples: first places: `file`, `line` and `value`.
    """

    kind: str
    column: str
    count: int
    examples: tuple[dict[str, Any], ...] = ()


MAX_EXAMPLES = 3
"""How many places a note keeps."""


def merged(notes: Iterable[Note]) -> list[Note]:
    """One note for each kind and column, in the order of their first."""
    found: dict[tuple[str, str], Note] = {}
    for note in notes:
        before = found.get((note.kind, note.column))
        if before is not None:
            examples = (*before.examples, *note.examples)[:MAX_EXAMPLES]
            note = dataclasses.replace(before, count=before.count + note.count, examples=examples)
        found[note.kind, note.column] = note
    return list(found.values())


@dataclasses.dataclass(frozen=True)
class Shard:
    """The typed rows of some files, where they came from, the rows that could not be read, and what must be said."""

    rows: pa.Table
    provenance: pa.Table
    quarantine: pa.Table
    notes: tuple[Note, ...] = ()


@dataclasses.dataclass(frozen=True)
class Typed:
    """A column's values, the cells they were read from, what is wrong with each (or null), and what was done to which."""

    values: pa.ChunkedArray
    cells: pa.ChunkedArray
    wrong: pa.ChunkedArray
    changed: dict[str, NDArray[np.bool_]] = dataclasses.field(default_factory=dict)


def sift(table: Table, columns: dict[str, Typed], provenance: pa.Table, texts: Texts) -> Shard:
    """Divides rows into those that are read, and those quarantined for their first bad cell.

    Args:
        table: whose rows they are.
        columns: by name, in the order of the header.
        provenance: where each row came from.
        texts: returns the text of the rows of some indices.
    """
    wrong = {name: _faults(table, name, typed) for name, typed in columns.items()}
    is_wrong = np.stack([faults.is_not_null().to_numpy() for faults in wrong.values()])
    bad = is_wrong.any(axis=0)
    rows = pa.table({name: typed.values for name, typed in columns.items()})
    notes = tuple(
        _note(kind, name, typed.cells, np.flatnonzero(which), provenance)
        for name, typed in columns.items()
        for kind, which in typed.changed.items()
    )
    if not bad.any():
        return Shard(rows, provenance, QUARANTINE_SCHEMA.empty_table(), notes)
    indices = np.flatnonzero(bad)
    first = is_wrong[:, indices].argmax(axis=0)
    value, reason = np.empty(len(indices), object), np.empty(len(indices), object)
    for nth, (name, typed) in enumerate(columns.items()):
        chosen = first == nth
        value[chosen] = typed.cells.take(pa.array(indices[chosen])).to_pylist()
        reason[chosen] = wrong[name].gather(indices[chosen]).to_list()
    quarantine = quarantine_of(
        table,
        provenance.take(pa.array(indices)),
        key=_keys(table, columns, indices),
        column=np.array(list(columns), object)[first].tolist(),
        value=[None if cell is None else str(cell) for cell in value],
        reason=reason.tolist(),
        row=texts(indices),
    )
    kept = pa.array(~bad)
    return Shard(rows.filter(kept), provenance.filter(kept), quarantine, notes)


def skipped_notes(
    raw: pa.Table, skipped: Mapping[str, NDArray[np.bool_]], places: pa.Table
) -> tuple[Note, ...]:
    """Says which rows were skipped, by the header and its values that the settings name."""
    return tuple(
        _note(SKIPPED_ROWS, header, raw.column(header), np.flatnonzero(which), places)
        for header, which in skipped.items()
    )


def _note(
    kind: str, name: str, cells: pa.ChunkedArray, rows: NDArray[np.int64], provenance: pa.Table
) -> Note:
    first = pa.array(rows[:MAX_EXAMPLES])
    places, values = provenance.take(first).to_pylist(), cells.take(first).to_pylist()
    examples = (
        {**place, "value": str(value)[:MAX_VALUE]} for place, value in zip(places, values, strict=True)
    )
    return Note(kind, name, len(rows), tuple(examples))


def quarantine_of(
    table: Table,
    places: pa.Table,
    key: Sequence[str | None],
    column: Sequence[str | None],
    value: Sequence[str | None],
    reason: Sequence[str | None],
    row: Sequence[str | None],
) -> pa.Table:
    """Makes a table's quarantine records, one for each place; a long key, value or row is cut."""
    count = places.num_rows
    records = {
        "table": [table.name] * count,
        "file": places["file"],
        "line": places["line"],
        "key": _cut(key, MAX_VALUE),
        "column": column,
        "value": _cut(value, MAX_VALUE),
        "reason": reason,
        "row": _cut(row, MAX_ROW),
    }
    return pa.table(records, schema=QUARANTINE_SCHEMA)


def _cut(texts: Sequence[str | None], most: int) -> list[str | None]:
    return [None if text is None else text[:most] for text in texts]


def provenance_of(files: Sequence[str], lines: Sequence[NDArray[np.int64]]) -> pa.Table:
    """Makes the provenance of rows: for each file, the lines its rows are on."""
    names = [pa.DictionaryArray.from_arrays(np.full(len(at), 0, np.int32), pa.array([file], pa.string()))
             for file, at in zip(files, lines, strict=True)]  # fmt: skip
    texts = pa.chunked_array([name.cast(pa.string()) for name in names], pa.string())
    return pa.Table.from_arrays(
        [texts, pa.chunked_array([pa.array(at, pa.int64()) for at in lines], pa.int64())],
        schema=PROVENANCE_SCHEMA,
    )


def _keys(table: Table, columns: dict[str, Typed], indices: NDArray[np.int64]) -> list[str | None]:
    """What the rows of some indices are of, None where that can't be read."""
    if not table.key:
        return [None] * len(indices)
    return columns[table.key[0]].values.take(pa.array(indices)).cast(pa.string()).to_pylist()


def _faults(table: Table, name: str, typed: Typed) -> pl.Series:
    """What is wrong with each cell of a column; an empty required cell is."""
    wrong = pl.Series(pl.from_arrow(typed.wrong)).cast(pl.String)
    declared = table.column(name)
    if declared is not None and declared.required:
        missing = (pl.Series(pl.from_arrow(typed.values)).is_null() & wrong.is_null()).to_numpy()
        if missing.any():
            wrong = pl.select(
                pl.when(pl.lit(pl.Series(missing))).then(pl.lit(MISSING)).otherwise(wrong)
            ).to_series()
    return wrong
