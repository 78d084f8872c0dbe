"""The questions that the demo asks, of tables whose answers are known by hand."""

from __future__ import annotations

import pathlib
from typing import Literal

import polars as pl
import pytest

from aisle.cli.demo.questions import frequent_query, make_questions, print_items, telling_user, words_of
from aisle.datasets.simulator import SimulatorOptions, simulate

TITLES = ["Acme red mug, large", "Acme blue mug", "Red tea mug", "Mug of red clay", "Green sock"]


def searches(*queries: str | None) -> pl.DataFrame:
    """A visit for each query."""
    visits = [f"s{i}" for i in range(len(queries))]
    return pl.DataFrame({"query": queries, "session_id": visits}, schema_overrides={"query": pl.String})


def test_the_query_of_most_visits_wins_among_those_whose_words_stand_in_three_titles() -> None:
    # "red shirt" is in no title and "sock" in one; three hold "red" and "mug", four "mug".
    asked = ["red shirt"] * 5 + ["sock"] * 4 + ["Red mug"] * 3 + ["mug"] * 2 + [None, ""]
    assert frequent_query(searches(*asked), TITLES) == "Red mug"
    assert frequent_query(searches(*asked[:9]), TITLES) == "sock"
    assert frequent_query(searches(*asked[:5], "blue shirt"), TITLES) == "red shirt"
    assert frequent_query(searches(None, ""), TITLES) == ""


def test_without_spaces_between_words_a_query_matches_by_its_characters() -> None:
    titles = ["青禾红色陶瓷马克杯 大号", "山月红色马克杯", "南风马克杯 红色", "青禾蓝色手机壳 iPhone15"]
    # Nobody writes 红色马克杯 in one, and all three mean it; iphone15手机壳 is in one.
    asked = ["手機壳"] * 4 + ["iphone15手机壳"] * 3 + ["红色马克杯"] * 2
    assert frequent_query(searches(*asked), titles) == "红色马克杯"
    assert frequent_query(searches(*asked[:7]), titles) == "iphone15手机壳"
    assert words_of("iPhone15手机壳") == {"iphone15", "手", "机", "壳"}


@pytest.mark.parametrize("language", ["zh", "ja", "mixed"])
def test_a_shop_in_another_language_is_asked_what_it_sells(
    tmp_path: pathlib.Path, language: Literal["zh", "ja", "mixed"]
) -> None:
    shop = simulate(SimulatorOptions(users=60, items=100, days=20, language=language))
    shop.items.write_parquet(tmp_path / "items.parquet")
    micros = pl.col("timestamp").dt.epoch("us")
    shop.events.with_columns(micros).write_parquet(tmp_path / "events.parquet")
    asked = make_questions(tmp_path)
    found = [
        title for title in shop.items["title"] if set(asked.query.replace(" ", "")) <= set(title.lower())
    ]
    assert len(found) >= 3
    bought = shop.events.filter((pl.col("event") == "purchase") & (pl.col("user_id") == asked.user))
    assert set(asked.purchases["item_id"]) <= set(bought["item_id"])
    assert (
        asked.item["sold"][0]
        == shop.events.filter(pl.col("event") == "purchase")["item_id"].value_counts()["count"].max()
    )


def test_queries_count_by_visits_and_a_tie_goes_to_the_first_of_the_alphabet() -> None:
    pages = pl.DataFrame({"query": ["mug", "mug", "red mug", "red mug"], "session_id": ["a", "a", "b", "c"]})
    assert frequent_query(pages, TITLES) == "red mug"
    assert frequent_query(searches("red mug", "mug"), TITLES) == "mug"


def test_the_user_of_one_taste_is_more_telling_than_one_who_buys_of_everything() -> None:
    bought = [
        # Two items of Home, one of Garden: 1. The same item again tells nothing.
        *[("u1", "a", "Home/Mugs")] * 5,
        *[("u1", "b", "Home/Pots"), ("u1", "c", "Garden")],
        # Two and none: 2.
        *[("u2", "a", "Home/Mugs"), ("u2", "b", "Home/Pots")],
        # Two and two: 0.
        *[("u3", "a", "Home/Mugs"), ("u3", "b", "Home/Pots"), ("u3", "c", "Garden"), ("u3", "d", "Garden")],
        # Nobody.
        *[(None, item, "Home") for item in "abcd"],
    ]
    table = pl.DataFrame(bought, schema=["user_id", "item_id", "category"], orient="row")
    assert telling_user(table) == "u2"
    assert telling_user(table.filter(pl.col("user_id") != "u2")) == "u1"


@pytest.fixture
def tables(tmp_path: pathlib.Path) -> pathlib.Path:
    """Two items; u1 bought both, the first twice, and somebody unknown the second."""
    pl.DataFrame(
        {
            "item_id": ["i1", "i2"],
            "title": ["[b]red mug", "\x1b[31mblue mug"],
            "category": ["Home/Mugs", None],
            "price": [2.5, None],
        }
    ).write_parquet(tmp_path / "items.parquet")
    day = 24 * 3600 * 1_000_000
    pl.DataFrame(
        {
            "timestamp": [1 * day, 2 * day, 3 * day, 4 * day, 5 * day],
            "event": ["purchase", "purchase", "purchase", "purchase", "click"],
            "item_id": ["i1", "i2", "i1", "i2", "i2"],
            "user_id": ["u1", "u1", "u1", None, "u1"],
            "session_id": ["s1", "s1", "s2", "s3", "s4"],
            "query": pl.Series([None] * 5, dtype=pl.String),
            "price": [2.0] * 5,
        }
    ).write_parquet(tmp_path / "events.parquet")
    return tmp_path


def test_each_purchased_item_is_shown_once_the_last_one_first_and_the_best_seller_with_what_was_sold(
    tables: pathlib.Path,
) -> None:
    asked = make_questions(tables)
    assert asked.user == "u1"
    assert asked.purchases["item_id"].to_list() == ["i1", "i2"]
    assert [str(day)[:10] for day in asked.purchases["bought"]] == ["1970-01-04", "1970-01-03"]
    # Both were bought twice: the first id.
    assert asked.item.row(0, named=True) == {
        "item_id": "i1", "title": "[b]red mug", "category": "Home/Mugs", "price": 2.5, "sold": 2
    }  # fmt: skip
    # Nobody searched.
    assert asked.query == "[b]red mug"


def test_what_is_shown_of_items_is_what_the_tables_hold(
    tables: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_items(make_questions(tables).purchases)
    lines = capsys.readouterr().out.splitlines()
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]
    assert cells == [
        ["i1", "[b]red mug", "Home/Mugs", "2.5", "1970-01-04"],
        ["i2", "\N{REPLACEMENT CHARACTER}[31mblue mug", "", "", "1970-01-03"],
    ]
