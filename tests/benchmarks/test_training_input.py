"""What two-tower training is measured on is labelled as a shop's own events are."""

from __future__ import annotations

import functools
import pathlib

import pyarrow.parquet as pq

from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.parts.label import label_in_parts
from aisle.components.labeler.parts.pieces import Pieces
from aisle.components.tables import read_tables
from benchmarks.data.many_events import write_shop
from benchmarks.data.training_input import _events, write_cleaned


def test_drawn_events_can_be_labelled_in_parts(tmp_path: pathlib.Path) -> None:
    drawn = write_shop(tmp_path / "tables", 3_000, 40, dirt=0.0)
    tables = {name: pq.read_table(tmp_path / "tables" / f"{name}.parquet") for name in ("items", "users")}
    (tmp_path / "parts").mkdir()
    pieces = Pieces(drawn, functools.partial(_events, tmp_path / "tables"), tmp_path / "parts", 2_000)
    labelled = label_in_parts(tables, pieces, LabelerOptions())
    assert sum(piece.num_rows for _, piece in labelled.example_pieces()) > 0


def test_drawn_tables_are_those_of_a_cleaned_shop(tmp_path: pathlib.Path) -> None:
    drawn = write_shop(tmp_path / "tables", 3_000, 40, dirt=0.0)
    write_cleaned(tmp_path / "tables", tmp_path / "cleaned")
    found = read_tables(str(tmp_path / "cleaned"))
    assert {name: table.num_rows for name, table in found.items()} == {
        "items": 40,
        "users": 100,
        "events": drawn,
    }
    assert str(found["events"].schema.field("timestamp").type) == "int64"
