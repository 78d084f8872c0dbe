"""The report `cleaning`: the ledger, as `aisle.components.cleaner.clean` gives it."""

from __future__ import annotations

from typing import Literal

from aisle.components.reports.schemas.record import Record


class Example(Record):
    """A row that a step touched; cells without a value are left out."""

    file: str
    line: int
    before: dict[str, str | int | float]
    """The row's cells, or those of the column that changed."""
    after: dict[str, str | int | float] | None
    """Null where the row is not used, or stayed as it was."""


class Step(Record):
    """Rows that were treated in the same way for the same reason."""

    step: str
    reason: str
    outcome: Literal["quarantined", "merged", "changed", "noted"]
    """quarantined and merged lose a row, changed and noted don't."""
    column: str
    """Empty where it is the whole row."""
    rows: int
    before: int
    """The table's rows before the step."""
    after: int
    """The table's rows after the step."""
    examples: list[Example]


class Table(Record):
    """A table's rows: read = used + quarantined + merged."""

    read: int
    used: int
    quarantined: int
    merged: int
    steps: list[Step]
    """In the order they were done."""


class Cleaning(Record):
    """What became of every row that was read."""

    version: Literal[1]
    tables: dict[str, Table]
