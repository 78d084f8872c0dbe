from __future__ import annotations

import csv
import pathlib

import pyarrow as pa
import pytest

pytest.importorskip("tfx")

from aisle.components.quarantine_files import write_for_people
from aisle.components.tables import QUARANTINE_SCHEMA
from aisle.schema.csv_cells import read_cell


def _record(value: str) -> dict[str, object]:
    return {
        "table": "items",
        "file": "f",
        "line": 2,
        "column": "c",
        "value": value,
        "reason": "r",
        "row": value,
    }


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "'=1", "''-1"])
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(tmp_path: pathlib.Path, value: str) -> None:
    quarantine = pa.Table.from_pylist([_record(value), _record("a=b")], schema=QUARANTINE_SCHEMA)
    write_for_people([quarantine], ["items"], str(tmp_path))
    with open(tmp_path / "items.csv", encoding="utf-8", newline="") as file:
        cells = [row["value"] for row in csv.DictReader(file)]
    assert cells == [f"'{value}", "a=b"]
    assert [read_cell(cell) for cell in cells] == [value, "a=b"]


def test_a_table_without_a_quarantined_row_overwrites_what_an_earlier_run_left(
    tmp_path: pathlib.Path,
) -> None:
    write_for_people(
        [pa.Table.from_pylist([_record("v")], schema=QUARANTINE_SCHEMA)], ["items"], str(tmp_path)
    )
    write_for_people([pa.Table.from_pylist([], schema=QUARANTINE_SCHEMA)], ["items"], str(tmp_path))
    assert len((tmp_path / "items.csv").read_text(encoding="utf-8").splitlines()) == 1
