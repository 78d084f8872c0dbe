"""The adapters of public data sets: rename and reshape, and keep every bit of dirt."""

from __future__ import annotations

import csv
import pathlib

import polars as pl
import pytest

from aisle.datasets import judgements, online_retail, sequences
from aisle.schema.errors import InputError

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
DAY_1 = HEADER + (
    '536365,85123A,"HEART, WHITE",6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n'
    "536365,POST,POSTAGE,1,2010-12-01 08:26:00,18.0,17850.0,United Kingdom\n"
    "536366,22139,,56,2010-12-01 11:52:00,0.0,,United Kingdom\n"
    "536366,22139,,56,2010-12-01 11:52:00,0.0,,United Kingdom\n"
)
DAY_2 = HEADER + (
    'C536379,85123A,"HEART, WHITE",-1,2010-12-02 09:41:00,2.95,17850.0,France\n'
    "A563185,B,Adjust bad debt,1,2010-12-02 10:00:00,-11062.06,,United Kingdom\n"
    "536380,85123A,damaged,-9,2010-12-02 10:30:00,0.0,14527,United Kingdom\n"
)


@pytest.fixture
def retail(tmp_path: pathlib.Path) -> pathlib.Path:
    src = tmp_path / "retail"
    src.mkdir()
    (src / "2010-12-01.csv").write_text(DAY_1)
    (src / "2010-12-02.csv").write_text(DAY_2)
    return src


