"""`aisle run` on files that it reads only when told how: the line says the setting, before anything slow is imported."""

from __future__ import annotations

import pathlib

import pytest
from click.testing import CliRunner

from aisle.cli.main import cli
from aisle.schema.errors import InputError

ITEMS = "item_id,title,price\na,Mug,1\n"
EVENTS = "timestamp,event,item_id\n2024-01-01 00:00:00,purchase,a\n"


def refusal(folder: pathlib.Path, *settings: str, **tables: str | bytes) -> str:
    for name, text in ({"items": ITEMS, "events": EVENTS} | tables).items():
        (folder / f"{name}.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    done = CliRunner().invoke(cli, ["run", str(folder), *(f"--set={one}" for one in settings)])
    assert isinstance(done.exception, InputError), done.output
    assert "\n" not in str(done.exception)
    return str(done.exception)


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("1740790611", "seconds"),
        ("1740790611000", "milliseconds"),
        ("1740790611000000", "microseconds"),
        ("12/1/2010 8:26", "%m/%d/%Y %H:%M"),
        ("31/1/2010 8:26", "%d/%m/%Y %H:%M"),
        ("1.12.2010 08:26:00", "%d.%m.%Y %H:%M:%S"),
        ("20250301", "%Y%m%d"),
        ("20250301T005651Z", "%Y%m%dT%H%M%SZ"),
        ("03/01/2025 12:56:51 AM", "%m/%d/%Y %I:%M:%S %p"),
        ("01.03.25 00:56", "%d.%m.%y %H:%M"),
        ("01.03.2025, 00:56:51", "%d.%m.%Y, %H:%M:%S"),
        ("Sat, 01 Mar 2025 00:56:51 GMT", "%a, %d %b %Y %H:%M:%S GMT"),
        ("01/Mar/2025:00:56:51 +0100", "%d/%b/%Y:%H:%M:%S %z"),
        ("2025年03月01日 00:56", "%Y年%m月%d日 %H:%M"),
        ("1740790611000000000", "nanoseconds"),
    ],
)
def test_times_of_another_form_name_the_setting_that_reads_them(
    tmp_path: pathlib.Path, written: str, form: str
) -> None:
    said = refusal(tmp_path, events=f'timestamp,event,item_id\n"{written}",purchase,a\n')
    assert f"events.csv: timestamp can't be read in the only row, such as {written!r}" in said
    assert said.endswith(f'try --set \'reading.timestamps={{"events.timestamp": "{form}"}}\'')


@pytest.mark.parametrize(
    ("written", "form"), [("3,50", "comma"), ("3.00 USD", "point"), ("1.234,56", "comma")]
)
def test_prices_of_another_form_name_the_setting_that_reads_them(
    tmp_path: pathlib.Path, written: str, form: str
) -> None:
    said = refusal(tmp_path, items=f'item_id,title,price\na,Mug,"{written}"\nb,Cup,"{written}"\nc,Pot,\n')
    assert "items.csv: price can't be read in any of the first 3 rows" in said
    assert said.endswith(f'try --set \'reading.numbers={{"items.price": "{form}"}}\'')


def test_cleaner_numbers_is_refused_where_it_could_do_nothing(tmp_path: pathlib.Path) -> None:
    assert "read as a number before the cleaner" in refusal(tmp_path, 'cleaner.numbers=["items.price"]')


def test_columns_of_another_name_name_the_command_that_looks(tmp_path: pathlib.Path) -> None:
    said = refusal(tmp_path, items="sku,name\na,Mug\n")
    assert "items.csv lacks the required column item_id, title; its header is: sku, name" in said
    assert "aisle init" in said


def test_a_time_of_a_zone_that_isnt_known_gets_no_form_that_would_read_another_time(
    tmp_path: pathlib.Path,
) -> None:
    said = refusal(tmp_path, events="timestamp,event,item_id\n2025-03-01 00:56:51 EST,purchase,a\n")
    assert "; say the form of these times, as in --set" in said


def test_words_in_a_column_of_numbers_name_the_setting_that_maps_them(tmp_path: pathlib.Path) -> None:
    said = refusal(tmp_path, items="item_id,title,stock\na,Mug,in stock\n")
    assert said.endswith(
        'say what such a cell means by [values.items.stock], as in "in stock" = "" for a value that is missing'
    )


@pytest.mark.parametrize(
    ("items", "why"),
    [
        (
            "item_id,title\na,红色马克杯\n".encode("gb18030"),
            "invalid UTF-8; save the file as UTF-8, or name its encoding, as in --set "
            '\'reading.encodings={"items": "gb18030"}\'',
        ),
        (
            b"item_id,title\na,Mug,\nb,Cup,\n",
            "wrong number of cells (3 cells, expected 2); write as many cells into each line as the header has",
        ),
    ],
)
def test_rows_of_which_none_can_be_cut_into_cells_are_told_at_once(
    tmp_path: pathlib.Path, items: bytes, why: str
) -> None:
    said = refusal(tmp_path, items=items)
    rows = "none of the first 2 rows" if b"Cup" in items else "not even the only row"
    assert said == f"items.csv: {rows} can be read; line 2: {why}"


def test_grades_in_words_name_the_setting_that_gives_them_numbers(tmp_path: pathlib.Path) -> None:
    said = refusal(tmp_path, judgements="query,item_id,grade\nmug,a,Exact\n")
    assert said.endswith('by [values.judgements.grade], as in "Exact" = "1"')


def test_a_table_of_which_every_row_is_skipped_says_for_what(tmp_path: pathlib.Path) -> None:
    header = "Handle,Title,Variant SKU,Variant Price\n"
    said = refusal(tmp_path, 'reading.preset={"items": "shopify"}', items=header + "mug,Mug,,1\ncup,Cup,,2\n")
    assert said.startswith(
        "items.csv: every row is skipped by reading.skip or the preset, most (2) for what Variant SKU holds; "
    )


def test_columns_that_settings_name_are_found_whatever_parts_the_cells(tmp_path: pathlib.Path) -> None:
    said = refusal(tmp_path, 'cleaner.numbers=["items.cost"]', items="item_id;title;rrp\na;Mug;3\n")
    assert said == "cleaner.numbers names items.cost, but items has: item_id, title, rrp"
