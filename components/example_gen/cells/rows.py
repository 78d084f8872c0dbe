"""What is done to whole rows before their cells are read: those that aren't the table's go, gaps of a group are filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from aisle.components.example_gen.options import TableReading

SKIPPED_ROWS = "SKIPPED_ROWS"


class RowRules:
    """The settings `skip` and `filled_down` of a table, on the cells of its files, piece by piece.

    Some exports write what is of the whole thing (a product's title, an order's customer) into its first row alone. What is
    skipped for an empty cell is judged before gaps are filled, what is skipped for a value after it.
    """

    def __init__(self, reading: TableReading) -> None:
        """Args: `reading`: how the table is read."""
        self._skip = reading.skip
        self._group = reading.filled_down
        self._last: pl.DataFrame | None = None

    def apply(self, cells: pa.Table) -> tuple[pa.Table, dict[str, NDArray[np.bool_]]]:
        """Applies the rules to consecutive rows.

        Args:
            cells: [n] by the file's headers, null where empty.

        Returns:
            The cells of all rows, gaps filled, and by header which rows are skipped for what they have there.
        """
        empty = {header: ("",) for header, values in self._skip.items() if "" in values}
        skipped = _rows_with(cells, empty)
        if self._group in cells.column_names:
            cells = self._filled(cells)
        for header, which in _rows_with(cells, self._skip, but="").items():
            skipped[header] = skipped[header] | which if header in skipped else which
        return cells, skipped

    def _filled(self, cells: pa.Table) -> pa.Table:
        frame = pl.DataFrame(pl.from_arrow(cells))
        known = self._last is not None and self._last.schema == frame.schema
        whole = pl.concat([self._last, frame]) if known and self._last is not None else frame
        group = pl.col(self._group)
        filled = whole.with_columns(pl.all().exclude(self._group).forward_fill().over(group))
        filled = whole.select(
            pl.when(group.is_null()).then(pl.col(name)).otherwise(filled[name]).alias(name)
            for name in whole.columns
        )
        self._last = filled.tail(1)
        filled = filled.tail(len(frame))
        return filled.to_arrow().cast(cells.schema)


def _rows_with(
    cells: pa.Table, wanted: Mapping[str, Sequence[str]], but: str | None = None
) -> dict[str, NDArray[np.bool_]]:
    """By header, which rows have one of some values there; "" is an empty cell."""
    found: dict[str, NDArray[np.bool_]] = {}
    for header, values in wanted.items():
        if header in cells.column_names:
            column = pl.Series(pl.from_arrow(cells.column(header))).cast(pl.String).fill_null("")
            which = column.is_in([value for value in values if value != but]).to_numpy()
            if which.any():
                found[header] = which
    return found
