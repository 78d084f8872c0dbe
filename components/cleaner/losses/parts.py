"""The parts of a table that lost rows: the whole, its kinds of event, days, categories, brands and files."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from typing import Any

import polars as pl

from aisle.components.cleaner.losses.fates import CATEGORY, EVENT
from aisle.components.cleaner.losses.tally import EXAMPLES, WHOLE, Tally


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of a table.

    Attributes:
        table: whose part it is.
        by: the column of the fates that tells it; `WHOLE` for all of the table.
        value: its value there.
        rows: how many were read.
        lost: how many of them were quarantined.
    """

    table: str
    by: str
    value: str
    rows: int
    lost: int

    @property
    def name(self) -> str:
        """What `LossOptions.allowed` calls it: `events`, or `events.event=purchase`."""
        return f"{self.table}.{self.by}={self.value}" if self.by else self.table

    @property
    def share(self) -> float:
        """The share of its rows that was lost."""
        return self.lost / self.rows if self.rows else 0.0

    @property
    def is_gone(self) -> bool:
        """Whether nothing of it is left."""
        return 0 < self.rows == self.lost


def parts(table: str, tally: Tally) -> Iterator[Part]:
    """Yields the whole table and its kinds of event, and of its other parts those that lost something.

    A category is also each level above it; below one of which nothing is left, its levels are not told apart. What
    all rows are of is no part.

    Args:
        table: its name.
        tally: of its rows' fates.
    """
    yield Part(table, WHOLE, "", tally.rows, int(tally.reasons[WHOLE]["rows"].sum()))
    for by, counts in tally.counts.items():
        if by == CATEGORY:
            counts = _with_levels_above(counts)
        if by != EVENT:
            counts = counts.filter((pl.col("lost") > 0) & (pl.lit(len(counts)) > 1))
        found = [
            Part(table, by, *row) for row in counts.sort("lost", by, descending=[True, False]).iter_rows()
        ]
        yield from _outermost(found) if by == CATEGORY else found


def reasons_of(part: Part, tally: Tally) -> list[dict[str, Any]]:
    """Returns why the rows of a part were lost, in the order in which the reasons came.

    Of each reason are told its `column`, `reason`, how many `rows`, and the first `EXAMPLES` of them: `file`, `line`, `value`.
    """
    counts, examples = tally.reasons[part.by], tally.examples[part.by]
    if part.by != WHOLE:
        cell = pl.col(part.by)
        within = cell.str.starts_with(f"{part.value}/") if part.by == CATEGORY else False
        counts, examples = (rows.filter((cell == part.value) | within) for rows in (counts, examples))
    rows: Counter[tuple[str, str]] = Counter()
    for column, reason, count in counts.select("column", "reason", "rows").iter_rows():
        rows[column, reason] += count
    first: dict[tuple[str, str], list[dict[str, Any]]] = {}
    # The rows of a category's levels came in turn.
    for row in examples.sort("at").iter_rows(named=True):
        told = first.setdefault((row["column"], row["reason"]), [])
        if len(told) < EXAMPLES:
            told.append({name: row[name] for name in ("file", "line", "value")})
    return [
        {"column": column, "reason": reason, "rows": rows[column, reason], "examples": told}
        for (column, reason), told in first.items()
    ]


def _with_levels_above(counts: pl.DataFrame) -> pl.DataFrame:
    """Counts by category also for the levels above each: `Home/Mug` is also of `Home`."""
    paths = [path.split("/") for path in counts[CATEGORY]]
    levels = [["/".join(names[: depth + 1]) for depth in range(len(names))] for names in paths]
    each = counts.with_columns(pl.Series(CATEGORY, levels, dtype=pl.List(pl.String))).explode(CATEGORY)
    return each.group_by(CATEGORY).agg(pl.col("rows", "lost").sum())


def _outermost(found: list[Part]) -> list[Part]:
    """Leaves out categories below one of which nothing is left."""
    gone = tuple(f"{part.value}/" for part in found if part.is_gone)
    return [part for part in found if not part.value.startswith(gone)]
