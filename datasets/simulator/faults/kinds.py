"""What a fault of a simulated feed is: the edits that events, items and users have in common.

A fault edits cells of a row in place, puts an edited copy of it further down, or breaks the line
itself. Whole sessions of bots are made in `bots`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeVar

import numpy as np

_T = TypeVar("_T")
Row = dict[str, str]
"""A line's cells by column, as text; bytes that are not UTF-8 stand as surrogate escapes."""
Edit = Callable[[Row, np.random.Generator], str]
"""Changes the row in place and returns the column it changed; "" where the whole row is the fault."""

MISTYPED = ("N/A", "1_000", "\uff11\uff12", "twelve", "1,5")
NOT_NUMBERS = ("NaN", "inf", "-inf")
NOT_UTF8 = b"caf\xe9 \xff".decode("utf-8", "surrogateescape")


@dataclasses.dataclass(frozen=True)
class FaultKind:
    """A kind of fault.

    Attributes:
        name: its name in the ground truth.
        edit: what it does to the cells.
        sales_only: whether it needs a row with a quantity and a price.
        copy: whether the row stays, and the edited copy is put further down.
        ragged: whether the line also loses its last cell, or gains one.
    """

    name: str
    edit: Edit
    sales_only: bool = False
    copy: bool = False
    ragged: bool = False


def draw(values: tuple[_T, ...], rng: np.random.Generator) -> _T:
    """Returns one of `values`."""
    return values[int(rng.integers(len(values)))]


def one_of(column: str, *values: str) -> Edit:
    """Returns an edit that overwrites the column with one of `values`."""

    def edit(row: Row, rng: np.random.Generator) -> str:
        row[column] = draw(values, rng)
        return column

    return edit


def number(column: str, low: int, high: int) -> Edit:
    """Returns an edit that overwrites the column with a whole number from `low` to below `high`."""

    def edit(row: Row, rng: np.random.Generator) -> str:
        row[column] = str(int(rng.integers(low, high)))
        return column

    return edit


def append(column: str, *values: str) -> Edit:
    """Returns an edit that puts one of `values` behind what the column holds."""

    def edit(row: Row, rng: np.random.Generator) -> str:
        row[column] += draw(values, rng)
        return column

    return edit


def whole_row(row: Row, rng: np.random.Generator) -> str:
    """Leaves the cells as they are: the line itself is the fault."""
    return ""


def misplaced_point(row: Row, rng: np.random.Generator) -> str:
    """Writes the price in pence, or pence as a price: a hundred times too much or too little."""
    row["price"] = f"{float(row['price']) * draw((0.01, 100.0), rng):.6g}"
    return "price"


def bad_price(row: Row, rng: np.random.Generator) -> str:
    """Writes a price of nothing or less."""
    row["price"] = draw(("0", "0.0", f"-{row['price']}"), rng)
    return "price"


def in_year(year: int, timestamp: str) -> str:
    """Returns the same moment of another year."""
    return f"{year}{timestamp[4:]}".replace("-02-29", "-02-28")


def noisy(column: str, case: bool = True, blank: str = "\u00a0") -> Edit:
    """Returns an edit that leaves the meaning and changes white space and, if wanted, case; `blank` is white space too."""

    def edit(row: Row, rng: np.random.Generator) -> str:
        value = row[column]
        if case:
            noise = (f"  {value.upper()} ", value.lower().replace("/", " / ") + " ", f"\t{value.swapcase()}")
        else:
            noise = (f"  {value}", f"{value}{blank}", f"\t{value} ")
        row[column] = draw(noise, rng)
        return column

    return edit
