"""Findings about how a table was read: names of events that aren't known, and what the reader did to cells."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from aisle.components.anomaly_gate.evidence import MAX_CONTRIBUTORS, Finding, TableEvidence, contributor
from aisle.components.anomaly_gate.findings.names import commonest, event_names
from aisle.components.anomaly_gate.options import ERROR, WARNING, GateOptions
from aisle.components.reports.page import counted
from aisle.schema import events as kinds
from aisle.schema.tables import EVENTS

UNKNOWN_EVENTS = "UNKNOWN_EVENTS"

_NOTES: dict[str, tuple[str, str, str]] = {
    "MISSING_MARKER": (
        "cell",
        "{stands} for a missing value, and was read as one",
        "Leave unknown cells empty; the settings reading.missing and reading.missing_beside_text say which cells mean it.",
    ),
    "INVISIBLE_CHARACTER": (
        "identifier",
        "held a character that can't be seen, and was read without it",
        "Export identifiers without zero widths, byte-order marks and marks of direction.",
    ),
    "BLANK_IN_CELL": (
        "cell",
        "has blanks, or what can't be seen, beside the value, and was read without them",
        "Export numbers and times without blanks around them.",
    ),
    "WHOLE_FLOAT": (
        "identifier",
        "was written as a float, such as 12.0, and was read as a whole number",
        "Export identifiers as text: pandas makes floats of numbers that have gaps.",
    ),
    "BLANK_IN_HEADER": (
        "header",
        "has blanks around a column's name, which was read without them",
        "Write the header without blanks beside its commas.",
    ),
    "HEADER_SPELLING": (
        "header",
        "names a column in another spelling, and was read as it",
        "Name the column as docs/tables.md does, or another one by [columns] where it means something else.",
    ),
    "LIKELY_COLUMN": (
        "header",
        "may mean this column, which isn't there, and was read as a column of the shop's own",
        "If it does, say so by [columns], as `aisle init` proposes.",
    ),
    "UNNAMED_COLUMN": (
        "column",
        "has no name, and was left out",
        "Name the column where it is wanted; pandas leaves its index out by to_csv(index=False).",
    ),
    "SEVERAL_CURRENCIES": (
        "cell",
        "is in another currency than most, and was read as the number alone",
        "Give the amounts a column `currency` of their own, and cleaner.rates what each is worth.",
    ),
    "LIKE_THOUSANDS": (
        "cell",
        "has three digits behind a point, as nearly all that have one, and was read as a fraction",
        'If 1.250 means 1250 here, say "comma" of the column by reading.numbers.',
    ),
    "EMPTY_FILE": (
        "file",
        "has columns and no row",
        "Ask whether rows of that day are missing; a file without rows may be left out.",
    ),
    "SKIPPED_ROWS": (
        "row",
        "was skipped, as the setting reading.skip or the preset says",
        "Change reading.skip where these rows should count.",
    ),
}
"""By kind of note: what is counted, what is said of it, and what to do."""
_PLURAL = {"is": "are", "was": "were", "has": "have", "stands": "stand", "names": "name"}


def reading_findings(table: TableEvidence, options: GateOptions) -> Iterator[Finding]:
    """Yields unknown events, and what the reader noted."""
    yield from _unknown_events(table, options)
    for note in table.notes:
        noun, said, mend = _NOTES[note["kind"]]
        one = note["count"] == 1
        words = said.format(stands="stands" if one else "stand").split(" ")
        what = " ".join(words if one else [_PLURAL.get(word, word) for word in words])
        yield Finding(
            table.name, note["column"], note["kind"], WARNING,
            what=f"{counted(note['count'], noun)} {what}.",
            value=note["count"], threshold=0, unit="",
            examples=tuple(note["examples"]),
            mend=mend,
        )  # fmt: skip


def _unknown_events(table: TableEvidence, options: GateOptions) -> Iterator[Finding]:
    """Yields the names of events that aren't known: their rows would be quarantined one step later."""
    rows = table.kept
    if table.name != EVENTS.name or rows is None or "event" not in rows.schema.names or not rows.num_rows:
        return
    unknown = event_names(rows).filter(~pl.col("known"))
    if unknown.is_empty():
        return
    most = commonest(unknown.drop_nulls("event"), "event")
    total, read, distinct = int(unknown["rows"].sum()), rows.num_rows, int(unknown["names"].sum())
    share, limit = total / read, options.max_unknown_events_share
    names = most["event"].to_list()
    listed = ", ".join(f"{name} ({count:,})" for name, count in most.select("event", "rows").iter_rows())
    more = f" and {distinct - MAX_CONTRIBUTORS:,} more" if distinct > MAX_CONTRIBUTORS else ""
    yield Finding(
        table.name, "event", UNKNOWN_EVENTS, ERROR if share > limit else WARNING,
        what=f"{total:,} of {read:,} events have a name that isn't known: {listed}{more}.",
        value=share, threshold=limit, unit="share",
        examples=tuple(table.examples(most["first"].to_list(), "event")),
        contributors=tuple(
            contributor(name, count / read) for name, count in most.select("event", "rows").iter_rows()
        ),
        mend=f"Say what each means by the setting [values.events.event], such as \"{names[0]}\" = \"click\" (there are "
        f"{', '.join(kinds.names())}), or leave its rows out by reading.skip.",
    )  # fmt: skip
