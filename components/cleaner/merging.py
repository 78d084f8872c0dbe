"""The ledgers of a table's parts as the one that the whole table would have: on disk, a step's rows in order."""

from __future__ import annotations

import collections
import pathlib
import tempfile
from collections.abc import Iterator
from typing import Any

import polars as pl

from aisle.components.cleaner.evidence import evidence_of
from aisle.components.cleaner.ledger import NONE_TAKEN, Ledger
from aisle.components.plans.spool import ROW, Spool

_EXAMPLES = 3
_HELD = 1 << 18
"""So many rows of a step are held while they are put in order."""
_SAID = ("step", "reason", "outcome", "column")


class Merged:
    """What the ledgers of a table's parts say: which rows each step touched, and the records of those taken out.

    All parts took the same steps, if each of them touched none of some parts' rows. Of the rows nothing is held.

    Attributes:
        left: how many rows are left of the parts that ended.
    """

    def __init__(self, table: str, folder: pathlib.Path, rows: int, ranges: int) -> None:
        """Opens the files.

        Args:
            table: its name.
            folder: made for them.
            rows: how many rows the table has.
            ranges: in so many ranges of their numbers `taken` reads the rows that were taken out.
        """
        self.left = 0
        self._table, self._folder, self._rows = table, folder, rows
        # A file a step, which is numbered by its call.
        self._touched, self._records = (Spool(folder / name, 0) for name in ("touched", "records"))
        self._steps: dict[int, list[tuple[dict[str, Any], pl.Series]]] = collections.defaultdict(list)
        self._files: dict[str, int] = {}
        self._taken = Spool(folder / "taken", ranges)
        self._loaded: dict[int, pl.DataFrame] = {}

    def take(self, part: Ledger) -> None:
        """Takes what a part's ledger says so far, which it then forgets."""
        taken = zip(part.quarantine, part.taken, strict=True)
        for (call, rows), step, evidence in zip(part.entries, part.steps, part.evidence, strict=True):
            self._steps[call].append((step, rows.head(_EXAMPLES)))
            places = evidence.select(rows.alias(ROW), self._code(evidence["file"]), "line")
            self._touched.add_to(call, places)
            if step["outcome"] == "quarantined":
                records, numbers = next(taken)
                self._records.add_to(call, records.with_columns(numbers[ROW]))
        part.forget()

    def enter_into(self, whole: Ledger) -> None:
        """Enters the steps into the table's ledger, and puts in order which rows were taken out."""
        whole.left = self.left
        for call in sorted(self._steps):
            said = self._said(call)
            first = {
                number: example
                for step, numbers in self._steps[call]
                for number, example in zip(numbers, step["examples"], strict=True)
            }
            examples = [first[number] for number in sorted(first)[:_EXAMPLES]]
            whole.enter(**said, rows=self._count(call), examples=examples)
            for records in self._records.pieces(call):
                taken = records.select(ROW, "column", "value", "reason")
                self._taken.add(taken, self._range(taken[ROW], self._taken.count))

    def evidence(self) -> Iterator[pl.DataFrame]:
        """Yields every row touched and why, step by step (`tables.EVIDENCE_SCHEMA`)."""
        names = pl.Series("file", [*self._files], pl.Categorical)
        for call in sorted(self._steps):
            step, reason, outcome, _ = self._said(call).values()
            for rows in self._in_order(self._touched, call):
                places = rows.select(names.gather(rows["file"]), "line")
                yield evidence_of(self._table, places, step, reason, outcome)

    def quarantine(self) -> Iterator[pl.DataFrame]:
        """Yields the records of the rows taken out, step by step (`tables.QUARANTINE_SCHEMA`)."""
        for call in sorted(self._steps):
            if self._said(call)["outcome"] == "quarantined":
                for rows in self._in_order(self._records, call):
                    yield rows.drop(ROW)

    def taken(self, first: int, rows: int) -> pl.DataFrame:
        """Returns which rows were taken out of some that follow each other, and of their neighbours: see `Ledger.taken`.

        Args:
            first: number of the first one.
            rows: how many they are.
        """
        ends = pl.Series([first, min(first + max(rows, 1), self._rows) - 1], dtype=pl.UInt32)
        least, most = self._range(ends, self._taken.count)
        self._loaded = {
            number: self._loaded[number] if number in self._loaded else self._taken.read(number)
            for number in range(least, most + 1)
        }
        return pl.concat([NONE_TAKEN, *self._loaded.values()], how="diagonal")

    def _said(self, call: int) -> dict[str, Any]:
        """What all parts say of a step."""
        said, *others = ({name: step[name] for name in _SAID} for step, _ in self._steps[call])
        differing = [other for other in others if other != said]
        if differing:
            raise ValueError(f"parts of {self._table} took other steps: {said}, {differing[0]}")
        return said

    def _count(self, call: int) -> int:
        return sum(step["rows"] for step, _ in self._steps[call])

    def _in_order(self, spool: Spool, call: int) -> Iterator[pl.DataFrame]:
        """Yields a step's rows by their numbers, in ranges where they are many."""
        ranges = -(-self._count(call) // _HELD)
        if ranges == 1:
            yield spool.read(call)
            return
        with tempfile.TemporaryDirectory(dir=self._folder) as scratch:
            ordered = Spool(pathlib.Path(scratch, "ordered"), ranges)
            for rows in spool.pieces(call):
                ordered.add(rows, self._range(rows[ROW], ranges))
            yield from ordered

    def _range(self, rows: pl.Series, ranges: int) -> pl.Series:
        """In which of some ranges each row lies."""
        return rows.cast(pl.UInt64) * ranges // self._rows

    def _code(self, files: pl.Series) -> pl.Series:
        """Numbers that stand for files: of one file's rows there are many."""
        for name in files.unique(maintain_order=True):
            self._files.setdefault(name, len(self._files))
        return files.cast(pl.String).replace_strict(
            [*self._files], [*self._files.values()], return_dtype=pl.UInt32
        )
