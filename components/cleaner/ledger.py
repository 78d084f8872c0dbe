"""The ledger of one table: what became of every row, step by step."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import polars as pl

from aisle.components.cleaner.evidence import evidence_of, quarantine_records
from aisle.components.plans.spool import ROW
from aisle.components.tables import MAX_VALUE

_EXAMPLES = 3
_LOST = ("quarantined", "merged")
NONE_TAKEN = pl.DataFrame(
    schema={ROW: pl.UInt32, "column": pl.String, "value": pl.String, "reason": pl.String}
)
"""What `Ledger.taken` holds of rows, where there is none."""


@dataclasses.dataclass
class Ledger:
    """A table, or a part of one, on its way through the cleaner.

    Attributes:
        table: its name.
        rows: what is left of it, with the column `ROW`.
        places: the `file` and `line` of each row, by its number.
        read: how many rows the reader met.
        left: how many are left, where `rows` doesn't hold them.
        numbers: of a part, which rows' places those are, ascending; None where they are all of the table's.
        calls: how many steps were taken so far, those that touched no row too.
        entries: of each of `steps`, but of those that tell what couldn't be read, its call and the numbers of the rows touched.
        steps: what was done so far.
        evidence: every row touched, a frame for each step (`tables.EVIDENCE_SCHEMA`).
        quarantine: records of the rows taken out, a frame for each step (`tables.QUARANTINE_SCHEMA`).
        taken: which rows those were: `ROW`, and `column`, `value` and `reason` of the record.
        done: of a part, the rows that were set aside: no step has anything more to say of them; None where all stay.
    """

    table: str
    rows: pl.DataFrame
    places: pl.DataFrame
    read: int
    left: int | None = None
    numbers: pl.Series | None = None
    calls: int = 0
    entries: list[tuple[int, pl.Series]] = dataclasses.field(default_factory=list)
    steps: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    evidence: list[pl.DataFrame] = dataclasses.field(default_factory=list)
    quarantine: list[pl.DataFrame] = dataclasses.field(default_factory=list)
    taken: list[pl.DataFrame] = dataclasses.field(default_factory=list)
    done: list[pl.DataFrame] | None = None

    @classmethod
    def open(
        cls, table: str, rows: pl.DataFrame, places: pl.DataFrame, unread: pl.DataFrame, elsewhere: int = 0
    ) -> Ledger:
        """Opens the ledger of a table that was just read.

        Args:
            table: its name.
            rows: what could be read.
            places: where each of them was read, as `tables.PROVENANCE_SCHEMA`.
            unread: what could not, as `tables.QUARANTINE_SCHEMA`.
            elsewhere: how many more rows could be read.
        """
        ledger = cls(table, rows.with_row_index(ROW), places, len(rows) + elsewhere + len(unread))
        ledger._unread(unread)
        return ledger

    def take_out(self, step: str, reason: str, column: str, wrong: pl.Expr | pl.Series) -> None:
        """Moves the rows where `wrong` is true to the quarantine."""
        gone = self._remove(step, reason, "quarantined", wrong, column)
        if len(gone):
            places, cells = self._at(gone[ROW]), gone.drop(ROW)
            records = quarantine_records(self.table, places, cells, column, reason)
            self.quarantine.append(records)
            self.taken.append(records.select(gone[ROW], "column", "value", "reason"))

    def merge(self, step: str, reason: str, surplus: pl.Expr | pl.Series) -> None:
        """Drops the rows where `surplus` is true: another row stands for each."""
        self._remove(step, reason, "merged", surplus)

    def note(self, step: str, reason: str, noted: pl.Expr | pl.Series) -> None:
        """Counts rows that stay as they are."""
        self.calls += 1
        rows = self.rows.filter(self._flags(noted))
        self._add(step, reason, "noted", rows[ROW], self._examples(rows))

    def change(self, step: str, reason: str, column: str, values: pl.Expr | pl.Series) -> None:
        """Gives a column new values, and counts the rows that differ."""
        self.calls += 1
        after = self.rows.with_columns(values.alias(column))
        differs = self.rows[column].ne_missing(after[column])
        if differs.any():
            changed, became = self.rows[column].filter(differs), after[column].filter(differs)
            rows = self.rows[ROW].filter(differs)
            examples = [
                {**place, "before": _cells({column: old}), "after": _cells({column: new})}
                for place, old, new in zip(
                    self._places(rows), changed.head(_EXAMPLES), became.head(_EXAMPLES), strict=True
                )
            ]
            self._add(step, reason, "changed", rows, examples, column)
        self.rows = after

    def set_aside(self, settled: pl.Expr) -> None:
        """Sets the rows aside of which no step that is still to come can say anything, where they may leave before others.

        Whoever holds the part puts them where the last step's rows go, and spares to write and read them until then.
        """
        if self.done is not None:
            chosen = self._flags(settled)
            self.done.append(self.rows.filter(chosen))
            self.rows = self.rows.filter(~chosen)

    def summary(self) -> dict[str, Any]:
        """Returns the table's entry of the ledger; read = used + quarantined + merged."""
        totals = {
            outcome: sum(step["rows"] for step in self.steps if step["outcome"] == outcome)
            for outcome in _LOST
        }
        used = len(self.rows) if self.left is None else self.left
        return {"read": self.read, "used": used, **totals, "steps": self.steps}

    def forget(self) -> None:
        """Forgets what was done so far, but for how many steps that were; who calls has written it down."""
        for told in (self.entries, self.steps, self.evidence, self.quarantine, self.taken):
            told.clear()

    def _unread(self, quarantine: pl.DataFrame) -> None:
        """Enters what the reader quarantined, a step for each reason."""
        parts = quarantine.partition_by("reason", as_dict=True, maintain_order=True)
        for (reason,), part in parts.items():
            examples = [_unread_example(record) for record in part.head(_EXAMPLES).iter_rows(named=True)]
            places = part.select("file", "line")
            self.enter("read", str(reason), "quarantined", len(part), examples, "")
            self.evidence.append(evidence_of(self.table, places, "read", str(reason), "quarantined"))

    def _remove(
        self, step: str, reason: str, outcome: str, which: pl.Expr | pl.Series, column: str = ""
    ) -> pl.DataFrame:
        self.calls += 1
        chosen = self._flags(which)
        if not chosen.any():
            return self.rows.clear()
        gone = self.rows.filter(chosen)
        self.rows = self.rows.filter(~chosen)
        self._add(step, reason, outcome, gone[ROW], self._examples(gone), column)
        return gone

    def _flags(self, which: pl.Expr | pl.Series) -> pl.Series:
        chosen = self.rows.select(which).to_series() if isinstance(which, pl.Expr) else which
        return chosen.fill_null(False)

    def _examples(self, rows: pl.DataFrame) -> list[dict[str, Any]]:
        cells = rows.head(_EXAMPLES).drop(ROW).iter_rows(named=True)
        return [
            {**place, "before": _cells(row), "after": None}
            for place, row in zip(self._places(rows[ROW]), cells, strict=True)
        ]

    def _places(self, rows: pl.Series) -> list[dict[str, Any]]:
        """Returns the file and line of the first of some rows."""
        return self._at(rows.head(_EXAMPLES)).select("file", "line").to_dicts()

    def _add(
        self,
        step: str,
        reason: str,
        outcome: str,
        rows: pl.Series,
        examples: list[dict[str, Any]],
        column: str = "",
    ) -> None:
        if len(rows):
            self.enter(step, reason, outcome, len(rows), examples, column)
            self.evidence.append(evidence_of(self.table, self._at(rows), step, reason, outcome))
            self.entries.append((self.calls, rows))

    def _at(self, rows: pl.Series) -> pl.DataFrame:
        """Returns the places of rows, given by their numbers."""
        return self.places[rows if self.numbers is None else self.numbers.search_sorted(rows)]

    def enter(
        self,
        step: str,
        reason: str,
        outcome: str,
        rows: int,
        examples: list[dict[str, Any]],
        column: str,
    ) -> None:
        """Enters a step that touched so many rows."""
        before = self.read - sum(entry["rows"] for entry in self.steps if entry["outcome"] in _LOST)
        lost = rows if outcome in _LOST else 0
        entry = {"step": step, "reason": reason, "outcome": outcome, "column": column, "rows": rows}
        self.steps.append({**entry, "before": before, "after": before - lost, "examples": examples})


def flags(count: int, indices: pl.Series) -> pl.Series:
    """Returns `count` booleans that are true at the indices."""
    chosen = np.zeros(count, bool)
    chosen[indices.to_numpy()] = True
    return pl.Series(chosen)


def _unread_example(record: dict[str, Any]) -> dict[str, Any]:
    """An example of what the reader quarantined: the bad cell, and the row's text where that says little."""
    column, value, text = record["column"], record["value"], record["row"][:MAX_VALUE]
    before = {column: value} if column and value else {column: "", "row": text} if column else {"row": text}
    return {"file": record["file"], "line": record["line"], "before": before, "after": None}


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    """A row's cells as JSON has them: short, without the missing ones, NaN and infinity as text."""
    cells = {}
    for name, value in row.items():
        if value is not None:
            if isinstance(value, str):
                value = value[:MAX_VALUE]
            elif isinstance(value, float) and not math.isfinite(value):
                value = str(value)
            cells[name] = value
    return cells
