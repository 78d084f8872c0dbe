"""`aisle init`: looks at exports, proposes their mapping, shows rows as read, writes settings that `aisle run` takes."""

from __future__ import annotations

import pathlib
import random

import pytest
from click.testing import CliRunner, Result

from aisle.cli.main import cli
from aisle.components.example_gen.discovery import find_tables
from aisle.components.example_gen.options import PRESETS
from aisle.components.example_gen.reader import read_table
from aisle.pipeline.config import load_config
from aisle.schema.errors import InputError
from aisle.schema.tables import TABLE_BY_NAME
from aisle.schema.words import encodings, languages
from tests.components.reading.exports import EXPORTS


def run(folder: pathlib.Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["init", str(folder), "--output", str(folder / "shop.toml"), *options])


def rows(folder: pathlib.Path, table: str) -> list[dict[str, object]]:
    """The rows that a run with the written settings would read."""
    readings = load_config(str(folder / "shop.toml"), []).readings()
    assert table in find_tables(str(folder), readings)
    result = read_table(str(folder), TABLE_BY_NAME[table], reading=readings[table])
    assert result.quarantine.to_pylist() == []
    return result.rows.to_pylist()


@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_written_reads_each_presets_export(tmp_path: pathlib.Path, preset: str) -> None:
    meaning = EXPORTS[preset](tmp_path)
    done = run(tmp_path)
    assert done.exit_code == 0, done.output
    assert f"an export of {preset}" in done.output
    assert f"run with: aisle run {tmp_path} --config {tmp_path}/shop.toml" in done.output
    for table, expected in meaning.items():
        key = ("timestamp", "item_id", "event")
        wanted = sorted(expected, key=lambda row: [str(row.get(name)) for name in key])
        got = sorted(rows(tmp_path, table), key=lambda row: [str(row.get(name)) for name in key])
        assert [{name: row[name] for name in one} for row, one in zip(got, wanted, strict=True)] == wanted


def own_shop(folder: pathlib.Path) -> None:
    """A German shop's exports, each of a form of its own."""
    (folder / "artikel.csv").write_text(
        "Artikelnummer;Bezeichnung;Warengruppe;Preis;Bestand;Regal\n"
        "A1;Tasse, groß;Küche;1.003,50 €;3;r1\nA2;Becher;Küche;3,00 €;0;r1\nA3;Kanne;Küche;12,90 €;1;r2\n",
        encoding="utf-8",
    )
    (folder / "klicks").mkdir()
    for day in (13, 14):
        (folder / "klicks" / f"{day}.csv").write_text(
            f"Datum,Kunde,Artikel,Action\n{day}.03.2025 08:05,k1,A1,Klick\n{day}.03.2025 08:06,k1,A2,Anprobe\n",
            encoding="utf-8",
        )
    (folder / "notes.txt").write_text("nothing", encoding="utf-8")
    (folder / "umsatz.csv").write_text("Monat,Summe\n2025-03,100\n", encoding="utf-8")


def test_a_shops_own_exports_are_told_by_names_and_by_what_they_hold(tmp_path: pathlib.Path) -> None:
    own_shop(tmp_path)
    done = run(tmp_path)
    assert done.exit_code == 0, done.output
    assert "price is Preis, written as comma" in done.output
    assert "timestamp is Datum, written as %d.%m.%Y %H:%M" in done.output
    assert "Anprobe" in done.output
    assert "\n  of no column of ours: Regal\n" in done.output
    assert "not used: umsatz.csv (Monat, Summe)" in done.output
    items, events = rows(tmp_path, "items"), rows(tmp_path, "events")
    assert items[0] == {
        "item_id": "A1",
        "title": "Tasse, groß",
        "category": "Küche",
        "price": 1003.5,
        "stock": 3,
        "Regal": "r1",
    }
    assert [(row["event"], row["item_id"], row["user_id"]) for row in events[:2]] == [
        ("click", "A1", "k1"),
        ("Anprobe", "A2", "k1"),
    ]
    assert events[0]["timestamp"] == 1741853100_000000
    written = (tmp_path / "shop.toml").read_text(encoding="utf-8")
    assert '[values.events.event]\n# Anprobe = "click"' in written.replace('"Anprobe"', "Anprobe")


