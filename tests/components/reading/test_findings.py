"""What the gate says of how a table was read."""

from __future__ import annotations

import dataclasses
import pathlib

import pyarrow as pa
import pytest

pytest.importorskip("tensorflow_metadata")

from aisle.components.anomaly_gate.evidence import Finding, TableEvidence
from aisle.components.anomaly_gate.findings.reading import reading_findings
from aisle.components.anomaly_gate.findings.rows import row_findings
from aisle.components.anomaly_gate.findings.tables import table_findings
from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.example_gen.reader import read_table
from aisle.schema.tables import EVENTS, ITEMS

HEADER = "timestamp,event,item_id,user_id\n"


def findings(folder: pathlib.Path, lines: list[str], **options: float) -> list[Finding]:
    (folder / "events").mkdir()
    (folder / "events" / "a.csv").write_text(HEADER + "".join(lines), encoding="utf-8")
    (folder / "events" / "b.csv").write_text(HEADER, encoding="utf-8")
    read = read_table(str(folder), EVENTS)
    counts = {"read": read.read, "kept": read.rows.num_rows, "quarantined": read.quarantine.num_rows}
    notes = [dataclasses.asdict(note) for note in read.notes]
    table = TableEvidence("events", counts, rows=read.rows, provenance=read.provenance, notes=notes)
    return list(reading_findings(table, GateOptions(**options)))  # type: ignore[arg-type]


def event(name: str, user: str = "u") -> str:
    return f"2025-03-01 00:56:51,{name},a,{user}\n"


def test_names_of_events_that_arent_known_are_named_with_how_to_map_them(tmp_path: pathlib.Path) -> None:
    lines = [event("view_item")] * 5 + [event("page_view")] * 3 + [event("Wish")] * 2
    found = findings(tmp_path, lines)[0]
    assert (found.name, found.severity, found.value) == ("events.event:UNKNOWN_EVENTS", "ERROR", 0.5)
    assert found.what == "5 of 10 events have a name that isn't known: page_view (3), Wish (2)."
    assert '[values.events.event], such as "page_view" = "click"' in found.mend
    assert [one["line"] for one in found.examples] == [7, 10]
    assert found.examples[0]["file"] == "events/a.csv"


def test_a_few_of_them_are_a_warning(tmp_path: pathlib.Path) -> None:
    lines = [event("click")] * 99 + [event("page_view")]
    assert findings(tmp_path, lines)[0].severity == "WARNING"


def test_the_share_is_a_setting(tmp_path: pathlib.Path) -> None:
    lines = [event("click")] * 99 + [event("page_view")]
    assert findings(tmp_path, lines, max_unknown_events_share=0.005)[0].severity == "ERROR"


def test_what_the_reader_did_to_cells_and_files_is_said(tmp_path: pathlib.Path) -> None:
    found = findings(tmp_path, [event("click", "\\N"), event("click", "NULL"), event("click", "u\u200b1")])
    assert [(one.name, one.severity, one.what) for one in found] == [
        ("events:EMPTY_FILE", "WARNING", "1 file has columns and no row."),
        (
            "events.user_id:MISSING_MARKER",
            "WARNING",
            "2 cells stand for a missing value, and were read as one.",
        ),
        (
            "events.user_id:INVISIBLE_CHARACTER",
            "WARNING",
            "1 identifier held a character that can't be seen, and was read without it.",
        ),
    ]
    assert found[1].examples[0] == {"file": "events/a.csv", "line": 2, "value": "\\N"}


def test_events_that_the_cleaner_spells_as_ours_are_something_to_learn() -> None:
    rows = pa.table({"event": [" click", "Purchase"], "item_id": ["a", "a"]})
    table = TableEvidence("events", {"read": 2, "kept": 2, "quarantined": 0}, rows=rows)
    assert [one.kind for one in row_findings(table, GateOptions(), 0)] == []


def test_rows_that_cant_be_read_name_the_setting_that_would(tmp_path: pathlib.Path) -> None:
    (tmp_path / "items.csv").write_text('item_id,title,price\na,Mug,5\nb,Cup,"1,005"\n', encoding="utf-8")
    read = read_table(str(tmp_path), ITEMS)
    table = TableEvidence("items", {"read": 2, "kept": 1, "quarantined": 1}, quarantine=read.quarantine)
    (found,) = [one for one in table_findings(table, GateOptions()) if one.kind == "QUARANTINED_ROWS"]
    assert found.mend.endswith("Of 'not a number': try --set 'reading.numbers={\"items.price\": \"point\"}'.")
