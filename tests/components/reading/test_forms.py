"""Cells and files as shops write them: read as what they mean, or refused with the setting that reads them."""

from __future__ import annotations

import datetime
import pathlib
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aisle.components.example_gen.options import TableReading
from aisle.components.example_gen.reader import ReadResult, read_table
from aisle.schema.errors import InputError
from aisle.schema.tables import EVENTS, ITEMS, JUDGEMENTS, USERS, Table

WHEN = "2025-03-01 00:56:51"
MOMENT = int(datetime.datetime(2025, 3, 1, 0, 56, 51, tzinfo=datetime.timezone.utc).timestamp()) * 1_000_000
HOUR = 3_600_000_000


def read(
    folder: pathlib.Path, table: Table, reading: TableReading | None = None, **files: str | bytes
) -> ReadResult:
    """Writes files by their paths (`__` is a dot, and `--` a slash) and reads a table of them."""
    for name, content in files.items():
        path = folder / name.replace("__", ".").replace("_in_", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(str(folder), table, reading=reading or TableReading())


def events(folder: pathlib.Path, when: str, form: str = "") -> ReadResult:
    reading = TableReading(timestamps={"timestamp": form} if form else {})
    return read(folder, EVENTS, reading, events__csv=f'timestamp,event,item_id\n"{when}",click,a\n')


def noted(result: ReadResult) -> list[tuple[str, str, int]]:
    return [(note.kind, note.column, note.count) for note in result.notes]


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2025-03-01 00:56:51 UTC", MOMENT),
        ("2025-03-01 00:56:51+00", MOMENT),
        ("2025-03-01 00:56:51+0000", MOMENT),
        ("2025-03-01 02:56:51+02:00", MOMENT),
        ("2025-02-28 19:56:51 -0500", MOMENT),
        ("2025-03-01T00:56:51Z", MOMENT),
        ("2025-03-01t00:56:51.25z", MOMENT + 250_000),
        ("2025-03-01 00:56:51,123456789", MOMENT + 123_456),
        ("2025-03-01 00:56", MOMENT - 51_000_000),
        ("2025-03-01T02:56+02:00", MOMENT - 51_000_000),
        ("2025-03-01 06:26:51+05:30", MOMENT),
    ],
)
def test_the_usual_forms_of_iso_8601_are_read(tmp_path: pathlib.Path, written: str, moment: int) -> None:
    assert events(tmp_path, written).rows["timestamp"].to_pylist() == [moment]


@pytest.mark.parametrize(
    ("form", "written", "moment"),
    [
        ("seconds", "1740790611", MOMENT),
        ("seconds", "1740790611.5", MOMENT + 500_000),
        ("milliseconds", "1740790611000", MOMENT),
        ("milliseconds", "1740790611000.0", MOMENT),
        ("microseconds", "1740790611000000", MOMENT),
        ("%m/%d/%Y %H:%M", "3/1/2025 0:56", MOMENT - 51_000_000),
        ("%d.%m.%Y %H:%M:%S", "01.03.2025 00:56:51", MOMENT),
        ("%d.%m.%Y %H:%M:%S %z", "01.03.2025 02:56:51 +0200", MOMENT),
        ("%d.%m.%Y", "01.03.2025", MOMENT - 3411_000_000),
    ],
)
def test_other_forms_of_time_are_read_by_the_setting(
    tmp_path: pathlib.Path, form: str, written: str, moment: int
) -> None:
    assert events(tmp_path, written, form).rows["timestamp"].to_pylist() == [moment]
    assert events(tmp_path, "no time", form).quarantine["column"].to_pylist() == ["timestamp"]


@pytest.mark.parametrize("written", ["2025-03-01", "2025-03-01 24:56", "2025-03-01 00:56:60", "1740790611"])
def test_what_is_no_such_time_names_the_setting(tmp_path: pathlib.Path, written: str) -> None:
    (reason,) = events(tmp_path, written).quarantine["reason"].to_pylist()
    assert "reading.timestamps" in reason


