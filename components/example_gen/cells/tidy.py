"""What is done to a cell of text before it is read: markers of nothing become nothing, and a shop's values ours.

What the settings don't ask for by name is counted, so that it can be said.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aisle.components.example_gen.options import TableReading
from aisle.schema.events import canonical, names
from aisle.schema.tables import EVENTS, Column, Kind, Table

MISSING_MARKER = "MISSING_MARKER"
INVISIBLE_CHARACTER = "INVISIBLE_CHARACTER"
BLANK_IN_CELL = "BLANK_IN_CELL"
WHOLE_FLOAT = "WHOLE_FLOAT"

_INVISIBLE = r"[\p{Default_Ignorable_Code_Point}\u202A-\u202E\uFEFF]"
"""Zero widths, marks of direction, soft hyphens, selectors of a variant: ids that differ by them alone look the same."""
_AROUND = r"^[\s\p{Cf}]+|[\s\p{Cf}]+$"


@dataclasses.dataclass(frozen=True)
class Tidied:
    """A column's cells, and by what was done to them which ones."""

    cells: pa.ChunkedArray
    changed: dict[str, NDArray[np.bool_]]


def tidy(cells: pa.ChunkedArray, table: Table, name: str, reading: TableReading) -> Tidied:
    """Tidies a column of text; of a number's or a time's, the markers are left to the one who reads them.

    Args:
        cells: [n] text, null where empty.
        table: whose column it is.
        name: our name of the column.
        reading: the markers of missing values, and the shop's values.
    """
    column = table.column(name)
    changed: dict[str, NDArray[np.bool_]] = {}
    if column is None or column.kind is Kind.STRING:
        marked = is_marker(cells, column, reading)
        if pc.any(marked).as_py():
            changed[MISSING_MARKER] = marked.to_numpy().astype(bool)
            cells = pc.if_else(marked, pa.scalar(None, pa.string()), cells)
    if column is not None and column.identifier and not _ascii(cells):
        cells, hidden = _without_invisible(cells)
        if hidden.any():
            changed[INVISIBLE_CHARACTER] = hidden
    if column is not None and column.identifier:
        cells, floats = _without_zero(cells)
        if floats.any():
            changed[WHOLE_FLOAT] = floats
    ours = dict(reading.values.get(name, {}))
    if table is EVENTS and name == "event":
        there = pc.unique(cells).drop_null().to_pylist()
        # The case and blanks of our own names are the Cleaner's to mend, which counts them.
        others = (name for name in there if name.strip().lower() not in names())
        ours = {theirs: kind for theirs in others if (kind := canonical(theirs))} | ours
    return Tidied(_replaced(cells, ours) if ours else cells, changed)


def is_marker(cells: pa.ChunkedArray, column: Column | None, reading: TableReading) -> pa.ChunkedArray:
    """Which cells of a column mean that a value is missing: [n] booleans."""
    text = column is None or (column.kind is Kind.STRING and not column.identifier)
    markers = reading.missing if text else (*reading.missing, *reading.missing_beside_text)
    return pc.is_in(cells, value_set=pa.array(markers, pa.string()))


def bare(cells: pa.ChunkedArray) -> tuple[pa.ChunkedArray, NDArray[np.bool_]]:
    """Cells of numbers or times without the blanks, and what else can't be seen, around them; null where no more is there.

    Args:
        cells: [n] text.

    Returns:
        [n] the bare cells, and which of them had anything around them.
    """
    before = pl.Series(pl.from_arrow(cells)).cast(pl.String)
    stripped = before.str.replace_all(_AROUND, "")
    padded = (stripped != before).fill_null(False)
    return text_of(stripped.set(stripped == "", None)), padded.to_numpy()


def _without_zero(cells: pa.ChunkedArray) -> tuple[pa.ChunkedArray, NDArray[np.bool_]]:
    """Whole floats as pandas writes identifiers of numbers that have gaps (`12.0`), without their zero."""
    before = pl.Series(pl.from_arrow(cells)).cast(pl.String)
    ends = before.str.ends_with(".0").fill_null(False)
    if not ends.any():
        return cells, ends.to_numpy()
    floats = ends & before.str.contains(r"^[0-9]+\.0$").fill_null(False)
    whole = pl.select(pl.when(floats).then(before.str.strip_suffix(".0")).otherwise(before)).to_series()
    return text_of(whole), floats.to_numpy()


def _ascii(cells: pa.ChunkedArray) -> bool:
    """Whether all cells are ASCII; a slice of a larger array is taken as the whole."""
    buffers = (chunk.buffers()[2] for chunk in cells.chunks)
    return not any(b is not None and np.frombuffer(b, np.uint8).max(initial=0) >= 0x80 for b in buffers)


def _without_invisible(cells: pa.ChunkedArray) -> tuple[pa.ChunkedArray, NDArray[np.bool_]]:
    before = pl.Series(pl.from_arrow(cells))
    stripped = before.str.replace_all(_INVISIBLE, "")
    hidden = (stripped != before).fill_null(False).to_numpy()
    return text_of(stripped.set(stripped == "", None)), hidden


def _replaced(cells: pa.ChunkedArray, ours: dict[str, str]) -> pa.ChunkedArray:
    replaced = pl.Series(pl.from_arrow(cells)).replace(list(ours), [value or None for value in ours.values()])
    return text_of(replaced)


def text_of(series: pl.Series) -> pa.ChunkedArray:
    """A series of text as Arrow's plain strings."""
    return pa.chunked_array([series.to_arrow().cast(pa.string())])
