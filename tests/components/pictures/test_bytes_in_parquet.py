"""Pictures whose bytes are cells of a Parquet file: the reader writes where they lie, and none goes through the tables."""

from __future__ import annotations

import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aisle.components.example_gen.options import TableReading
from aisle.components.example_gen.reader import read_table
from aisle.components.pictures.places import read_places
from aisle.schema.tables import ITEMS


def _read(folder: pathlib.Path, cells: dict[str, pa.Array], reading: TableReading | None = None) -> pa.Table:
    count = len(next(iter(cells.values())))
    ids = pa.array([f"i{n}" for n in range(count)])
    pq.write_table(pa.table({"item_id": ids, "title": ids, **cells}), folder / "items.parquet")
    return read_table(str(folder), ITEMS, reading=reading or TableReading()).rows


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_a_cell_of_bytes_is_read_as_its_place(tmp_path: pathlib.Path, kind: pa.DataType) -> None:
    data = [b"\xff\xd8 no text", None, b"", *(bytes([n, 255]) for n in range(67))]
    places = _read(tmp_path, {"image": pa.array(data, kind)})["image"].to_pylist()
    assert places[:2] == ["items.parquet#image#1", None]
    found = dict(read_places(str(tmp_path), [place for place in places if place]))
    assert [found[place] for place in places[3:]] == data[3:]


def test_it_may_have_another_name(tmp_path: pathlib.Path) -> None:
    reading = TableReading(columns={"image": ("photo",)})
    rows = _read(tmp_path, {"photo": pa.array([b"\xff"], pa.binary())}, reading)
    assert rows["image"].to_pylist() == ["items.parquet#photo#1"]


def test_paths_stay_as_they_are_and_other_forms_are_left_out(tmp_path: pathlib.Path) -> None:
    assert _read(tmp_path, {"image": pa.array(["a.png", None])})["image"].to_pylist() == ["a.png", None]
    rows = _read(tmp_path, {"image": pa.array([{"bytes": b"\xff"}]), "other": pa.array([b"\xff"])})
    assert rows.column_names == ["item_id", "title"]
