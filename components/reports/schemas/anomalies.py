"""The report `anomalies`, as `aisle.components.anomaly_gate.judge` gives it."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from aisle.components.reports.schemas.record import record


@record
class Counts(TypedDict):
    """Anomalies by severity."""

    ERROR: int
    WARNING: int
    ALLOWED: int


@record
class Example(TypedDict):
    """A place where it shows."""

    file: str
    line: int
    """From 1; of a Parquet file the row's number."""
    value: str


@record
class Contributor(TypedDict):
    """A value, or a range of numbers, that an anomaly is made of."""

    value: str
    share: float
    """Of the rows now."""
    before: float | None
    """Its share in what the rows are compared with; null where there is nothing to compare with."""


@record
class Anomaly(TypedDict):
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


@record
class Columns(TypedDict):
    """A table's columns by where they come from."""

    declared: list[str]
    """Those the table may have that are there."""
    extra: list[str]
    """Those that pass through."""
    absent: list[str]
    """Those the table may have that are not there."""


@record
class Table(TypedDict):
    """What was read of a table."""

    table: str
    read: int
    kept: int
    quarantined: int
    columns: Columns


@record
class Reason(TypedDict):
    """Rows of a table that were quarantined for the same reason."""

    table: str
    column: str
    """Empty where it is the whole row."""
    reason: str
    rows: int
    examples: list[Example]


@record
class Bucket(TypedDict):
    """A bar of a histogram."""

    low: float
    high: float
    count: float


@record
class ValueCount(TypedDict):
    """A frequent value."""

    value: str
    count: float


@record
class Moved(TypedDict):
    """How far a column is from the last blessed run's."""

    measure: Literal["L-infinity distance", "Jensen-Shannon divergence"]
    value: float
    threshold: float


@record
class NumbersBefore(TypedDict):
    """The same column in the last blessed run, over the same buckets."""

    rows: int
    missing: int
    histogram: list[Bucket]


@record
class TextsBefore(TypedDict):
    """The same column in the last blessed run, by the same values."""

    rows: int
    missing: int
    top: list[ValueCount]


@record
class Numbers(TypedDict):
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


@record
class Texts(TypedDict):
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


@record
class Anomalies(TypedDict):
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