def test_a_chinese_shops_exports_are_told_by_their_names(tmp_path: pathlib.Path) -> None:
    (tmp_path / "商品.csv").write_text(
        "商品编号,商品名称,商品分类,售价,库存数量\nS1,全脂牛奶,牛奶,￥18.50,3\n", encoding="gb18030"
    )
    lines = ["S1,浏览,U1", "S1,加入购物车,U1", "S1,下单,U1", "S1,收藏,U2"]
    (tmp_path / "行为.csv").write_text(
        "行为时间,商品编号,行为类型,用户编号\n"
        + "".join(f"2026/03/0{day} 08:05,{line}\n" for day, line in enumerate(lines, 1)),
        encoding="gb18030",
    )
    done = run(tmp_path)
    assert done.exit_code == 0, done.output
    assert rows(tmp_path, "items")[0] == {
        "item_id": "S1", "title": "全脂牛奶", "category": "牛奶", "price": 18.5, "stock": 3,
    }  # fmt: skip
    assert [(row["event"], row["user_id"]) for row in rows(tmp_path, "events")] == [
        ("click", "U1"), ("cart", "U1"), ("purchase", "U1"), ("click", "U2"),
    ]  # fmt: skip


def _fits(word: str, encoding: str) -> bool:
    try:
        return word.encode(encoding).decode(encoding) == word
    except UnicodeError:
        return False


@pytest.mark.parametrize(
    ("code", "encoding"),
    [(code, encoding) for code, own in encodings().items() for encoding in ("utf-8", *own)],
)
def test_a_shop_that_says_everything_in_its_own_language_and_encoding_is_read(
    tmp_path: pathlib.Path, code: str, encoding: str
) -> None:
    language = languages()[code]

    def header(table: str, *columns: str) -> str:
        said = (language["columns"].get(name, []) + language[table].get(name, []) for name in columns)
        first = (next(word for word in names if _fits(word, encoding)) for names in said)
        return ";".join(f'"{name}"' for name in first) + "\n"

    texts = [word for said in language["items"].values() for word in said if _fits(word, encoding)]
    (tmp_path / "1.csv").write_text(
        header("items", "item_id", "title", "category", "price", "stock")
        + "".join(f"A-{n};{text} {n};x{n % 2};{n},50;{n}\n" for n, text in enumerate(texts)),
        encoding=encoding,
    )
    said = language.get("kinds", {"click": ["view"]})
    kinds = {
        kind: next((word for word in names if _fits(word, encoding)), kind) for kind, names in said.items()
    }
    (tmp_path / "2.csv").write_text(
        header("events", "timestamp", "event", "item_id", "user_id", "session_id", "quantity")
        + "".join(
            f"2025-03-0{n} 10:00:00;{word};A-{n};U{n % 2};S{n};{n}\n"
            for n, word in enumerate(kinds.values(), 1)
        ),
        encoding=encoding,
    )
    done = run(tmp_path)
    assert done.exit_code == 0, done.output
    assert [row["title"] for row in rows(tmp_path, "items")] == [
        f"{text} {n}" for n, text in enumerate(texts)
    ]
    assert rows(tmp_path, "items")[1] | {"title": ""} == {
        "item_id": "A-1", "title": "", "category": "x1", "price": 1.5, "stock": 1,
    }  # fmt: skip
    found = rows(tmp_path, "events")
    assert [row["event"] for row in found] == list(kinds)
    assert {name: found[0][name] for name in ("item_id", "user_id", "session_id", "quantity")} == {
        "item_id": "A-1", "user_id": "U1", "session_id": "S1", "quantity": 1,
    }  # fmt: skip


def test_what_stands_in_place_of_a_number_is_a_missing_one(tmp_path: pathlib.Path) -> None:
    (tmp_path / "items.csv").write_text(
        "item_id,title,price\n"
        + "".join(f"{n},Cup,{n}.5\n" for n in range(40))
        + 'a,Vase,on "request"\nb,Bowl,n/a\nc,Pot,null\n',
        encoding="utf-8",
    )
    (tmp_path / "events.csv").write_text(
        "timestamp,event,item_id\n2025-03-01 00:00:00,click,a\n", encoding="utf-8"
    )
    done = run(tmp_path)
    assert 'price is missing where it says on "request", n/a\n' in done.output
    found = rows(tmp_path, "items")
    assert [row.get("price") for row in found[-3:]] == [None] * 3 and len(found) == 43


