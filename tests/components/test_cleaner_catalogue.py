"""What the cleaner makes of a catalogue, of users and of judgements."""

from __future__ import annotations

import pathlib
import runpy
import types

SHOP = types.SimpleNamespace(**runpy.run_path(str(pathlib.Path(__file__).with_name("cleaned_shop.py"))))
EVENT, ITEM, NAN, NOW, SECOND = SHOP.EVENT, SHOP.ITEM, SHOP.NAN, SHOP.NOW, SHOP.SECOND
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
    result = clean_rows(items=rows, events=[EVENT])
    assert result.tables["items"]["title"].to_pylist() == titles
    assert {reason for *_, reason in gone_from(result)} == {"stock note in title"}


def test_a_catalogue_in_mixed_case_keeps_its_lone_words() -> None:
    rows = [
        {"item_id": f"{10001 + nth}", "title": t} for nth, t in enumerate(["Vase", "red shoes", "damaged"])
    ]
    assert clean_rows(items=rows, events=[EVENT]).tables["items"]["title"].to_pylist() == [
        "Vase",
        "red shoes",
    ]


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
