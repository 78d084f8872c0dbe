"""Which export is which table, and which of its columns is which: by presets, by names, by what the cells hold."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aisle.components.example_gen.layout import lay_out
from aisle.components.example_gen.options import (
    PRESETS,
    ColumnsOptions,
    ReadingOptions,
    ValuesOptions,
    read_preset,
    table_reading,
)
from aisle.components.example_gen.proposal.exports import Export
from aisle.components.example_gen.proposal.forms import number_form, time_form
from aisle.schema.errors import InputError
from aisle.schema.events import PURCHASE, canonical
from aisle.schema.tables import EVENTS, ITEMS, SUPPLY, TABLES, USERS, Kind, Table
from aisle.schema.words import place


@dataclasses.dataclass(frozen=True)
class Proposed:
    """How one table would be read.

    Attributes:
        table: its name.
        exports: that hold it.
        preset: whose form they have, "" for none.
        columns: by our column, the header, where the preset doesn't say it or there is none.
        constants: by our column, what every row has.
        timestamps: by our column, the form of its times where it isn't ISO 8601.
        numbers: by our column, the decimal mark where numbers aren't plainly written.
        missing: by our column of numbers that may be missing, the texts that stand there in place of one.
        unknown: events' names that no kind of ours is known for, the most frequent first.
        sure: how sure it is; 0 is as sure as our own names.
    """

    table: str
    exports: tuple[Export, ...]
    preset: str = ""
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)
    constants: Mapping[str, str] = dataclasses.field(default_factory=dict)
    timestamps: Mapping[str, str] = dataclasses.field(default_factory=dict)
    numbers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    sure: float = 0.0

    def settings(self) -> dict[str, Any]:
        """The settings that read the table so, as a configuration holds them."""
        reading: dict[str, Any] = {"files": {self.table: [export.pattern for export in self.exports]}}
        if encoding := self.exports[0].encoding:
            reading["encodings"] = {self.table: encoding}
        if self.preset:
            reading["preset"] = {self.table: self.preset}
        for name in ("constants", "timestamps", "numbers"):
            forms = {f"{self.table}.{column}": form for column, form in getattr(self, name).items()}
            if forms:
                reading[name] = forms
        said: dict[str, Any] = {"reading": reading}
        if self.columns:
            said["columns"] = {self.table: dict(self.columns)}
        if self.missing:
            texts = {column: dict.fromkeys(found, "") for column, found in self.missing.items()}
            said["values"] = {self.table: texts}
        return said


def propose(found: Sequence[Export]) -> list[Proposed]:
    """Proposes what holds each table; an export holds one at most."""
    taken: set[int] = set()
    chosen: list[Proposed] = []
    ranked: list[Proposed] = []
    for table in TABLES:
        for preset in PRESETS:
            columns = [_fits(preset, table, export) for export in found]
            alike = [export for export, count in zip(found, columns, strict=True) if count]
            if alike:
                ranked.append(_by_preset(preset, table, alike, max(columns)))
    for export in found:
        named = [one for table in TABLES if (one := _by_names(table, export)) is not None]
        # Who did something is a column of what was done too: such a file is no table of users.
        ranked += [one for one in named if one.table != USERS.name or len(named) == 1]
    order = [table.name for table in TABLES]
    for one in sorted(ranked, key=lambda one: (one.sure, order.index(one.table))):
        exports_ = {id(export) for export in one.exports}
        if one.table not in {other.table for other in chosen} and not exports_ & taken:
            chosen.append(one)
            taken |= exports_
    return sorted(chosen, key=lambda one: order.index(one.table))


def merged_settings(proposed: Iterable[Proposed]) -> dict[str, Any]:
    """The configuration that reads all of them."""
    settings: dict[str, Any] = {"reading": {}, "columns": {}, "values": {}}
    for one in proposed:
        said = one.settings()
        settings["columns"] |= said.get("columns", {})
        settings["values"] |= said.get("values", {})
        for key, value in said["reading"].items():
            settings["reading"].setdefault(key, {}).update(value)
    return {section: values for section, values in settings.items() if values}


def _fits(preset: str, table: Table, export: Export) -> int:
    """How many columns of a table an export of a preset's form has; 0 where it has another form or lacks one it needs."""
    reading = table_reading(table.name, ColumnsOptions(), ValuesOptions(), ReadingOptions(preset=preset))  # type: ignore[arg-type]
    if not reading.usual or not set(read_preset(preset).telling) & set(export.header):
        return 0
    try:
        layout = lay_out(export.pattern, export.header, table, reading)
    except InputError:
        return 0
    lacks = any(column.required and column.name not in layout.columns for column in table.columns)
    return 0 if lacks else len(layout.picked)