@pytest.mark.parametrize(
    ("form", "written", "number"),
    [
        ("comma", "3,50", 3.5),
        ("comma", "1.234,56", 1234.56),
        ("comma", "1 234,56 zł", 1234.56),
        ("comma", "1\u202f234\u00a0€", 1234.0),
        ("comma", "-3,50", -3.5),
        ("comma", "EUR 1.000", 1000.0),
        ("comma", "3.50", None),
        ("point", "3.00 USD", 3.0),
        ("point", "$1,234.50", 1234.5),
        ("point", "US$ 0.99", 0.99),
        ("point", "CHF 1'234.50", 1234.5),
        ("point", "-£5", -5.0),
        ("point", "12,50", None),
        ("point", "--5", None),
        ("point", "5 or 6", None),
        ("", "3,50", None),
        ("", "3.00 USD", None),
    ],
)
def test_a_number_is_read_by_the_form_of_its_column(
    tmp_path: pathlib.Path, form: str, written: str, number: float | None
) -> None:
    reading = TableReading(numbers={"price": form} if form else {})
    result = read(tmp_path, ITEMS, reading, items__csv=f'item_id,title,price\na,Mug,"{written}"\n')
    assert result.rows["price"].to_pylist() == ([] if number is None else [number])


def test_amounts_of_several_currencies_are_said(tmp_path: pathlib.Path) -> None:
    reading = TableReading(numbers={"price": "point"})
    text = "item_id,title,price\na,Mug,3.00 USD\nb,Cup,USD 4.00\nc,Pot,5.00 EUR\nd,Jug,6\ne,Can,\n"
    result = read(tmp_path, ITEMS, reading, items__csv=text)
    assert result.rows["price"].to_pylist() == [3.0, 4.0, 5.0, 6.0, None]
    assert noted(result) == [("SEVERAL_CURRENCIES", "price", 1)]


def test_whole_floats_are_integers_in_csv(tmp_path: pathlib.Path) -> None:
    rows = f"timestamp,event,item_id,position\n{WHEN},click,a,1.0\n{WHEN},click,a,2.\n{WHEN},click,a,1.5\n"
    result = read(tmp_path, EVENTS, events__csv=rows)
    assert result.rows["position"].to_pylist() == [1, 2]
    assert result.quarantine["value"].to_pylist() == ["1.5"]


@pytest.mark.parametrize(
    ("ids", "read_as"),
    [
        (
            pa.array([Decimal(12345678901234567890123), None], pa.decimal128(38, 0)),
            ["12345678901234567890123"],
        ),
        (pa.array([17850.0, None, 1e15], pa.float64()), ["17850", "1000000000000000"]),
        (pa.array([b"a1", None, "é".encode()], pa.binary()), ["a1", "é"]),
        (pa.array([b"ab", b"cd"], pa.binary(2)), ["ab", "cd"]),
        (pa.array(["x", None], pa.large_string()), ["x"]),
    ],
)
def test_parquet_ids_are_read_as_what_they_say(
    tmp_path: pathlib.Path, ids: pa.Array, read_as: list[str]
) -> None:
    pq.write_table(pa.table({"item_id": ids, "title": ["Mug"] * len(ids)}), tmp_path / "items.parquet")
    result = read_table(str(tmp_path), ITEMS)
    assert result.rows["item_id"].to_pylist() == read_as
    assert set(result.quarantine["reason"].to_pylist()) <= {"missing required value"}


def test_a_broken_float_is_no_identifier(tmp_path: pathlib.Path) -> None:
    pq.write_table(
        pa.table({"item_id": [1.0, 1.5, 2.0**60], "title": ["Mug"] * 3}), tmp_path / "items.parquet"
    )
    result = read_table(str(tmp_path), ITEMS)
    assert result.rows["item_id"].to_pylist() == ["1"]
    assert result.quarantine["reason"].to_pylist() == ["not a whole number, as an identifier is"] * 2


def test_extra_columns_that_no_cell_can_hold_are_left_out(tmp_path: pathlib.Path) -> None:
    extra = {
        "sizes": [["S", "M"]],
        "maker": [{"name": "x"}],
        "picture": pa.array([b"\xff\xd8"]),
        "shelf": [7],
    }
    pq.write_table(pa.table({"item_id": ["a"], "title": ["Mug"], **extra}), tmp_path / "items.parquet")
    assert read_table(str(tmp_path), ITEMS).rows.to_pylist() == [{"item_id": "a", "title": "Mug", "shelf": 7}]


