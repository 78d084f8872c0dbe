"""A column of text to typed values, by what the settings say of it."""

from __future__ import annotations

import pyarrow as pa

from aisle.components.example_gen.cells.tidy import tidy
from aisle.components.example_gen.options import TableReading
from aisle.components.example_gen.shard import Typed
from aisle.components.example_gen.values import parse
from aisle.schema.tables import Kind, Table


def typed_text(cells: pa.ChunkedArray, table: Table, name: str, reading: TableReading) -> Typed:
    """Reads a column of text.

    Args:
        cells: [n] text, null where empty.
        table: whose column it is.
        name: our name of the column; one that isn't declared stays text.
        reading: how the table is read.
    """
    declared = table.column(name)
    tidied = tidy(cells, table, name, reading)
    kind = declared.kind if declared is not None else Kind.STRING
    values, wrong = parse(tidied.cells, kind, form_of(name, reading))
    return Typed(values, cells, wrong, tidied.changed)


def form_of(name: str, reading: TableReading) -> str:
    """How the settings say that a column's numbers or times are written, "" for the usual way."""
    return reading.timestamps.get(name) or reading.numbers.get(name, "")
