"""A column of text to typed values, by what the settings say of it."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from aisle.components.example_gen.cells.numbers import like_thousands, other_currencies
from aisle.components.example_gen.cells.tidy import BLANK_IN_CELL, MISSING_MARKER, bare, is_marker, tidy
from aisle.components.example_gen.cells.timestamps import OR_DAY
from aisle.components.example_gen.options import TableReading
from aisle.components.example_gen.shard import Typed
from aisle.components.example_gen.values import parse
from aisle.schema.tables import Kind, Table

SEVERAL_CURRENCIES = "SEVERAL_CURRENCIES"
LIKE_THOUSANDS = "LIKE_THOUSANDS"


def typed_text(cells: pa.ChunkedArray, table: Table, name: str, reading: TableReading) -> Typed:
    """Reads a column of text.

    Args:
        cells: [n] text, null where empty.
        table: whose column it is.
        name: our name of the column; one that isn't declared stays text.
        reading: how the table is read.
    """
    declared = table.column(name)
    kind = declared.kind if declared is not None else Kind.STRING
    tidied = tidy(cells, table, name, reading)
    form = form_of(name, reading)
    if kind is Kind.TIMESTAMP and declared is not None and declared.of_day:
        form = form or OR_DAY
    values, wrong = parse(tidied.cells, kind, form)
    if kind is not Kind.STRING and wrong.null_count < len(wrong):
        # What is around a value, and markers of none, are looked for only where something can't be read as it stands.
        stripped, padded = bare(tidied.cells)
        if padded.any():
            values, wrong = parse(stripped, kind, form)
            tidied.changed[BLANK_IN_CELL] = padded & wrong.is_null().to_numpy()
        marked = pc.and_(pc.is_valid(wrong), is_marker(stripped, declared, reading))
        if pc.any(marked).as_py():
            wrong = pc.if_else(marked, pa.scalar(None, pa.string()), wrong)
            tidied.changed[MISSING_MARKER] = marked.to_numpy().astype(bool)
    if kind is Kind.NUMBER and name in reading.numbers:
        foreign = other_currencies(pl.Series(pl.from_arrow(cells)).cast(pl.String)).to_numpy()
        if foreign.any():
            tidied.changed[SEVERAL_CURRENCIES] = foreign
    if kind is Kind.NUMBER and not form and name == "price":
        parted = like_thousands(pl.Series(pl.from_arrow(cells)).cast(pl.String)).to_numpy()
        if parted.any():
            tidied.changed[LIKE_THOUSANDS] = parted
    return Typed(values, cells, wrong, tidied.changed)


def form_of(name: str, reading: TableReading) -> str:
    """How the settings say that a column's numbers or times are written, "" for the usual way."""
    return reading.timestamps.get(name) or reading.numbers.get(name, "")
