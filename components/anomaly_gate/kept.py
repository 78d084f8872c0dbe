"""A table's rows, asked piece by piece: a piece shows a summary of some columns, and one answer is made of all summaries.

What is asked is a `Question` of a plan (`aisle.components.plans.plan`), so that a table is never held but for a piece of it.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import pathlib
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa

from aisle.components.plans.ahead import ahead
from aisle.components.plans.plan import Question, Stage, carry_out, nothing
from aisle.components.plans.spool import ROW
from aisle.components.tables import QUARANTINE_SCHEMA, StoredRows, quarantine_pieces

MAX_EXAMPLES = 3
"""How many examples a finding carries."""
PIECE_ROWS = 1 << 19
"""Rows of a piece, about; of each only the columns that are asked for are read."""

Answer = TypeVar("Answer")
Place = dict[str, Any]
"""`file` and `line` of a row."""


@dataclasses.dataclass(frozen=True)
class Rows:
    """The rows of a table.

    Attributes:
        schema: of their columns.
        num_rows: how many there are.
        count: in how many pieces they come.
        read: yields some columns of all rows in their order, piece by piece; it may be called again.
        at: where the row of a number (from 0) came from, and what a column holds there.
    """

    schema: pa.Schema
    num_rows: int
    count: int
    read: Callable[[Sequence[str]], Iterator[pa.Table]]
    at: Callable[[int, str], tuple[Place, Any]] = lambda number, column: (nowhere(number), None)
    _found: dict[str, Any] = dataclasses.field(default_factory=dict)

    def once(self, what: str, find: Callable[[], Answer]) -> Answer:
        """Returns what was found out under this name before, else finds it: several findings ask for the same."""
        if what not in self._found:
            self._found[what] = find()
        answer: Answer = self._found[what]
        return answer

    def numbers(self) -> list[str]:
        """Names the columns of numbers."""
        return [f.name for f in self.schema if pa.types.is_integer(f.type) or pa.types.is_floating(f.type)]


def held_rows(rows: pa.Table, provenance: pa.Table | None = None, piece_rows: int = PIECE_ROWS) -> Rows:
    """Returns rows that are in memory, in pieces of so many.

    Args:
        rows: flat.
        provenance: where each came from (`tables.PROVENANCE_SCHEMA`); without it a row's line is its number, from 1.
        piece_rows: rows of a piece.
    """

    def read(columns: Sequence[str]) -> Iterator[pa.Table]:
        chosen = rows.select(list(columns))
        for first in range(0, max(rows.num_rows, 1), piece_rows):
            yield chosen.slice(first, piece_rows)

    def at(number: int, column: str) -> tuple[Place, Any]:
        place = provenance.slice(number, 1).to_pylist()[0] if provenance is not None else nowhere(number)
        return place, rows.column(column)[number].as_py()

    return Rows(rows.schema, rows.num_rows, max(1, -(-rows.num_rows // piece_rows)), read, at)


def stored_rows(stored: StoredRows, piece_rows: int = PIECE_ROWS) -> Rows:
    """Returns the rows of an artifact: a piece is as many of its row groups as have about so many rows."""
    ends = [0, *itertools.accumulate(stored.sizes)]
    pieces = [
        [group for group, _ in run]
        for _, run in itertools.groupby(enumerate(ends[:-1]), key=lambda one: one[1] // piece_rows)
    ]

    def read(columns: Sequence[str]) -> Iterator[pa.Table]:
        for groups in pieces or [[]]:
            yield stored.read(groups, columns)

    def at(number: int, column: str) -> tuple[Place, Any]:
        group = bisect.bisect_right(ends, number) - 1
        within = number - ends[group]
        place = stored.places([group]).slice(within, 1).to_pylist()[0]
        return place, stored.read([group], [column])[column][within].as_py()

    return Rows(stored.schema, ends[-1], max(1, len(pieces)), read, at)


def lost_rows(uri: str, rows: int) -> Rows:
    """Returns the rows of a Quarantine artifact, of which there are so many."""

    def read(columns: Sequence[str]) -> Iterator[pa.Table]:
        yield QUARANTINE_SCHEMA.empty_table().select(list(columns))
        yield from quarantine_pieces(uri, columns)

    return Rows(QUARANTINE_SCHEMA, rows, max(1, -(-rows // PIECE_ROWS)), read)


def nowhere(number: int) -> Place:
    """The place of a row of which nobody wrote down where it was."""
    return {"file": "", "line": number + 1}


def ask(
    rows: Rows,
    columns: Sequence[str],
    show: Callable[[pl.DataFrame], pl.DataFrame],
    answer: Callable[[pl.DataFrame], Any] = lambda shown: shown,
    by: str = "",
) -> Any:
    """Asks all pieces of a table.

    Args:
        rows: of the table.
        columns: of which a piece is told, beside the numbers of its rows (`spool.ROW`).
        show: what a piece shows; never an empty frame without columns.
        answer: makes the answer of all that was shown; it must not tell how many pieces there were.
        by: a column of what is shown, as `plan.Question` has it: where it may have as many values as there are rows.
    """
    question = Question[pl.DataFrame]("asked", lambda piece, told: show(piece), answer, by)
    return carry_out([Stage(nothing, (question,))], _Asked(rows, columns))["asked"]


def where(rows: Rows, column: str, holds: Callable[[pl.Series], pl.Series]) -> tuple[int, list[int]]:
    """Returns of how many rows something holds, and the numbers of the first, as many as a finding has examples.

    Args:
        rows: of a table.
        column: that tells it.
        holds: of a piece of the column: [n] booleans, null for no.
    """

    def show(piece: pl.DataFrame) -> pl.DataFrame:
        found = piece.select(ROW).filter(holds(piece[column]).fill_null(False))
        first = pl.int_range(pl.len()) == 0
        counted = pl.when(first).then(len(found)).otherwise(0).cast(pl.Int64)
        return found.head(MAX_EXAMPLES).with_columns(rows=counted)

    found = ask(rows, [column], show)
    return int(found["rows"].sum()), found[ROW].head(MAX_EXAMPLES).to_list()


def drawn(piece: pl.DataFrame, total: int, most: int) -> pl.DataFrame:
    """Returns those rows of a piece that are among about `most` of all, drawn with a fixed seed by their numbers alone.

    Args:
        piece: rows in their order, with their numbers (`spool.ROW`).
        total: rows of the table; all are drawn where there are no more than `most`.
        most: about so many are drawn.
    """
    if piece.is_empty() or total <= most:
        return piece
    bits = np.random.PCG64(0)
    # A row's draw is the one of its number, whichever piece it is in.
    bits.advance(int(piece[ROW][0]))
    chance = np.random.Generator(bits).random(len(piece))
    return piece.filter(pl.Series(chance * total < most))


class _Asked:
    """Some columns of the pieces, as frames, each row with its number (`plan.Parts`)."""

    folder: pathlib.Path | None = None
    """Files are made wherever the machine has room."""

    def __init__(self, rows: Rows, columns: Sequence[str]) -> None:
        self.count = rows.count
        self._rows, self._columns = rows, columns

    def visit(
        self, work: Callable[[pl.DataFrame], None], reads: Collection[str] | None = None, ends: bool = False
    ) -> None:
        first = 0
        for piece in ahead(self._rows.read(self._columns)):
            work(pl.DataFrame(pl.from_arrow(piece)).with_row_index(ROW, offset=first))
            first += piece.num_rows
