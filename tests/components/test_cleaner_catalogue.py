"""What the cleaner makes of a catalogue, of users and of judgements."""

from __future__ import annotations

import pathlib
import runpy
import types

import pytest

SHOP = types.SimpleNamespace(**runpy.run_path(str(pathlib.Path(__file__).with_name("cleaned_shop.py"))))
EVENT, ITEM, NAN, NOW, SECOND = SHOP.EVENT, SHOP.ITEM, SHOP.NAN, SHOP.NOW, SHOP.SECOND
UNPAID = {"price": 0.0, "user_id": None}
clean_rows, gone_from, steps_of = SHOP.clean_rows, SHOP.gone_from, SHOP.steps_of


def test_the_title_of_an_item_is_the_most_frequent_then_the_latest() -> None:
    rows = [
        {"item_id": "10001", "title": "OLD NAME", "lines": "3", "available_at": 1},
        {"item_id": "10001", "title": "NEW NAME", "lines": "9", "available_at": 2, "brand": None},
        {"item_id": "10001", "title": "OLD NAME", "lines": "5", "available_at": 3, "brand": "ACME"},
        {"item_id": "10002", "title": "FIRST", "lines": "1", "available_at": 5},
        {"item_id": "10002", "title": "SECOND", "lines": "1", "available_at": 4},
    ]
    items = clean_rows(items=rows, events=[EVENT]).tables["items"]
    kept = [(row["item_id"], row["title"], row["brand"]) for row in items.to_pylist()]
    assert kept == [("10001", "NEW NAME", "ACME"), ("10002", "FIRST", None)]


def test_stock_notes_are_no_titles_in_a_catalogue_of_capitals() -> None:
    notes = ["?", "check", "Damaged", "thrown away", "20713", "sold as set on dotcom"]
    titles = [
        "BAG 500g SWIRLY MARBLES",
        *(f"VASE NO {nth}" for nth in range(99)),
        "Dad's Cab Electronic Meter",
    ]
    rows = [{"item_id": f"{10001 + nth}", "title": title} for nth, title in enumerate([*titles, *notes])]
    # The first five notes stand beside the title of an item, the last one on an item that nobody took.
    rows[-6:-1] = [{**row, "item_id": f"{10001 + nth}"} for nth, row in enumerate(rows[-6:-1])]
    nothing = {**EVENT, "item_id": rows[-1]["item_id"], "price": 0.0, "user_id": None}
    result = clean_rows(items=rows, events=[EVENT, nothing])
    assert result.tables["items"]["title"].to_pylist() == titles
    assert {reason for table, *_, reason in gone_from(result) if table == "items"} == {"stock note in title"}


def test_an_id_in_two_cases_with_one_title_is_one_item_and_all_that_names_it_follows() -> None:
    items = [
        {"item_id": "85123A", "title": "WHITE HEART", "lines": "20"},
        {"item_id": "85123a", "title": "White  Heart", "lines": "3"},
        {"item_id": "90000B", "title": "RED VASE", "lines": "1"},
        {"item_id": "90000b", "title": "BLUE VASE", "lines": "1"},
    ]
    ids = [row["item_id"] for row in items]
    events = [{**EVENT, "item_id": item, "session_id": item} for item in ids]
    result = clean_rows(
        items=items, events=events, judgements=[{"query": "heart", "item_id": i, "grade": 1.0} for i in ids]
    )
    assert result.tables["items"]["item_id"].to_pylist() == ["85123A", "90000B", "90000b"]
    for name in ("events", "judgements"):
        left = set(result.tables[name]["item_id"].to_pylist())
        assert left == {"85123A", "90000B", "90000b"}
    assert result.tables["events"].num_rows == 4
    assert steps_of(result, "items")["item_id: as the item of the same title in another case"] == (
        "changed",
        1,
    )
    entry = result.ledger["tables"]["items"]
    assert (entry["read"], entry["used"], entry["merged"], entry["quarantined"]) == (4, 3, 1, 0)


def test_a_title_that_only_looks_like_a_note_is_used_and_said() -> None:
    titles = ["Vase", "red shoes", "damaged", "1984", "300", "Lost", "Found", "Test", "?"]
    rows = [{"item_id": f"{10001 + nth}", "title": title} for nth, title in enumerate(titles)]
    sold = [{**EVENT, "item_id": row["item_id"], "description": row["title"]} for row in rows]
    result = clean_rows(items=rows, events=sold)
    assert result.tables["items"]["title"].to_pylist() == titles
    assert result.tables["events"].num_rows == len(titles)
    assert steps_of(result, "items") == {"title like a stock note: used": ("noted", 7)}


