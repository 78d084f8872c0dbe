"""Files as other tools leave them: blanks beside values, headers in capitals, an index, another encoding."""

from __future__ import annotations

import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aisle.components.example_gen.options import TableReading
from aisle.components.example_gen.reader import ReadResult, read_table
from aisle.schema.errors import InputError
from aisle.schema.tables import EVENTS, ITEMS, Table


def read(
    folder: pathlib.Path, table: Table, content: str | bytes, reading: TableReading | None = None
) -> ReadResult:
    data = content.encode() if isinstance(content, str) else content
    (folder / f"{table.name}.csv").write_bytes(data)
    return read_table(str(folder), table, reading=reading or TableReading())


def noted(result: ReadResult) -> list[tuple[str, str, int]]:
    return [(note.kind, note.column, note.count) for note in result.notes]


def test_numbers_and_times_are_read_without_what_stands_around_them_and_that_is_counted(
    tmp_path: pathlib.Path,
) -> None:
    lines = "item_id,title,price,stock,available_at\na,Mug, 3.50, 4 ,\ufeff2025-03-01 00:00:00\n"
    result = read(tmp_path, ITEMS, lines + "b,Cup,\u200e5,1,2025-03-02\nc,Pot,  ,1 2,\n")
    assert result.rows.select(["price", "stock"]).to_pylist() == [
        {"price": 3.5, "stock": 4},
        {"price": 5.0, "stock": 1},
    ]
    assert result.quarantine["reason"].to_pylist() == ["not an integer"]
    assert noted(result) == [
        ("BLANK_IN_CELL", "price", 3), ("BLANK_IN_CELL", "stock", 1), ("BLANK_IN_CELL", "available_at", 1),
    ]  # fmt: skip


def test_a_day_is_enough_for_when_an_item_came_and_not_for_when_something_happened(
    tmp_path: pathlib.Path,
) -> None:
    items = read(tmp_path, ITEMS, "item_id,title,available_at\na,Mug,1970-01-02\n")
    assert items.rows["available_at"].to_pylist() == [86_400_000_000]
    events = read(tmp_path, EVENTS, "timestamp,event,item_id\n1970-01-02,click,a\n")
    assert events.quarantine["column"].to_pylist() == ["timestamp"]


@pytest.mark.parametrize(
    "header", ["Item_ID,Title,Stock", "ITEM_ID,TITLE,STOCK", "itemId,title,Stock", "item id,title,stock"]
)
def test_our_names_in_another_spelling_are_ours(tmp_path: pathlib.Path, header: str) -> None:
    result = read(tmp_path, ITEMS, f"{header}\na,Mug,1\n")
    assert result.rows.to_pylist() == [{"item_id": "a", "title": "Mug", "stock": 1}]
    assert {(note.kind, note.column) for note in result.notes} == {("HEADER_SPELLING", "")}


def test_a_name_that_is_there_as_we_write_it_leaves_the_other_spelling_an_extra(
    tmp_path: pathlib.Path,
) -> None:
    result = read(tmp_path, ITEMS, "Title,item_id,title\nx,a,Mug\n")
    assert result.rows.to_pylist() == [{"Title": "x", "item_id": "a", "title": "Mug"}]
    assert noted(result) == []
    with pytest.raises(InputError, match="lacks the required column title"):
        read(tmp_path, ITEMS, "Title,item_id,TITLE\nx,a,Mug\n")


@pytest.mark.parametrize("text", [",item_id,title\n0,a,Mug\n", "item_id,title,\na,Mug,\n"])
def test_a_column_without_a_name_is_left_out_and_said(tmp_path: pathlib.Path, text: str) -> None:
    result = read(tmp_path, ITEMS, text)
    assert result.rows.to_pylist() == [{"item_id": "a", "title": "Mug"}]
    assert noted(result) == [("UNNAMED_COLUMN", "", 1)]


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-16", ""), ("gb18030", "gbk"), ("utf-16-le", "utf-16-le"), ("utf-8", "")]
)
def test_an_encoding_is_told_by_its_mark_or_by_the_settings(
    tmp_path: pathlib.Path, encoding: str, said: str
) -> None:
    titles = ["红色马克杯", "电饭煲", "碗"] * 40
    text = "item_id,title\r\n" + "".join(f"{n},{title}\r\n" for n, title in enumerate(titles))
    result = read(tmp_path, ITEMS, text.encode(encoding), TableReading(encoding=said))
    assert result.rows["title"].to_pylist() == titles
    assert result.provenance["line"].to_pylist() == list(range(2, 122))


def test_a_file_that_isnt_of_the_encoding_that_the_settings_say_is_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="items.csv is not encoded as ascii: .*; mend reading.encodings"):
        read(tmp_path, ITEMS, "item_id,title\na,Чайник\n", TableReading(encoding="ascii"))


@pytest.mark.parametrize(
    ("written", "form", "price"),
    [("12,-", "comma", 12.0), ("CHF 12.–", "point", 12.0), ("₹1,23,456.50", "point", 123456.5)],
)  # fmt: skip
def test_prices_as_their_countries_write_them(
    tmp_path: pathlib.Path, written: str, form: str, price: float
) -> None:
    text = f'item_id,title,price\na,Mug,"{written}"\n'
    assert read(tmp_path, ITEMS, text, TableReading(numbers={"price": form})).rows["price"].to_pylist() == [
        price
    ]


