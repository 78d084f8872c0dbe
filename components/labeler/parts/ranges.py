"""Rows in ranges of what they are sorted by: how what visitors did, part by part, comes into the order of all."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import polars as pl

from aisle.components.plans.spool import Spool


def bounds_of(sample: pl.Series, count: int) -> list[Any]:
    """Returns the values at which ranges begin, but the first range, so that each has as much of a sample.

    Args:
        sample: values; nulls tell nothing.
        count: how many ranges; where values repeat, fewer.
    """
    ordered = sample.drop_nulls().sort()
    places = [len(ordered) * number // count for number in range(1, count)] if len(ordered) else []
    return ordered.gather(places).unique(maintain_order=True).to_list()


def range_of(value: pl.Expr, bounds: Sequence[Any]) -> pl.Expr:
    """The range that a value lies in, from 0 to `len(bounds)`; a missing one lies in the first."""
    # By a search: compared with each of the bounds, ten times the events would take a hundred times as long.
    return pl.lit(pl.Series(bounds)).search_sorted(value, side="right") if bounds else pl.lit(0, pl.UInt32)


def send(rows: pl.DataFrame, ranges: pl.Expr, spool: Spool) -> None:
    """Sends rows to the files of their ranges."""
    spool.add(rows, rows.with_columns(ranges.alias("range"))["range"])


class Ordered:
    """Rows that come in any order, on disk by the range they lie in, and are read in order."""

    def __init__(self, folder: pathlib.Path, ranges: int, by: Sequence[str]) -> None:
        """Args: `folder`: made for these rows alone; `ranges`: how many; `by`: the columns that they're sorted by."""
        self._spool, self._by = Spool(folder, ranges), by

    def add(self, rows: pl.DataFrame, ranges: pl.Expr) -> None:
        """Adds rows; `ranges` says in which of them each lies."""
        send(rows, ranges, self._spool)

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Yields all rows in order, a range at a time, once. Rows that agree in `by` keep the order in which they came."""
        for rows in self._spool:
            yield rows.sort(self._by, maintain_order=True)


def kept(pieces: Iterable[pl.DataFrame], folder: pathlib.Path, count: int) -> Iterator[pl.DataFrame]:
    """Puts pieces of a table on disk, each before the next one is asked for, and returns them, to be read once."""
    spool = Spool(folder, count)
    for number, rows in enumerate(pieces):
        spool.add_to(number, rows)
    return iter(spool)


class Sum:
    """The counts of parts added up, in the order in which each key first came: as large as the keys are many."""

    def __init__(self, by: Sequence[str]) -> None:
        """Args: `by`: what is counted by."""
        self._by = by
        self._counts: list[pl.DataFrame] = []

    def add(self, counts: pl.DataFrame) -> None:
        """Adds those of a part: the columns counted by, and numbers."""
        both = pl.concat([*self._counts, counts])
        self._counts = [both.group_by(self._by, maintain_order=True).agg(pl.all().sum())]

    def total(self) -> pl.DataFrame:
        """Returns the sums, of a part at least."""
        return self._counts[0]
