"""In which form a column's times or numbers are written, by its first cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import polars as pl
import pyarrow as pa

from aisle.components.example_gen.cells import numbers, timestamps
from aisle.components.example_gen.options import how_to_say
from aisle.components.example_gen.values import parse as parsed
from aisle.schema.tables import Kind, Table

ENOUGH = 0.9
"""Of the cells must be of a form: some are always broken."""


def how_to_read(table: Table, column: str, cells: Sequence[str]) -> str:
    """What to set so that cells of a column are read that aren't as they stand.

    Args:
        table: whose column it is.
        column: our name of it.
        cells: that can't be read.
    """
    declared = table.column(column)
    kind = declared.kind if declared is not None else Kind.STRING
    if kind is Kind.STRING:
        return f"fill {column} in every row"
    if kind is Kind.TIMESTAMP:
        form = time_form(cells)
        example = how_to_say("timestamps", table.name, column, form or "%d/%m/%Y %H:%M")
        return f"try {example}" if form else f"say the form of these times, as in {example}"
    for form in ("point", "comma"):
        wrong = parsed(pa.chunked_array([pa.array(cells, pa.string())]), kind, form)[1]
        if wrong.null_count >= ENOUGH * len(cells):
            return f"try {how_to_say('numbers', table.name, column, form)}"
    needed = declared is not None and declared.required
    meaning = '"1"' if needed else '"" for a value that is missing'
    return f'say what such a cell means by [values.{table.name}.{column}], as in "{cells[0]}" = {meaning}'


def time_form(cells: Sequence[str]) -> str | None:
    """The form of times, "" for ISO 8601; None where they are no times.

    Where the day may be the month, it is the form by which the times lie closer to each other, as those of a log do.
    """
    guesses = dict.fromkeys(["", *(timestamps.guess(cell) for cell in cells[:50])])
    forms = dict.fromkeys([*guesses, *(timestamps.swapped(form) for form in guesses)])
    best = _best(cells, forms, timestamps.timestamps)
    return min(best, key=lambda form: _apart(cells, form), default=None)


def _apart(cells: Sequence[str], form: str) -> float:
    """How far the times of a form lie from one to the next, all together."""
    times = (
        pl.DataFrame({"cell": list(cells)}).select(timestamps.timestamps(pl.col("cell"), form)).to_series()
    )
    return float(times.drop_nulls().cast(pl.Float64).diff().abs().sum())


def number_form(cells: Sequence[str]) -> str | None:
    """The form of numbers, "" for plain ones; None where they are no numbers."""
    return next(iter(_best(cells, ["", "point", "comma"], numbers.numbers)), None)


def _best(cells: Sequence[str], forms: Iterable[str], parse: Callable[[pl.Expr, str], pl.Expr]) -> list[str]:
    """The forms that read as many cells as any does, none where no form reads nearly all."""
    if not cells:
        return []
    frame = pl.DataFrame({"cell": list(cells)}, schema={"cell": pl.String})
    shares = {
        form: float(frame.select(parse(pl.col("cell"), form).is_not_null().mean()).item()) for form in forms
    }
    best = max(shares.values())
    return [form for form, share in shares.items() if share == best] if best >= ENOUGH else []