def test_orders_without_a_kind_of_event_are_purchases(tmp_path: pathlib.Path) -> None:
    (tmp_path / "products.csv").write_text("sku,name\na,Mug\n", encoding="utf-8")
    (tmp_path / "orders.csv").write_text(
        "order_date,sku,qty,customer\n2025-03-01 10:00,a,2,u\n", encoding="utf-8"
    )
    assert "event is always purchase" in run(tmp_path).output
    assert rows(tmp_path, "events")[0] | {"timestamp": 0} == {
        "timestamp": 0, "event": "purchase", "item_id": "a", "user_id": "u", "quantity": 2,
    }  # fmt: skip


def test_shards_that_differ_by_their_numbers_are_one_table(tmp_path: pathlib.Path) -> None:
    (tmp_path / "items.csv").write_text("item_id,title\na,Mug\n", encoding="utf-8")
    for day in range(1, 4):
        text = f"timestamp,event,item_id\n2025-03-0{day} 10:00,click,a\n"
        (tmp_path / f"log_2025-03-0{day}.csv").write_text(text, encoding="utf-8")
    assert "events: log_*.csv" in run(tmp_path).output
    assert len(rows(tmp_path, "events")) == 3


def test_the_days_of_dates_are_told_from_all_the_cells(tmp_path: pathlib.Path) -> None:
    (tmp_path / "items.csv").write_text("item_id,title\na,Mug\n", encoding="utf-8")
    days = [f"{day}/{month}/2025 10:00" for day in range(1, 29) for month in (1, 2)]
    random.Random(0).shuffle(days)
    lines = "".join(f"{day},click,a\n" for day in sorted(days))
    (tmp_path / "events.csv").write_text("timestamp,event,item_id\n" + lines, encoding="utf-8")
    assert run(tmp_path).exit_code == 0
    assert load_config(str(tmp_path / "shop.toml"), []).reading.timestamps == {
        "events.timestamp": "%d/%m/%Y %H:%M"
    }


def test_a_file_that_is_there_is_only_written_over_by_force(tmp_path: pathlib.Path) -> None:
    own_shop(tmp_path)
    (tmp_path / "shop.toml").write_text("mine", encoding="utf-8")
    done = run(tmp_path)
    assert isinstance(done.exception, InputError)
    assert "shop.toml is there already; --force writes over it" in str(done.exception)
    assert (tmp_path / "shop.toml").read_text(encoding="utf-8") == "mine"
    assert run(tmp_path, "--force").exit_code == 0


def test_a_folder_of_nothing_like_a_shop_is_told_in_one_line(tmp_path: pathlib.Path) -> None:
    (tmp_path / "umsatz.csv").write_text("Monat,Summe\n2025-03,100\n", encoding="utf-8")
    done = run(tmp_path)
    assert isinstance(done.exception, InputError)
    assert "umsatz.csv has Monat, Summe" in str(done.exception)
    assert not (tmp_path / "shop.toml").exists()


def test_what_cant_be_read_is_named_and_the_rest_proposed(tmp_path: pathlib.Path) -> None:
    own_shop(tmp_path)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 nonsense")
    (tmp_path / "Kunden.xlsx").write_bytes(b"PK")
    done = run(tmp_path)
    assert done.exit_code == 0
    assert "not read: broken.parquet" in done.output
    assert "not read: Kunden.xlsx: it is a spreadsheet: save its sheet as CSV in UTF-8\n" in done.output


def test_a_cell_cant_write_settings_or_move_the_terminal(tmp_path: pathlib.Path) -> None:
    header = 'timestamp,event,"it""em\\id",item_id'
    (tmp_path / "items.csv").write_text('item_id,title\na,"\x1b[2J[bold]Mug"\n', encoding="utf-8")
    line = '2025-03-01 10:00,"x""]\n[push]\nkeep = 0 #",1,a\n2025-03-01 10:00,click,1,a\n'
    (tmp_path / "events.csv").write_text(f"{header}\n{line}", encoding="utf-8")
    done = run(tmp_path)
    assert done.exit_code == 0, done.output
    assert "\x1b[2J" not in done.output
    assert "[bold]Mug" in done.output
    assert load_config(str(tmp_path / "shop.toml"), []).push.keep != 0


