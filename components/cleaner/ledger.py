"""The ledger of one table: what became of every row, step by step."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import polars as pl

LINE, FILE = "__line__", "__file__"
"""Where a row came from; carried beside its columns while a table is cleaned."""

_EXAMPLES, _VALUE_LIMIT, _ROW_LIMIT = 3, 200, 500


@dataclasses.dataclass
class Ledger:
    """A table on its way through the cleaner.

    Attributes:
        table: its name.
        rows: what is left of it, with the columns FILE and LINE.
        read: how many rows the reader met.
        steps: what was done so far.
        quarantine: records of the rows taken out.
    """

    table: str
    rows: pl.DataFrame
    read: int
    steps: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    quarantine: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def take_out(self, step: str, reason: str, column: str, wrong: pl.Expr | pl.Series) -> None:
        """Moves the rows where `wrong` is true to the quarantine."""
        flags = self._flags(wrong)
        gone = self.rows.filter(flags)
        self.rows = self.rows.filter(~flags)
        self._add(step, reason, "quarantined", gone)
        names = [name for name in gone.columns if name not in (FILE, LINE)]
        for row in gone.iter_rows(named=True):
            value = "" if row.get(column) is None else str(row[column])
            text = ",".join("" if row[name] is None else str(row[name]) for name in names)
            self.quarantine.append(
                {"table": self.table, "file": row[FILE], "line": row[LINE], "column": column}
                | {"value": value[:_VALUE_LIMIT], "reason": reason, "row": text[:_ROW_LIMIT]}
            )

    def merge(self, step: str, reason: str, surplus: pl.Expr | pl.Series) -> None:
        """Drops the rows where `surplus` is true: another row stands for each."""
        flags = self._flags(surplus)
        gone = self.rows.filter(flags)
        self.rows = self.rows.filter(~flags)
        self._add(step, reason, "merged", gone)

    def note(self, step: str, reason: str, noted: pl.Expr | pl.Series) -> None:
        """Counts rows that stay as they are."""
        self._add(step, reason, "noted", self.rows.filter(self._flags(noted)))

    def change(self, step: str, reason: str, column: str, values: pl.Expr) -> None:
        """Gives a column new values, and counts the rows that differ."""
        after = self.rows.with_columns(values.alias(column))
        differs = self.rows[column].ne_missing(after[column])
        self._add(step, reason, "changed", self.rows.filter(differs), after.filter(differs))
        self.rows = after

    def summary(self) -> dict[str, Any]:
        """Returns the table's entry of the ledger; read = used + quarantined + merged."""
        totals = {
            outcome: sum(step["rows"] for step in self.steps if step["outcome"] == outcome)
            for outcome in ("quarantined", "merged")
        }
        return {"read": self.read, "used": len(self.rows), **totals, "steps": self.steps}

    def _flags(self, which: pl.Expr | pl.Series) -> pl.Series:
        flags = self.rows.select(which).to_series() if isinstance(which, pl.Expr) else which
        return flags.fill_null(False)

    def _add(self, step: str, reason: str, outcome: str, rows: pl.DataFrame, after: pl.DataFrame | None = None) -> None:
        if not len(rows):
            return
        examples = [_example(row) for row in rows.head(_EXAMPLES).iter_rows(named=True)]
        if after is not None:
            for example, row in zip(examples, after.head(_EXAMPLES).iter_rows(named=True)):
                example["after"] = _example(row)["before"]
        self.steps.append({"step": step, "reason": reason, "outcome": outcome, "rows": len(rows), "examples": examples})


def _example(row: dict[str, Any]) -> dict[str, Any]:
    before = {
        name: json.loads(json.dumps(value, default=str)) if value == value else str(value)
        for name, value in row.items()
        if name not in (FILE, LINE) and value is not None
    }
    return {"file": row[FILE], "line": row[LINE], "before": before, "after": None}