def _by_preset(preset: str, table: Table, alike: Sequence[Export], columns: int) -> Proposed:
    unknown: tuple[str, ...] = ()
    if table is EVENTS:
        reading = read_preset(preset)
        header = reading.columns.events.get("event", ("",))[0]
        skipped = reading.reading.skip.get("events", {}).get(header, ())
        unknown = tuple(name for name in _unknown_events(alike, header) if name not in skipped)
    return Proposed(table.name, tuple(alike), preset, unknown=unknown, sure=-0.1 * columns)


def _by_names(table: Table, export: Export) -> Proposed | None:
    """What a table would be by the names of an export's columns and their cells, None where it lacks one it needs."""
    columns, unsure = _columns(table, export)
    constants: dict[str, str] = {}
    if table is EVENTS and "event" not in columns and {"timestamp", "item_id"} <= columns.keys() and (
        {"quantity", "price"} & columns.keys()
    ):  # fmt: skip
        constants, unsure = {"event": PURCHASE.name}, unsure + 2
    needed = [column.name for column in table.columns if column.required and column.name not in constants]
    # Of its columns a supply needs an id alone, which every table has.
    needed += ["lead_time_days"] if table is SUPPLY else []
    if any(name not in columns for name in needed):
        return None
    forms = {name: _form(table, name, export.cells(header)) for name, header in columns.items()}
    kinds = {name: column.kind for name in columns if (column := table.column(name)) is not None}
    named_so = export.pattern.partition(".")[0].rstrip("*_-").casefold() in (
        table.name,
        table.name.rstrip("s"),
    )
    return Proposed(
        table.name,
        (export,),
        columns={ours: theirs for ours, theirs in columns.items() if ours != theirs},
        constants=constants,
        timestamps={name: form for name, form in forms.items() if form and kinds[name] is Kind.TIMESTAMP},
        numbers={name: form for name, form in forms.items() if form and kinds[name] is not Kind.TIMESTAMP},
        missing=_missing(table, export, columns, kinds),
        unknown=_unknown_events([export], columns.get("event", "")) if table is EVENTS else (),
        sure=(0 if named_so else 1) + unsure - 0.1 * len(columns),
    )


def _missing(
    table: Table, export: Export, columns: Mapping[str, str], kinds: Mapping[str, Kind]
) -> dict[str, tuple[str, ...]]:
    """By column of numbers that may be missing, what can be none: texts without a digit, the most frequent first."""
    found = {}
    for name, header in columns.items():
        column = table.column(name)
        if column is None or column.required or kinds[name] not in (Kind.NUMBER, Kind.INTEGER):
            continue
        texts = collections.Counter(
            cell
            for cell in export.cells(header)
            if cell not in _MARKERS and not any(sign.isdigit() for sign in cell)
        )
        if texts:
            found[name] = tuple(text for text, _ in texts.most_common(_FEW_NAMES))
    return found


def _columns(table: Table, export: Export) -> tuple[dict[str, str], float]:
    """By our column, the export's that its name and its cells tell; and how unsure the needed ones are."""
    columns: dict[str, str] = {}
    unsure = 0.0
    pairs = [
        (rank, not column.required, column.name, header)
        for column in table.columns
        for header in export.header
        if (rank := place(table.name, column.name, header)) is not None
        and _form(table, column.name, export.cells(header)) is not None
    ]
    for rank, optional, name, header in sorted(pairs, key=lambda pair: (pair[0] > 0, pair[1], pair[0])):
        if name not in columns and header not in columns.values():
            columns[name] = header
            unsure += 0 if optional else rank / 10
    return columns, unsure


def _form(table: Table, name: str, cells: Sequence[str]) -> str | None:
    """The form of a column's cells, None where they can't be its."""
    column = table.column(name)
    if column is None or not cells:
        return ""
    if column.kind is Kind.TIMESTAMP:
        return time_form(cells)
    if column.kind in (Kind.NUMBER, Kind.INTEGER):
        return number_form(cells)
    if table is EVENTS and name == "event":
        known = sum(canonical(cell) is not None for cell in cells)
        return "" if known or len(set(cells)) <= _FEW_NAMES else None
    if table is ITEMS and name == "title":
        return None if number_form(cells) is not None and len(set(cells)) < len(cells) else ""
    return ""


_MARKERS = {*ReadingOptions().missing, *ReadingOptions().missing_beside_text}
"""What is read as a missing number in any case."""
_FEW_NAMES = 30
"""Distinct values that the names of events may have where none is known."""


def _unknown_events(found: Sequence[Export], header: str) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for export in found:
        for cell in export.cells(header):
            if canonical(cell) is None:
                counts[cell] = counts.get(cell, 0) + 1
    return tuple(sorted(counts, key=lambda name: -counts[name]))
