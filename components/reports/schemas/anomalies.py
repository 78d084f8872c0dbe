"""The report `anomalies`, as `aisle.components.anomaly_gate.judge` gives it."""

from __future__ import annotations

from typing import Literal

from aisle.components.reports.schemas.record import Record


class Counts(Record):
    """Anomalies by severity."""

    ERROR: int
    WARNING: int
    ALLOWED: int


class Example(Record):
    """A place where it shows."""

    file: str
    line: int
    """From 1; of a Parquet file the row's number."""
    value: str


class Contributor(Record):
    """A value, or a range of numbers, that an anomaly is made of."""

    value: str
    share: float
    """Of the rows now."""
    before: float | None
    """Its share in what the rows are compared with; null where there is nothing to compare with."""


class Anomaly(Record):
    """What was found, and what to do about it."""

    name: str
    """What the setting gate.allowed calls it: table.feature:TYPE, or table:TYPE."""
    severity: Literal["ERROR", "WARNING", "ALLOWED"]
    table: str
    feature: str
    """The column; empty for the whole table."""
    type: str
    what: str
    """A sentence."""
    value: float | str | None
    """The measured value."""
    threshold: float | str | None
    """What it was held against."""
    unit: Literal["share", "rows", ""]
    examples: list[Example]
    contributors: list[Contributor]
    """The largest first."""
    mend: str
    """What to do."""


class Columns(Record):
    """A table's columns by where they come from."""

    declared: list[str]
    """Those the table may have that are there."""
    extra: list[str]
    """Those that pass through."""
    absent: list[str]
    """Those the table may have that are not there."""


class Table(Record):
    """What was read of a table."""

    table: str
    read: int
    kept: int
    quarantined: int
    columns: Columns


class Reason(Record):
    """Rows of a table that were quarantined for the same reason."""

    table: str
    column: str
    """Empty where it is the whole row."""
    reason: str
    rows: int
    examples: list[Example]


class Bucket(Record):
    """A bar of a histogram."""

    low: float
    high: float
    count: float


class ValueCount(Record):
    """A frequent value."""

    value: str
    count: float


class Moved(Record):
    """How far a column is from the last blessed run's."""

    measure: Literal["L-infinity distance", "Jensen-Shannon divergence"]
    value: float
    threshold: float


class NumbersBefore(Record):
    """The same column in the last blessed run, over the same buckets."""

    rows: int
    missing: int
    histogram: list[Bucket]


class TextsBefore(Record):
    """The same column in the last blessed run, by the same values."""

    rows: int
    missing: int
    top: list[ValueCount]


class Numbers(Record):
    """The distribution of a column of numbers or times."""

    table: str
    feature: str
    kind: Literal["number", "time"]
    rows: int
    missing: int
    min: float | None
    """Null where it is infinite."""
    max: float | None
    """Null where it is infinite."""
    histogram: list[Bucket]
    """Of the middle 98 % of the values."""
    before: NumbersBefore | None
    moved: Moved | None


class Texts(Record):
    """The distribution of a column of texts."""

    table: str
    feature: str
    kind: Literal["text"]
    rows: int
    missing: int
    unique: int
    """How many different values."""
    top: list[ValueCount]
    before: TextsBefore | None
    moved: Moved | None


class Anomalies(Record):
    """Whether the data is fit to train on."""

    version: Literal[1]
    verdict: Literal["passed", "blocked"]
    """blocked: at least one anomaly has severity ERROR."""
    counts: Counts
    anomalies: list[Anomaly]
    """The worst first."""
    tables: list[Table]
    quarantine: list[Reason]
    compared: bool
    """Whether there was a blessed run to compare with."""
    distributions: list[Numbers | Texts]