def test_parquet_numbers_are_times_by_the_setting_alone(tmp_path: pathlib.Path) -> None:
    for times in ([1740790611000], [1740790611000.0]):
        table = pa.table({"timestamp": times, "event": ["click"], "item_id": ["a"]})
        pq.write_table(table, tmp_path / "events.parquet")
        told = read_table(
            str(tmp_path), EVENTS, reading=TableReading(timestamps={"timestamp": "milliseconds"})
        )
        assert told.rows["timestamp"].to_pylist() == [MOMENT]
        with pytest.raises(InputError, match=r"reading.timestamps=\{\"events.timestamp\""):
            read_table(str(tmp_path), EVENTS)


def test_markers_of_missing_values_are_missing_and_said_once(tmp_path: pathlib.Path) -> None:
    lines = ["\\N,None", "NULL,Null", "nan,None", "null,\\N", "u1,None"]
    text = "timestamp,event,item_id,user_id,query\n" + "".join(f"{WHEN},click,a,{line}\n" for line in lines)
    result = read(tmp_path, EVENTS, events__csv=text)
    assert result.rows["user_id"].to_pylist() == [None, None, None, None, "u1"]
    assert result.rows["query"].to_pylist() == ["None", "Null", "None", None, "None"], (
        "a query may be called so"
    )
    assert noted(result) == [("MISSING_MARKER", "user_id", 4), ("MISSING_MARKER", "query", 1)]
    assert result.notes[0].examples[0] == {"file": "events.csv", "line": 2, "value": "\\N"}


def test_a_missing_number_is_missing_and_nan_is_a_number(tmp_path: pathlib.Path) -> None:
    result = read(tmp_path, ITEMS, items__csv="item_id,title,price\na,Mug,NULL\nb,Cup,nan\nc,Pot,None\n")
    prices = result.rows["price"].to_pylist()
    assert (prices[0], prices[2]) == (None, None)
    assert prices[1] != prices[1]


def test_a_missing_required_value_shows_its_marker_in_the_quarantine(tmp_path: pathlib.Path) -> None:
    result = read(tmp_path, ITEMS, items__csv="item_id,title\nNULL,Mug\nb,Cup\n")
    assert result.quarantine.select(["value", "reason"]).to_pylist() == [
        {"value": "NULL", "reason": "missing required value"}
    ]


@pytest.mark.parametrize("character", ["\u200b", "\ufeff", "\u200e", "\u00ad"])
def test_what_cant_be_seen_in_an_id_is_stripped_and_counted(tmp_path: pathlib.Path, character: str) -> None:
    text = f"item_id,title\n{character}a1,Mug{character}\né{character}2,Cup\nc,Pot\n"
    result = read(tmp_path, ITEMS, items__csv=text)
    assert result.rows["item_id"].to_pylist() == ["a1", "é2", "c"]
    assert result.rows["title"][0].as_py() == f"Mug{character}", "text is not touched"
    assert noted(result) == [("INVISIBLE_CHARACTER", "item_id", 2)]


def test_blanks_around_a_header_are_stripped_and_said(tmp_path: pathlib.Path) -> None:
    result = read(tmp_path, ITEMS, items__csv="item_id, title,\ufeffbrand\na,Mug,x\n")
    assert result.rows.to_pylist() == [{"item_id": "a", "title": "Mug", "brand": "x"}]
    assert [one["value"] for one in result.notes[0].examples] == ["' title'", r"'\ufeffbrand'"]
    assert noted(result) == [("BLANK_IN_HEADER", "", 2)]


def test_a_shard_with_a_header_alone_is_said_and_an_empty_parquet_shard_read(tmp_path: pathlib.Path) -> None:
    header = "query,item_id,grade\n"
    (tmp_path / "judgements").mkdir()
    schema = pa.schema([("query", pa.string()), ("item_id", pa.string()), ("grade", pa.int64())])
    pq.write_table(schema.empty_table(), tmp_path / "judgements" / "c.parquet")
    result = read(
        tmp_path, JUDGEMENTS, judgements_in_a__csv=header + "\n\n", judgements_in_b__csv=header + "mug,a,1\n"
    )
    assert result.rows.num_rows == 1
    assert noted(result) == [("EMPTY_FILE", "", 2)]
    assert [one["file"] for one in result.notes[0].examples] == ["judgements/a.csv", "judgements/c.parquet"]


