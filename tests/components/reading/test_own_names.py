"""A shop's own headers, values and names of events; the presets, on files of the form that their tools publish."""

from __future__ import annotations

import pathlib

import pytest

from aisle.components.example_gen.discovery import find_tables
from aisle.components.example_gen.options import PRESETS
from aisle.components.example_gen.reader import ReadResult, read_table
from aisle.pipeline.config import load_config
from aisle.schema.errors import InputError
from aisle.schema.events import KINDS, canonical, spellings
from aisle.schema.tables import EVENTS, ITEMS, TABLE_BY_NAME
from tests.components.reading.exports import EXPORTS


def read(folder: pathlib.Path, table: str, *settings: str) -> ReadResult:
    reading = load_config(None, settings).readings()[table]
    return read_table(str(folder), TABLE_BY_NAME[table], reading=reading)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_reads_its_export_as_published(tmp_path: pathlib.Path, preset: str) -> None:
    meaning = EXPORTS[preset](tmp_path)
    readings = load_config(None, [f"reading.preset={preset}"]).readings()
    assert {"items", "events"} <= find_tables(str(tmp_path), readings).keys()
    for table, rows in meaning.items():
        result = read_table(str(tmp_path), TABLE_BY_NAME[table], reading=readings[table])
        assert result.quarantine.to_pylist() == []
        wanted = [
            {name: row[name] for name in expected}
            for row, expected in zip(result.rows.to_pylist(), rows, strict=True)
        ]
        assert wanted == rows


def test_a_table_of_one_preset_goes_beside_a_table_of_another(tmp_path: pathlib.Path) -> None:
    EXPORTS["google-merchant"](tmp_path)
    (tmp_path / "events.csv").unlink()
    EXPORTS["retailrocket"](tmp_path)
    (tmp_path / "items.csv").unlink()
    setting = 'reading.preset={"items": "google-merchant", "events": "retailrocket"}'
    assert read(tmp_path, "items", setting).rows["item_id"].to_pylist() == ["TV_123456"]
    assert read(tmp_path, "events", setting).rows["event"].to_pylist() == ["click", "cart", "purchase"]


def test_headers_and_values_are_mapped_by_a_toml_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "artikel.csv").write_text(
        'Art-Nr;Bezeichnung;Preis;Lager;title\n1;Tasse;"1.003,50 €";da;alt\n', encoding="utf-8"
    )
    toml = tmp_path / "shop.toml"
    toml.write_text(
        """
[columns.items]
item_id = "Art-Nr"
title = "Bezeichnung"
price = ["Aktionspreis", "preis"]
stock = "Lager"

[values.items.stock]
da = "1"
weg = "0"

[reading]
files = { items = "artikel.csv" }
numbers = { "items.price" = "comma" }
""",
        encoding="utf-8",
    )
    reading = load_config(str(toml), []).readings()["items"]
    rows = read_table(str(tmp_path), ITEMS, reading=reading).rows
    assert rows.to_pylist() == [{"item_id": "1", "title": "Tasse", "price": 1003.5, "stock": 1}]


def test_a_header_that_the_settings_name_and_the_file_lacks_is_told(tmp_path: pathlib.Path) -> None:
    (tmp_path / "items.csv").write_text("sku,title\n1,Mug\n", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"items.csv has no column SKUs, which .* takes for item_id; its header is: sku"
    ):
        read(tmp_path, "items", 'columns.items={"item_id": "SKUs"}')
    with pytest.raises(
        InputError, match=r"reading.files says that x\*.csv holds the table items, and .* holds items.csv"
    ):
        read(tmp_path, "items", 'reading.files={"items": "x*.csv"}')


def test_an_events_name_of_a_known_dialect_is_read_by_default(tmp_path: pathlib.Path) -> None:
    said = {
        "view_item_list": "impression", "VIEW_ITEM": "click", "Product Added": "cart", "add-to-cart": "cart",
        "Order Completed": "purchase", "Placed Order": "purchase", "detail-page-view": "click", "refund": "return", "Purchase ": "Purchase ", "page_view": "page_view",
    }  # fmt: skip
    lines = "".join(f"2025-03-01 00:56:51,{name},a\n" for name in said)
    (tmp_path / "events.csv").write_text("timestamp,event,item_id\n" + lines, encoding="utf-8")
    assert read(tmp_path, "events").rows["event"].to_pylist() == list(said.values())
    told = read(tmp_path, "events", 'values.events={"event": {"page_view": "click", "refund": "review"}}')
    assert told.rows["event"].to_pylist()[7:] == ["review", "Purchase ", "click"], (
        "a setting goes over a dialect"
    )


def test_no_name_of_a_dialect_means_two_kinds() -> None:
    for kind in KINDS:
        assert {canonical(name) for name in spellings(kind)} == {kind.name}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("reading.preset=magento", "reading.preset"),
        (
            'reading.timestamps={"events.timestamp": "days"}',
            "expected seconds, milliseconds, microseconds, nanoseconds, or a form",
        ),
        ('reading.timestamps={"items.price": "seconds"}', "items.price is a number, no timestamp"),
        ('reading.numbers={"items.prise": "comma"}', "expected TABLE.COLUMN of ours"),
        ('reading.numbers={"items.price": "semicolon"}', "Input should be 'point' or 'comma'"),
        ('columns.itmes={"item_id": "x"}', "unknown setting columns.itmes"),
        (
            'cleaner.numbers=["items.price"]',
            'say how it is written by --set \'reading.numbers={"items.price": "comma"}',
        ),
    ],
)
def test_a_wrong_setting_is_one_clear_line(setting: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        load_config(None, [setting])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_of_several_exports_may_differ_in_their_columns(tmp_path: pathlib.Path) -> None:
    head = "timestamp,event,item_id"
    (tmp_path / "a.csv").write_text(
        f"{head},query,x,y\n2025-03-01 00:00:00,click,a,mug,1,2\n", encoding="utf-8"
    )
    (tmp_path / "b.csv").write_text(f"y,{head},price\n3,2025-03-01 00:00:00,cart,a,9.5\n", encoding="utf-8")
    rows = read(tmp_path, "events", 'reading.files={"events": ["a.csv", "b.csv"]}').rows.to_pylist()
    kept = [{name: row[name] for name in ("event", "query", "price", "y")} for row in rows]
    assert kept == [
        {"event": "click", "query": "mug", "price": None, "y": "2"},
        {"event": "cart", "query": None, "price": 9.5, "y": "3"},
    ]
    assert "x" not in rows[0], "what only one of them has and is none of ours"


def test_gaps_are_filled_within_a_group_and_across_pieces(tmp_path: pathlib.Path) -> None:
    lines = ["o1,ann,m1", "o1,,m2", "o1,,m3", "o2,,m4", "o2,bob,m5", ",,m6"]
    text = "order,user_id,item_id,timestamp,event\n" + "".join(
        f"{line},2025-03-01 00:00:00,cart\n" for line in lines
    )
    (tmp_path / "events.csv").write_text(text, encoding="utf-8")
    reading = load_config(None, ['reading.filled_down={"events": "order"}']).readings()["events"]
    for piece_bytes in (1 << 20, 40):
        rows = read_table(str(tmp_path), EVENTS, piece_bytes, reading).rows
        assert rows["user_id"].to_pylist() == ["ann", "ann", "ann", None, "bob", None]