def rows(path: pathlib.Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_online_retail_lines_become_events_verbatim(retail: pathlib.Path, tmp_path: pathlib.Path) -> None:
    counts = online_retail.convert(retail, tmp_path / "shop")
    assert counts == {"items": 5, "users": 3, "events": 7}
    day_1, day_2 = (rows(tmp_path / "shop" / "events" / f"2010-12-0{day}.csv") for day in (1, 2))
    assert day_1 == [
        ["timestamp", "event", "item_id", "user_id", "session_id", "quantity", "price", "description"],
        ["2010-12-01 08:26:00", "purchase", "85123A", "17850", "536365", "6", "2.55", "HEART, WHITE"],
        ["2010-12-01 08:26:00", "purchase", "POST", "17850", "536365", "1", "18.0", "POSTAGE"],
        ["2010-12-01 11:52:00", "purchase", "22139", "", "536366", "56", "0.0", ""],
        ["2010-12-01 11:52:00", "purchase", "22139", "", "536366", "56", "0.0", ""],
    ]
    assert day_2[1:] == [
        ["2010-12-02 09:41:00", "return", "85123A", "17850", "C536379", "-1", "2.95", "HEART, WHITE"],
        ["2010-12-02 10:00:00", "purchase", "B", "", "A563185", "1", "-11062.06", "Adjust bad debt"],
        ["2010-12-02 10:30:00", "purchase", "85123A", "14527", "536380", "-9", "0.0", "damaged"],
    ]


def test_online_retail_items_are_the_distinct_code_and_description_pairs(
    retail: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    online_retail.convert(retail, tmp_path / "shop")
    assert rows(tmp_path / "shop" / "items.csv") == [
        ["item_id", "title", "price", "available_at", "lines"],
        ["85123A", "HEART, WHITE", "2.95", "2010-12-01 08:26:00", "2"],
        ["POST", "POSTAGE", "18.0", "2010-12-01 08:26:00", "1"],
        ["22139", "", "0.0", "2010-12-01 11:52:00", "2"],
        ["B", "Adjust bad debt", "-11062.06", "2010-12-02 10:00:00", "1"],
        ["85123A", "damaged", "0.0", "2010-12-02 10:30:00", "1"],
    ]
    assert rows(tmp_path / "shop" / "users.csv") == [
        ["user_id", "country"],
        ["17850", "United Kingdom"],
        ["17850", "France"],
        ["14527", "United Kingdom"],
    ]


def test_online_retail_converts_one_file_too(retail: pathlib.Path, tmp_path: pathlib.Path) -> None:
    counts = online_retail.convert(retail / "2010-12-02.csv", tmp_path / "shop")
    assert counts == {"items": 3, "users": 2, "events": 3}


def test_the_dates_of_a_workbook_saved_in_the_united_states_become_iso(
    retail: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    day = DAY_1.replace("2010-12-01 08:26:00", "12/1/2010 8:26").replace(
        "2010-12-01 11:52:00", "12/1/2010 11:52"
    )
    (retail / "2010-12-01.csv").write_text(day)
    online_retail.convert(retail, tmp_path / "shop")
    assert [row[0] for row in rows(tmp_path / "shop" / "events" / "2010-12-01.csv")[1:]] == [
        "2010-12-01 08:26:00", "2010-12-01 08:26:00", "2010-12-01 11:52:00", "2010-12-01 11:52:00",
    ]  # fmt: skip


def test_dates_of_another_form_are_refused_and_nothing_is_written(
    retail: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (retail / "2010-12-01.csv").write_text(DAY_1.replace("2010-12-01 08:26:00", "31.12.2010 08:26"))
    with pytest.raises(
        InputError, match=r"2010-12-01.csv: 2 InvoiceDate can't be read, such as '31.12.2010 08:26'"
    ):
        online_retail.convert(retail, tmp_path / "shop")
    assert not (tmp_path / "shop").exists()


def test_judgements_keep_the_variance_as_an_extra_column(tmp_path: pathlib.Path) -> None:
    src = tmp_path / "src"
    src.mkdir()
    (src / "items.csv").write_text('item_id,title,description\np1,Pillow,"8"" x 8"""\np2,Lamp,\n')
    (src / "judgements.csv").write_text(
        "query,item_id,grade,grade_variance\nred pillow,p1,4,0.0\nred pillow,p2,1,0.471\n"
    )
    assert judgements.convert(src, tmp_path / "shop") == {"items": 2, "judgements": 2}
    assert rows(tmp_path / "shop" / "items.csv")[1:] == [["p1", "Pillow", '8" x 8"'], ["p2", "Lamp", ""]]
    assert rows(tmp_path / "shop" / "judgements.csv")[2] == ["red pillow", "p2", "1", "0.471"]


def test_the_kth_item_of_a_sequence_is_bought_on_day_k(tmp_path: pathlib.Path) -> None:
    source = tmp_path / "toy.txt"
    source.write_text("1 10 20 10\n2 20\n")
    assert sequences.convert(source, tmp_path / "shop") == {"items": 2, "users": 2, "events": 4}
    assert rows(tmp_path / "shop" / "events.csv") == [
        ["timestamp", "event", "item_id", "user_id"],
        ["2014-06-27 00:00:00", "purchase", "10", "1"],
        ["2014-06-29 00:00:00", "purchase", "20", "1"],
        ["2014-07-01 00:00:00", "purchase", "10", "1"],
        ["2014-07-01 00:00:00", "purchase", "20", "2"],
    ]
    assert rows(tmp_path / "shop" / "items.csv")[1:] == [["10", "item 10"], ["20", "item 20"]]


def test_a_missing_or_wrong_source_is_named_and_nothing_is_written(tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "shop"
    with pytest.raises(InputError, match="nowhere doesn't exist"):
        online_retail.convert(tmp_path / "nowhere", dest)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=r"holds no \.csv file"):
        online_retail.convert(empty, dest)
    with pytest.raises(InputError, match=r"items\.csv doesn't exist"):
        judgements.convert(empty, dest)
    (empty / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="lacks the columns InvoiceNo, .*; it has a, b"):
        online_retail.convert(empty, dest)
    (empty / "other.csv").write_text("")
    with pytest.raises(InputError, match=r"other\.csv is empty"):
        online_retail.convert(empty, dest)
    (empty / "other.csv").write_bytes(HEADER.encode() + b"1,2,caf\xe9,1,2010-12-01 08:26:00,1,1,UK\n")
    with pytest.raises(InputError, match="not a CSV file in UTF-8"):
        online_retail.convert(empty, dest)
    (empty / "lonely.txt").write_text("1 2 3\n4\n")
    with pytest.raises(InputError, match="line 2: expected `user item …`, got '4'"):
        sequences.convert(empty, dest)
    (empty / "more.txt").write_text("1 2\n")
    with pytest.raises(InputError, match=r"holds 2 \.txt files"):
        sequences.convert(empty, dest)
    assert not dest.exists()


@pytest.mark.parametrize("existing", ["events", "items.csv", "judgements.parquet"])
def test_tables_are_never_mixed_into_a_folder_that_has_some(
    retail: pathlib.Path, tmp_path: pathlib.Path, existing: str
) -> None:
    dest = tmp_path / "shop"
    (dest / existing).mkdir(parents=True)
    with pytest.raises(InputError, match=f"already holds {existing}; choose another folder"):
        online_retail.convert(retail, dest)
    assert [path.name for path in dest.iterdir()] == [existing]


def test_a_destination_that_is_a_file_is_refused(retail: pathlib.Path) -> None:
    with pytest.raises(InputError, match="is a file; expected a folder"):
        online_retail.convert(retail, retail / "2010-12-01.csv")


def test_every_line_of_the_real_online_retail_becomes_an_event(
    shared_data: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    counts = online_retail.convert(shared_data / "online-retail", tmp_path)
    assert counts == {"items": 5_507, "users": 4_111, "events": 451_127}
    events = pl.scan_csv(tmp_path / "events" / "*.csv", infer_schema=False).collect()
    assert len(events) == 451_127
    assert events.filter(pl.col("event") == "return").height == 8_197
    assert events["user_id"].null_count() == 111_827
    assert events["user_id"].drop_nulls().str.contains(r"^\d{5}$").all()
    assert events.is_duplicated().sum() > 3_942
    items = pl.read_csv(tmp_path / "items.csv")
    assert items["lines"].sum() == 451_127


def test_the_real_judgements_and_sequences_keep_their_counts(
    shared_data: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    judged = judgements.convert(shared_data / "search-relevance", tmp_path / "judged")
    assert judged == {"items": 5_270, "judgements": 5_387}
    bought = sequences.convert(shared_data / "beauty", tmp_path / "bought")
    assert bought == {"items": 12_101, "users": 22_363, "events": 198_502}