@pytest.mark.parametrize(
    "titles",
    [
        ["红色马克杯大号", "蓝色盘子", "iPhone15手机壳", "USB数据线"],
        ["赤いマグカップ", "グラス", "ＳＤカード"],
        ["كوب", "صحن", "ملعقة"],
        ["मग", "थाली", "चम्मच"],
        ["머그컵", "접시", "숟가락"],
        ["RED MUG", "USB数据线", "红杯"],
    ],
)
def test_titles_in_a_script_without_capitals_are_titles(titles: list[str]) -> None:
    rows = [{"item_id": f"{10001 + nth}", "title": title} for nth, title in enumerate(titles)]
    sold = [{**EVENT, "item_id": row["item_id"], **UNPAID, "description": row["title"]} for row in rows]
    result = clean_rows(items=rows, events=[EVENT, *sold])
    assert result.tables["items"]["title"].to_pylist() == titles
    assert {reason for *_, reason in gone_from(result)} == {"bad price"}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("กระเป๋า", "กระเป๋า"),
        ("Синий чайник", "Синий чайник"),
        ("и\u0306од", "йод"),
        ("か\u3099", "が"),
        ("ｉＰｈｏｎｅ　１５", "ｉＰｈｏｎｅ １５"),
        ("\ufeffred\u200b mug\u200e", "red mug"),
        ("\u202bكوب أحمر\u202c", "كوب أحمر"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क\u094d\u200dष", "क\u094d\u200dष"),
        ("👩\u200d🍳 apron", "👩\u200d🍳 apron"),
    ],
)
def test_a_title_keeps_its_marks_and_loses_what_nobody_sees(text: str, left: str) -> None:
    result = clean_rows(items=[{**ITEM, "title": text}], events=[EVENT])
    assert result.tables["items"]["title"].to_pylist() == [left]


def test_texts_are_normalised_and_cut_and_what_is_left_empty_is_quarantined() -> None:
    rows = [
        {"item_id": " 10001", "title": "cafe\u0301\x00  au\tlait ", "description": "\u200b \n"},
        {"item_id": "10002", "title": " \x07 ", "description": None},
        {"item_id": "10003", "title": "x" * 1000, "description": None},
    ]
    result = clean_rows(items=rows, events=[EVENT])
    assert result.tables["items"]["title"].to_pylist() == ["caf\u00e9 au lait", "x" * 500]
    assert result.tables["items"]["item_id"].to_pylist() == ["10001", "10003"]
    assert gone_from(result) == [("items", 3, "title", "nothing but white space")]
    assert steps_of(result, "items")["title: cut to 500 characters"] == ("changed", 1)


def test_spellings_of_a_category_become_the_commonest() -> None:
    spellings = ["Home/Vases", "Home/Vases", "home / vases", "HOME/VASES", "Garden", None]
    rows = [{"item_id": f"{10001 + n}", "title": f"V{n} A", "category": c} for n, c in enumerate(spellings)]
    categories = clean_rows(items=rows, events=[EVENT]).tables["items"]["category"].to_pylist()
    assert categories == ["Home/Vases"] * 4 + ["Garden", None]


def test_an_item_without_a_good_price_takes_the_median_of_its_sales() -> None:
    rows = [{**ITEM, "price": -1.0}, {"item_id": "10002", "title": "B C", "price": 7.0}]
    events = [{**EVENT, "price": price, "session_id": f"{price}"} for price in (1.0, 2.0, 9.0)]
    assert clean_rows(items=rows, events=events).tables["items"]["price"].to_pylist() == [2.0, 7.0]


def test_users_become_one_row_each_and_what_cant_be_is_unknown() -> None:
    users = [
        {"user_id": "u1", "country": "France", "age": 200, "joined_at": 0},
        {"user_id": "u1", "country": " FRANCE", "age": None, "joined_at": 5 * SECOND},
        {"user_id": "u1", "country": "Spain", "age": 40, "joined_at": None},
        {"user_id": "u2", "country": "France", "age": 30, "joined_at": NOW + SECOND},
    ]
    kept = clean_rows(users=users, events=[EVENT]).tables["users"].to_pylist()
    assert kept == [
        {"user_id": "u1", "country": "France", "age": 40, "joined_at": 5 * SECOND},
        {"user_id": "u2", "country": "France", "age": 30, "joined_at": None},
    ]


def test_contradicting_grades_become_their_median() -> None:
    grades = [("a", 1.0), ("a", 4.0), ("a", 3.0), ("a", 3.0), ("b", NAN), ("b", -1.0), ("b", 2.0)]
    rows = [{"query": query, "item_id": "10001", "grade": grade} for query, grade in grades]
    rows += [{"query": "a", "item_id": "none", "grade": 1.0}]
    result = clean_rows(judgements=rows)
    assert result.tables["judgements"].to_pylist() == [
        {"query": "a", "item_id": "10001", "grade": 3.0},
        {"query": "b", "item_id": "10001", "grade": 2.0},
    ]
    assert [reason for *_, reason in gone_from(result)] == ["bad grade", "bad grade", "unknown item"]


def test_a_domain_has_one_spelling_and_an_id_of_different_things_in_two_is_quarantined() -> None:
    items = [
        {"item_id": "10001", "title": "OAT BAR", "domain": "Food"},
        {"item_id": "10002", "title": "TEA", "domain": " food"},
        {"item_id": "10003", "title": "SALT MILL", "domain": "Kitchen"},
        # Sold in both, it is one thing.
        {"item_id": "10004", "title": "TIN", "domain": "Food"},
        {"item_id": "10004", "title": "TIN", "domain": "Kitchen"},
        {"item_id": "10005", "title": "RICE", "domain": "Food"},
        {"item_id": "10005", "title": "WHISK", "domain": "Kitchen"},
    ]
    result = clean_rows(items=items, events=[EVENT])
    kept = {row["item_id"]: row["domain"] for row in result.tables["items"].to_pylist()}
    assert list(kept) == ["10001", "10002", "10003", "10004"]
    assert [kept[item] for item in ("10001", "10002", "10003")] == ["Food", "Food", "Kitchen"]
    reasons = [reason for table, *_, reason in gone_from(result) if table == "items"]
    assert len(reasons) == 2 and reasons[0].startswith("the id names different things in two domains: put")
