"""Which item or user a quarantined row is of, read from files, and what the Cleaner says of its events."""

from __future__ import annotations

import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aisle.components.cleaner.clean import clean
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.example_gen.reader import read_table
from aisle.schema.tables import EVENTS, ITEMS, USERS

NOW = 1_714_557_600_000_000
"""2024-05-01 10:00:00 UTC."""


def _keys(folder: pathlib.Path) -> list[str | None]:
    keys: list[str | None] = read_table(str(folder), ITEMS).quarantine["key"].to_pylist()
    return keys


def _reasons(folder: pathlib.Path, *sold: str) -> list[str]:
    """Why the sales of some items are quarantined, the Cleaner run on the folder's items."""
    lines = "".join(f"2024-05-01 08:00:00,purchase,{item},u1\n" for item in sold)
    (folder / "events.csv").write_text("timestamp,event,item_id,user_id\n" + lines, encoding="utf-8")
    read = {table.name: read_table(str(folder), table) for table in (ITEMS, EVENTS)}
    result = clean(
        {name: one.rows for name, one in read.items()},
        {name: one.provenance for name, one in read.items()},
        {name: one.quarantine for name, one in read.items()},
        CleanerOptions(),
        NOW,
    )
    return [row["reason"] for row in result.quarantine.to_pylist() if row["table"] == "events"]


@pytest.mark.parametrize(
    ("row", "key"),
    [
        ('"Vase, red, 30 cm",N/A,i2', "i2"),
        ('"Vase, ""red""",N/A,"i2"', "i2"),
        ('"Vase,\r\nred",N/A,i2', "i2"),
        (f'"{"vase, " * 1000}",N/A,i2', "i2"),
        ("Vase,2.5,i2,one too many", "i2"),
        ('"Vase, red",2.5,i2,one too many', "i2"),
        ('12" vase,N/A,i2', "i2"),
        ("Vase\rred,2.5,i2", "i2"),
        ("Vase", None),
        ("Vase,2.5,", None),
    ],
)
def test_a_csv_rows_key_is_found_behind_quotes_and_in_any_column(
    tmp_path: pathlib.Path, row: str, key: str | None
) -> None:
    (tmp_path / "items.csv").write_bytes(f"title,price,item_id\nPlate,1.5,i1\n{row}\n".encode())
    assert _keys(tmp_path) == [key]


def test_each_file_has_its_own_order_of_columns(tmp_path: pathlib.Path) -> None:
    (tmp_path / "items").mkdir()
    (tmp_path / "items" / "1.csv").write_bytes(b"item_id,title,price\ni1,Plate,1.5\ni2,Vase,N/A\ni3,Jug\n")
    (tmp_path / "items" / "2.csv").write_bytes(b"price,title,item_id\nN/A,Bowl,i4\n2.5,Cup,i5,x\n")
    assert _keys(tmp_path) == ["i2", "i3", "i4", "i5"]


def test_a_row_that_is_not_utf_8_has_its_key(tmp_path: pathlib.Path) -> None:
    (tmp_path / "items.csv").write_bytes(b"title,item_id\nPlate,i1\n\xff,i2\n")
    assert _keys(tmp_path) == ["i2"]


def test_a_table_that_names_no_row_has_no_keys(tmp_path: pathlib.Path) -> None:
    (tmp_path / "events.csv").write_bytes(b"timestamp,event,item_id\nnever,click,i1\nx\n")
    assert read_table(str(tmp_path), EVENTS).quarantine["key"].to_pylist() == [None, None]
    (tmp_path / "users.csv").write_bytes(b"age,user_id\nold,u1\n")
    assert read_table(str(tmp_path), USERS).quarantine["key"].to_pylist() == ["u1"]


def test_sales_of_an_item_whose_csv_row_cant_be_read_say_so(tmp_path: pathlib.Path) -> None:
    (tmp_path / "items.csv").write_text(
        'title,price,item_id\nPlate,1.5,i1\n"Vase, red",N/A,i2\n"Jug, 2 l",2.5,i3,x\n', encoding="utf-8"
    )
    assert _reasons(tmp_path, "i1", "i2", "i3", "i4") == [
        "item was quarantined", "item was quarantined", "unknown item",
    ]  # fmt: skip


def test_sales_of_an_item_whose_parquet_row_cant_be_read_say_so(tmp_path: pathlib.Path) -> None:
    items = {"title": ["Plate", None, "Jug"], "item_id": [1, 2, 3], "price": ["1.5", "2.5", "N/A"]}
    pq.write_table(pa.table(items), tmp_path / "items.parquet")
    assert _keys(tmp_path) == ["2", "3"]
    assert _reasons(tmp_path, "1", "2", "3", "4") == [
        "item was quarantined", "item was quarantined", "unknown item",
    ]  # fmt: skip


def test_a_row_that_the_cleaner_takes_out_has_its_key_too(tmp_path: pathlib.Path) -> None:
    (tmp_path / "items.csv").write_bytes(b"item_id,title\ni1,Plate\ni2,Vase\ni2,check\n")
    (tmp_path / "events.csv").write_bytes(b"timestamp,event,item_id\n2024-05-01 08:00:00,click,i1\n")
    read = {table.name: read_table(str(tmp_path), table) for table in (ITEMS, EVENTS)}
    result = clean(
        {name: one.rows for name, one in read.items()},
        {name: one.provenance for name, one in read.items()},
        {},
        CleanerOptions(),
        NOW,
    )
    assert [(row["key"], row["reason"]) for row in result.quarantine.to_pylist()] == [
        ("i2", "stock note in title")
    ]
