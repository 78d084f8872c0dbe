"""The report `cleaning`: the ledger, as `aisle.components.cleaner.clean` gives it."""

from __future__ import annotations

from typing import Literal

from aisle.components.reports.schemas.record import Record, may_be_absent


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


class Lost(Record):
    """A row that was lost."""

    file: str
    line: int
    value: str
    """Of the column that is wrong."""


class Reason(Record):
    """Rows of a part that were lost for the same reason."""

    reason: str
    column: str
    """Empty where it is the whole row."""
    rows: int
    keep: str
    """What would keep them."""
    examples: list[Lost]


class Part(Record):
    """A part of a table: all of it, a kind of event, a day, a file, a category with those below it, a brand."""

    name: str
    """What `losses.allowed` calls it."""
    table: str
    by: Literal["", "event", "day", "file", "category", "brand"]
    """Empty for the whole table."""
    value: str
    rows: int
    """As many were read."""
    lost: int
    """As many of them were quarantined, and no other row has their key."""
    share: float
    severity: Literal["ERROR", "WARNING", "ALLOWED"] | None
    threshold: float
    """The share that it was held against."""
    changes_goal: bool
    """Whether the models would learn something else without it."""
    what: str
    reasons: list[Reason]
    """The commonest first."""


class LossCounts(Record):
    """Parts by severity."""

    ERROR: int
    WARNING: int
    ALLOWED: int


class Goals(Record):
    """The kind of event that models learn to predict; null without events that show a liking."""

    read: Literal["purchase", "click"] | None
    """By the rows read."""
    used: Literal["purchase", "click"] | None
    """By those that are left."""


class Losses(Record):
    """What was lost, by the reader and by the Cleaner, and whether the run goes on."""

    verdict: Literal["passed", "blocked"]
    counts: LossCounts
    goal: Goals
    parts: list[Part]
    """The worst first: every table and kind of event, and of the others those that lost much or most."""


class Cleaning(Record):
    """What became of every row that was read."""

    version: Literal[1]
    tables: dict[str, Table]
    losses: Losses = may_be_absent()