def test_nanoseconds_are_a_clock_too(tmp_path: pathlib.Path) -> None:
    reading = TableReading(timestamps={"timestamp": "nanoseconds"})
    text = "timestamp,event,item_id\n1740790611000001999,click,a\n"
    assert read(tmp_path, EVENTS, text, reading).rows["timestamp"].to_pylist() == [1740790611000001]


def test_an_extra_column_that_may_be_ours_is_named(tmp_path: pathlib.Path) -> None:
    text = "timestamp,event,item_id,visitorid,colour\n2025-03-01 00:00:00,click,a,u,red\n"
    result = read(tmp_path, EVENTS, text)
    assert noted(result) == [("LIKELY_COLUMN", "user_id", 1)]
    assert [one["value"] for one in result.notes[0].examples] == ["visitorid"]
    with_users = text.replace("colour", "user_id")
    assert noted(read(tmp_path, EVENTS, with_users)) == [], "it is there already"


def test_files_may_be_called_in_capitals(tmp_path: pathlib.Path) -> None:
    (tmp_path / "ITEMS.TSV").write_text("item_id\ttitle\na\tMug\n", encoding="utf-8")
    assert read_table(str(tmp_path), ITEMS).rows.to_pylist() == [{"item_id": "a", "title": "Mug"}]


def test_several_texts_of_an_item_in_parquet_are_one_and_a_struct_names_its_fields(
    tmp_path: pathlib.Path,
) -> None:
    row = {
        "item_id": "a",
        "title": "Mug",
        "category": ["Home", "Mug"],
        "description": ["Red.", None, "Large."],
    }
    pq.write_table(pa.Table.from_pylist([row, {**row, "category": []}]), tmp_path / "items.parquet")
    rows = read_table(str(tmp_path), ITEMS).rows
    assert rows["category"].to_pylist() == ["Home|Mug", None]
    assert rows["description"].to_pylist() == ["Red.\nLarge."] * 2
    price = {"amount": "3.5", "currency": "EUR"}
    pq.write_table(pa.Table.from_pylist([{**row, "price": price}]), tmp_path / "items.parquet")
    with pytest.raises(
        InputError, match=r'as in price = "price.amount" \(it has price.amount, price.currency\)'
    ):
        read_table(str(tmp_path), ITEMS)
    told = read_table(str(tmp_path), ITEMS, reading=TableReading(columns={"price": ("price.amount",)}))
    assert told.rows["price"].to_pylist() == [3.5]


def test_prices_that_may_be_thousands_are_told(tmp_path: pathlib.Path) -> None:
    def prices(*written: str, form: str = "") -> ReadResult:
        lines = "".join(f"{n},Mug,{price}\n" for n, price in enumerate(written))
        reading = TableReading(numbers={"price": form} if form else {})
        return read(tmp_path, ITEMS, f"item_id,title,price\n{lines}", reading)

    assert noted(prices(*["1.250"] * 10, "900")) == [("LIKE_THOUSANDS", "price", 10)]
    assert noted(prices(*["1.250"] * 10, "3.5", "2.25")) == []
    assert noted(prices(*["0.125"] * 10)) == []
    told = prices(*["1.250"] * 10, form="comma")
    assert (noted(told), told.rows["price"][0].as_py()) == ([], 1250.0)


def test_ids_that_pandas_made_floats_are_whole(tmp_path: pathlib.Path) -> None:
    def users(*written: str) -> ReadResult:
        lines = "".join(f"2025-03-01 00:00:00,click,a,{user}\n" for user in written)
        return read(tmp_path, EVENTS, f"timestamp,event,item_id,user_id\n{lines}")

    floats = users("12.0", "", "3.0")
    assert floats.rows["user_id"].to_pylist() == ["12", None, "3"]
    assert noted(floats) == [("WHOLE_FLOAT", "user_id", 2)]
    others = ["12", "v1.0", "1.50", "1.2.0"]
    assert users(*others).rows["user_id"].to_pylist() == others


def test_files_may_differ_in_what_only_says_how_a_row_came_about(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "events"
    folder.mkdir()
    (folder / "1.csv").write_text("timestamp,event,item_id\n2025-03-01 00:00:00,click,a\n")
    (folder / "2.csv").write_text("timestamp,event,item_id,event_id,arm\n2025-03-01 00:00:00,click,a,e1,b\n")
    rows = read_table(str(tmp_path), EVENTS).rows
    assert (rows["event_id"].to_pylist(), rows["arm"].to_pylist()) == ([None, "e1"], [None, "b"])


@pytest.mark.parametrize(
    ("cells", "read_as"),
    [
        (pa.array([1.5]), ["1.5"]),
        (pa.array([7]), ["7"]),
        (pa.array(["2.1.3"]), ["2.1.3"]),
        (pa.array([[1]]), None),
    ],
    ids=["numbers", "integers", "text", "lists"],
)
def test_a_shops_own_column_of_such_a_name_costs_no_row(
    tmp_path: pathlib.Path, cells: pa.Array, read_as: list[str] | None
) -> None:
    event = {"timestamp": ["2025-03-01 00:00:00"], "event": ["click"], "item_id": ["a"], "version": cells}
    pq.write_table(pa.table(event), tmp_path / "events.parquet")
    rows = read_table(str(tmp_path), EVENTS).rows
    assert (rows["version"].to_pylist() if "version" in rows.column_names else None) == read_as