def test_folders_of_hive_are_read_and_what_they_say_of_a_column_of_ours(tmp_path: pathlib.Path) -> None:
    header = "user_id,age\n"
    files = {
        "users_in_date=2025-01-01_in_country=DE_in_a__csv": header + "u1,30\n",
        "users_in_date=2025-01-02_in_country=%C3%96_in_a__csv": header + "u2,31\n",
    }
    for litter in (
        "_SUCCESS",
        "Thumbs.db",
        "date=2025-01-01/.a.csv.crc",
        "date=2025-01-01/part.crc",
        "desktop.ini",
    ):
        path = tmp_path / "users" / litter
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0")
    result = read(tmp_path, USERS, **files)  # type: ignore[arg-type]
    assert result.rows.to_pylist() == [
        {"user_id": "u1", "age": 30, "country": "DE"},
        {"user_id": "u2", "age": 31, "country": "Ö"},
    ]
    assert result.provenance["file"][1].as_py() == "users/date=2025-01-02/country=%C3%96/a.csv"


@pytest.mark.parametrize(
    ("name", "separator"),
    [("items__tsv", "\t"), ("items__csv", ";"), ("items__csv", "\t"), ("items__csv", "|")],
)
def test_other_separators_than_commas_are_read(tmp_path: pathlib.Path, name: str, separator: str) -> None:
    rows = [
        ["item_id", "title"],
        ["a", f'"Mug{separator} ""red"", big"'],
        ["b", "Cup, small"],
        ["c"],
        ["d", "Pot"],
    ]
    text = "".join(separator.join(row) + "\n" for row in rows)
    result = read(tmp_path, ITEMS, **{name: text})  # type: ignore[arg-type]
    assert result.rows["title"].to_pylist() == [f'Mug{separator} "red", big', "Cup, small", "Pot"]
    assert result.quarantine.select(["line", "reason", "key"]).to_pylist() == [
        {"line": 4, "reason": "wrong number of cells", "key": "c"}
    ]


FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>Shop</title>
<item><g:id>a</g:id><title>Mug &amp; cup</title><g:price>15.00 USD</g:price>
<g:shipping><g:price>1.00 USD</g:price></g:shipping><g:product_type><![CDATA[Home > Mugs]]></g:product_type></item>
<item><g:id>b</g:id><title>Caf\u00e9</title></item>
</channel></rss>
"""


def test_a_feed_in_xml_is_read_with_the_line_of_each_item(tmp_path: pathlib.Path) -> None:
    reading = TableReading(columns={"item_id": ("id",)}, numbers={"price": "point"})
    result = read(tmp_path, ITEMS, reading, items__xml=FEED)
    assert result.rows.select(["item_id", "title", "price"]).to_pylist() == [
        {"item_id": "a", "title": "Mug & cup", "price": 15.0},
        {"item_id": "b", "title": "Café", "price": None},
    ]
    assert result.rows["product_type"].to_pylist() == ["Home > Mugs", None]
    assert result.provenance["line"].to_pylist() == [3, 5]


def test_paths_are_followed_in_a_feed_too(tmp_path: pathlib.Path) -> None:
    reading = TableReading(columns={"item_id": ("variants[].sku",)})
    entry = "<title>Mug</title><variants>[{&quot;sku&quot;: 1}, {&quot;sku&quot;: 2}]</variants>"
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom"><entry>{entry}</entry>\n<entry><title>Cup</title><variants>x</variants></entry></feed>'
    result = read(tmp_path, ITEMS, reading, items__xml=feed)
    assert result.rows.to_pylist() == [{"item_id": "1", "title": "Mug"}, {"item_id": "2", "title": "Mug"}]
    assert result.provenance["line"].to_pylist() == [1, 1]
    assert result.quarantine.select(["line", "column"]).to_pylist() == [{"line": 2, "column": "item_id"}]


def test_a_feed_with_entities_is_refused_before_they_grow(tmp_path: pathlib.Path) -> None:
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE rss [<!ENTITY l0 "lol">{lol}]><rss><item><id>&l11;</id></item></rss>'
    with pytest.raises(InputError, match="items.xml declares the XML entity l0"):
        read(tmp_path, ITEMS, items__xml=bomb)


def test_a_feed_that_is_no_xml_is_refused_in_one_line(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="items.xml is not XML: .*line 6") as caught:
        read(tmp_path, ITEMS, items__xml=FEED.replace("</channel>", "</chanel>"))
    assert "\n" not in str(caught.value)