@pytest.mark.parametrize(
    ("encoding", "title"),
    [
        ("gb18030", "红色马克杯"),
        ("cp1252", "Kaffeebecher für Zwölf, 3 €"),
        ("shift_jis", "赤いマグカップ"),
        ("cp1251", "Красная кружка"),
    ],
)
def test_an_encoding_is_guessed_from_the_text_and_written(
    tmp_path: pathlib.Path, encoding: str, title: str
) -> None:
    text = "sku;name\n" + "".join(f'{n};"{title}"\n' for n in range(30))
    (tmp_path / "items.csv").write_bytes(text.encode(encoding))
    (tmp_path / "events.csv").write_text(
        "timestamp,event,item_id\n2025-03-01 00:00:00,click,1\n", encoding="utf-8"
    )
    done = run(tmp_path)
    assert done.exit_code == 0, done.output
    assert f"items: items.csv, encoded as {encoding}" in done.output
    assert {row["title"] for row in rows(tmp_path, "items")} == {title}


def test_a_file_of_utf_8_with_a_broken_line_stays_one(tmp_path: pathlib.Path) -> None:
    lines = [f"{n},红色马克杯 {n},é\n".encode() for n in range(30)]
    (tmp_path / "items.csv").write_bytes(
        b"item_id,title,brand\n" + b"".join(lines) + b"30,K\xe4se,x\n31,Mug,x\n"
    )
    (tmp_path / "events.csv").write_text("timestamp,event,item_id\n2025-03-01,click,1\n", encoding="utf-8")
    done = run(tmp_path)
    assert done.exit_code == 0 and "encoded as" not in done.output, done.output
    assert "1 of the first 32 rows can't be read; first, items.csv, line 32" in done.output


def test_a_folder_of_files_that_arent_read_says_which_are(tmp_path: pathlib.Path) -> None:
    (tmp_path / "items.xlsx").write_bytes(b"PK")
    (tmp_path / "events.csv").write_bytes(b"timestamp,event,item_id\n1,2,3,\n")
    done = run(tmp_path)
    assert "not read: events.csv: none of its first rows; line 2: wrong number of cells" in done.output
    assert "of events.csv, items.xlsx no file is read, which must end in .csv" in str(done.exception)


def test_exports_of_stock_and_of_suppliers_are_told_from_items_and_orders(tmp_path: pathlib.Path) -> None:
    own_shop(tmp_path)
    (tmp_path / "lager.csv").write_text(
        "Artikelnummer;Lagerbestand;Bestellt;Date\nA1;3;;14.03.2025 09:00\nA2;0;24;14.03.2025 09:00\n",
        encoding="utf-8",
    )
    (tmp_path / "lieferanten.csv").write_text(
        "Artikelnummer;Lieferzeit;VPE;MOQ;Einkaufspreis\nA1;7;6;12;100,50 €\nA2;14;1;1;1,20 €\n",
        encoding="utf-8",
    )
    done = run(tmp_path)
    assert done.exit_code == 0, done.output
    assert [(row["item_id"], row["on_hand"], row["on_order"]) for row in rows(tmp_path, "stock")] == [
        ("A1", 3.0, None),
        ("A2", 0.0, 24.0),
    ]
    assert [
        (row["lead_time_days"], row["pack_size"], row["unit_cost"]) for row in rows(tmp_path, "supply")
    ] == [
        (7.0, 6.0, 100.5),
        (14.0, 1.0, 1.2),
    ]
    assert [row["item_id"] for row in rows(tmp_path, "items")] == ["A1", "A2", "A3"]


def test_an_export_of_campaigns_is_told_from_the_events(tmp_path: pathlib.Path) -> None:
    own_shop(tmp_path)
    (tmp_path / "kampagnen.csv").write_text(
        "Kampagne;Werbekunde;Artikelnummer;Gebot;Budget;Beginn;Ende\n"
        "F1;Nord;A1;500000;80000000;01.03.2025 00:00;01.04.2025 00:00\n",
        encoding="utf-8",
    )
    done = run(tmp_path)
    assert done.exit_code == 0, done.output
    found = [(row["campaign_id"], row["item_id"], row["bid"]) for row in rows(tmp_path, "campaigns")]
    assert found == [("F1", "A1", 500_000)]
    assert "2025-03-01 00:00:00" in done.output
