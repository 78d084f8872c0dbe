"""In which form a column's times or numbers are written, by its first cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import polars as pl

from aisle.components.example_gen.cells import numbers, timestamps

ENOUGH = 0.9
"""Of the cells must be of a form: some are always broken."""


def time_form(cells: Sequence[str]) -> str | None:
    """The form of times, "" for ISO 8601; None where they are no times."""
    guesses = dict.fromkeys(["", *(timestamps.guess(cell) for cell in cells[:50])])
    swapped = [form.replace("%m/%d", "%d/%m") for form in guesses if "%m/%d" in form]
    return _best(cells, [*guesses, *swapped], timestamps.timestamps)


def number_form(cells: Sequence[str]) -> str | None:
    """The form of numbers, "" for plain ones; None where they are no numbers."""
    return _best(cells, ["", "point", "comma"], numbers.numbers)


def _best(cells: Sequence[str], forms: Iterable[str], parse: Callable[[pl.Expr, str], pl.Expr]) -> str | None:
    """The first form that reads nearly as many cells as any does."""
    if not cells:
        return None
    frame = pl.DataFrame({"cell": list(cells)}, schema={"cell": pl.String})
    shares = {
        form: float(frame.select(parse(pl.col("cell"), form).is_not_null().mean()).item()) for form in forms
    }
    best = max(shares.values())
    return next(form for form, share in shares.items() if share == best) if best >= ENOUGH else None
