"""The ledger of one table: what became of every row, step by step."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import polars as pl

FILE, LINE = "__file__", "__line__"
PLACE = (FILE, LINE)
"""Where a row came from; carried beside its columns while a table is cleaned."""

_EXAMPLES, _VALUE_LIMIT, _ROW_LIMIT = 3, 200, 500


@dataclasses.dataclass
class Ledger:
    """A table on its way through the cleaner.

    Attributes:
        table: its name.
        rows: what is left of it, with the columns of `PLACE`.
        read: how many rows the reader met.
        steps: what was done so far.
        quarantine: records of the rows taken out.
    """

    table: str
    rows: pl.DataFrame
    read: int
    steps: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    quarantine: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def unread(self, quarantine: pl.DataFrame) -> None:
        """Enters what the reader quarantined, a step for each reason.

        Args:
            quarantine: as `tables.QUARANTINE_SCHEMA`; not among `rows`.
        """
        for (reason,), part in quarantine.partition_by("reason", as_dict=True, maintain_order=True).items():
            records = part.head(_EXAMPLES).iter_rows(named=True)
            examples = [
                {
                    "file": record["file"],
                    "line": record["line"],
                    "before": {record["column"] or "row": record["value"] or record["row"][:_VALUE_LIMIT]},
                    "after": None,
                }
                for record in records
            ]
            self._add("read", str(reason), "quarantined", len(part), examples)

    def take_out(self, step: str, reason: str, column: str, wrong: pl.Expr | pl.Series) -> None:
        """Moves the rows where `wrong` is true to the quarantine."""
        gone = self._remove(step, reason, "quarantined", wrong)
        names = [name for name in gone.columns if name not in PLACE]
        for row in gone.iter_rows(named=True):
            value = "" if row.get(column) is None else str(row[column])
            text = ",".join("" if row[name] is None else str(row[name]) for name in names)
            self.quarantine.append(
                {"table": self.table, "file": row[FILE], "line": row[LINE], "column": column}
                | {"value": value[:_VALUE_LIMIT], "reason": reason, "row": text[:_ROW_LIMIT]}
            )

    def merge(self, step: str, reason: str, surplus: pl.Expr | pl.Series) -> None:
        """Drops the rows where `surplus` is true: another row stands for each."""
        self._remove(step, reason, "merged", surplus)

    def note(self, step: str, reason: str, noted: pl.Expr | pl.Series) -> None:
        """Counts rows that stay as they are."""
        rows = self.rows.filter(self._flags(noted))
        self._add(step, reason, "noted", len(rows), _examples(rows))

    def change(self, step: str, reason: str, column: str, values: pl.Expr | pl.Series) -> None:
        """Gives a column new values, and counts the rows that differ."""
        after = self.rows.with_columns(values.alias(column))
        differs = self.rows[column].ne_missing(after[column])
        changed, became = self.rows.filter(differs), after.filter(differs)
        examples = [
            {**before, "before": _cells({column: old}), "after": _cells({column: new})}
            for before, old, new in zip(
                _examples(changed),
                changed[column].head(_EXAMPLES),
                became[column].head(_EXAMPLES),
                strict=True,
            )
        ]
        self._add(step, reason, "changed", len(changed), examples)
        self.rows = after

    def summary(self) -> dict[str, Any]:
        """Returns the table's entry of the ledger; read = used + quarantined + merged."""
        totals = {
            outcome: sum(step["rows"] for step in self.steps if step["outcome"] == outcome)
            for outcome in ("quarantined", "merged")
        }
        return {"read": self.read, "used": len(self.rows), **totals, "steps": self.steps}

    def _remove(self, step: str, reason: str, outcome: str, which: pl.Expr | pl.Series) -> pl.DataFrame:
        chosen = self._flags(which)
        gone = self.rows.filter(chosen)
        self.rows = self.rows.filter(~chosen)
        self._add(step, reason, outcome, len(gone), _examples(gone))
        return gone

    def _flags(self, which: pl.Expr | pl.Series) -> pl.Series:
        chosen = self.rows.select(which).to_series() if isinstance(which, pl.Expr) else which
        return chosen.fill_null(False)

    def _add(self, step: str, reason: str, outcome: str, rows: int, examples: list[dict[str, Any]]) -> None:
        if rows:
            entry = {"step": step, "reason": reason, "outcome": outcome, "rows": rows, "examples": examples}
            self.steps.append(entry)


def flags(count: int, indices: pl.Series) -> pl.Series:
    """Returns `count` booleans that are true at the indices."""
    chosen = np.zeros(count, bool)
    chosen[indices.to_numpy()] = True
    return pl.Series(chosen)


def _examples(rows: pl.DataFrame) -> list[dict[str, Any]]:
    return [
        {"file": row[FILE], "line": row[LINE], "before": _cells(row), "after": None}
        for row in rows.head(_EXAMPLES).iter_rows(named=True)
    ]


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    """A row's cells as JSON has them: short, without the missing ones, NaN and infinity as text."""
    cells = {}
    for name, value in row.items():
        if name not in PLACE and value is not None:
            if isinstance(value, str):
                value = value[:_VALUE_LIMIT]
            elif isinstance(value, float) and not math.isfinite(value):
                value = str(value)
            cells[name] = value
    return cells
