"""Shops that are strange but clean keep every row; what sells as no product goes from beside what only looks so."""

from __future__ import annotations

import math
import pathlib
from typing import Any

import polars as pl
import pytest

from aisle.components.cleaner.clean import clean
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.cleaner.shop.habits import Habits
from aisle.components.cleaner.shop.products import NoProducts
from aisle.components.cleaner.shop.selling import free_items, selling, unsold
from aisle.components.cleaner.shop.titles import in_capitals, looks_like_note
from aisle.components.example_gen.reader import read_table
from aisle.datasets.strange_shops import END, SHOPS, StrangeShop, write_strange_shop
from aisle.schema.tables import TABLE_BY_NAME


@pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.name)
def test_no_row_of_a_strange_but_clean_shop_is_lost(shop: StrangeShop, tmp_path: pathlib.Path) -> None:
    written = write_strange_shop(shop, tmp_path / "shop")
    read = {name: read_table(str(tmp_path / "shop"), TABLE_BY_NAME[name]) for name in written}
    result = clean(
        {name: table.rows for name, table in read.items()},
        {name: table.provenance for name, table in read.items()},
        {name: table.quarantine for name, table in read.items()},
        CleanerOptions(),
        END * 1_000_000,
    )
    assert {name: table.num_rows for name, table in result.tables.items()} == written
    assert result.quarantine.num_rows == 0
    # Nothing that a shop sells is changed, either: neither titles nor quantities, nor prices of nothing.
    tables = shop.tables()
    assert result.tables["items"]["title"].to_pylist() == list(shop.titles)
    assert result.tables["items"]["item_id"].to_pylist() == tables["items"]["item_id"].to_list()
    for column in ("quantity", "price"):
        assert result.tables["events"][column].to_pylist() == tables["events"][column].to_list()


def _sales(item: str, prices: list[float], **other: Any) -> pl.DataFrame:
    """Purchases of an item by somebody new each time, of two pieces where nothing else is said."""
    users = [f"{item} {nth}" for nth in range(len(prices))]
    rows = {"event": "purchase", "quantity": 2, "user_id": users} | other
    return pl.DataFrame({"item_id": item, "price": prices, **rows}, schema_overrides={"user_id": pl.String})


CATALOGUE = [f"{10_001 + nth}" for nth in range(60)]
USUAL = [_sales(item, [2.0 + nth % 3] * 25) for nth, item in enumerate(CATALOGUE)]
PRICES = [4.0, 5.0] * 15


@pytest.mark.parametrize(
    ("code", "events"),
    [
        ("POST", [_sales("POST", [4.0 + nth / 100 for nth in range(30)])]),
        ("C2", [_sales("C2", PRICES, quantity=1)]),
        ("D", [_sales("D", [5.0] * 12, event="return")]),
        ("PADS", [_sales("PADS", [0.001] * 3)]),
        ("B", [_sales("B", [11_062.06, -11_062.06])]),
        (
            "voucher_20",
            [_sales("voucher_20", [20.0] * 8, user_id=None), _sales("voucher_30", [30.0] * 2, user_id=None)],
        ),
    ],
)
def test_an_odd_code_is_no_product_if_it_sells_as_no_product_does(
    code: str, events: list[pl.DataFrame]
) -> None:
    odd = [_sales("gift-red-mug", PRICES), _sales("SP1", [3.0]), _sales("SOFA", [9_000.0])]
    # A twentieth of anonymous sales, so that ten of them in a row are no chance.
    anonymous = [_sales("10001", [2.0] * 75, user_id=None)]
    sold = selling(pl.concat([*USUAL, *odd, *events, *anonymous], how="vertical_relaxed"))
    found = NoProducts.find(
        pl.Series("item_id", [*CATALOGUE, "gift-red-mug", "SP1", "SOFA", code]), sold, CleanerOptions()
    )
    assert code in found.unlike.to_list()
    assert not {"gift-red-mug", "SP1", "SOFA", *CATALOGUE} & set(found.unlike)


def test_an_odd_code_that_people_look_at_is_a_product_and_so_is_all_where_nothing_is_known_of_the_usual() -> (
    None
):
    by_hand = _sales("POST", [4.0 + nth / 100 for nth in range(30)])
    clicked = by_hand.head(1).with_columns(event=pl.lit("click"))
    ids = pl.Series("item_id", [*CATALOGUE, "POST"])
    for events in ([*USUAL, by_hand, clicked], [*USUAL[:19], by_hand]):
        sold = selling(pl.concat(events, how="vertical_relaxed"))
        assert NoProducts.find(ids, sold, CleanerOptions()).unlike.is_empty()


def test_codes_that_the_options_name_are_no_products() -> None:
    named = NoProducts.find(
        pl.Series("item_id", ["a", "POST"]), selling(None), CleanerOptions(non_product=("P.*",))
    )
    assert pl.DataFrame({"item_id": ["POST", "aPOST", "a"]}).filter(named.named())["item_id"].to_list() == [
        "POST"
    ]


def test_how_an_id_sells_is_counted_from_the_rows_that_sell_it() -> None:
    events = pl.concat(
        [
            _sales("a", [2.0, 2.0, 8.0], quantity=1),
            _sales("a", [0.0, -1.0, math.nan], user_id=None),
            _sales("a", [5.0], quantity=-1),
            _sales("a", [5.0], event="return"),
            _sales("a", [4.0], event="click"),
            _sales("b", [0.0], user_id=None),
        ],
        how="vertical_relaxed",
    )
    a, b = selling(events).sort("item_id").to_dicts()
    counts = {"sales": 3, "prices": 2, "singly": 3, "customers": 3, "returns": 1, "free": 1, "negative": 1}
    assert {name: a[name] for name in counts} == counts
    assert (a["price"], a["looked"], a["noticed"]) == (math.log(2.0), True, True)
    assert (b["sales"], b["free"], b["price"], b["looked"], b["noticed"]) == (0, 1, None, False, False)
    assert unsold(selling(events)).to_list() == ["b"]


def test_an_item_is_given_away_if_it_costs_nothing_and_somebody_took_it_for_nothing() -> None:
    prices = {"taken": 0.0, "sold": 0.0, "dear": 3.0, "untaken": 0.0, "nobody": 0.0}
    events = [
        _sales("taken", [0.0]),
        _sales("sold", [0.0, 2.0]),
        _sales("dear", [0.0]),
        _sales("nobody", [0.0], user_id=None),
    ]
    sold = selling(pl.concat(events, how="vertical_relaxed"))
    few = pl.DataFrame(
        {"item_id": [*prices, *CATALOGUE], "price": [*prices.values(), *[1.0] * len(CATALOGUE)]}
    )
    assert free_items(few, sold).to_list() == ["taken"]
    # Where one item in twenty costs nothing, nobody has to be known who took it.
    assert set(free_items(few.head(5), sold)) == {"taken", "nobody"}


def test_a_sample_called_test_that_nobody_in_particular_took_is_no_stock_note() -> None:
    items = pl.DataFrame({"item_id": ["a", "b"], "title": ["Test", "Soap"], "price": [0.0, 0.0]})
    taken = pl.concat([_sales(item, [0.0], user_id=None) for item in "ab"])
    no_twins = pl.DataFrame(schema={"strange": pl.String, "item": pl.String})
    habits = Habits.gather(items, selling(taken), no_twins, CleanerOptions())
    assert set(habits.free) == {"a", "b"}
    assert habits.unsold.is_empty()


@pytest.mark.parametrize(
    ("titles", "capitals"),
    [
        (["RED MUG", "BLUE MUG", "2 BOWLS"], True),
        (["КРАСНАЯ КРУЖКА", "300"], True),
        (["RED MUG", "Blue mug"], False),
        (["红色马克杯", "蓝色盘子"], False),
        (["كوب", "صحن"], False),
        (["1984", "300"], False),
        ([], False),
    ],
)
def test_a_catalogue_is_in_capitals_only_in_a_script_that_has_them(titles: list[str], capitals: bool) -> None:
    assert in_capitals(pl.Series(titles, dtype=pl.String), CleanerOptions()) is capitals


def test_which_titles_look_like_notes_beside_capitals() -> None:
    looks = {
        "wet damaged": True,
        "Found": True,
        "20713": True,
        "CHECK": True,
        "RED MUG": False,
        "MUG 500g": False,
    }
    looks |= {"红色": False, "iPhone手机壳": False, "كوب": False, "मग": False, "Dad's Meter": False}
    assert looks_like_note(pl.Series(list(looks)), True, CleanerOptions()).to_list() == list(looks.values())
    mixed = looks_like_note(pl.Series(["wet damaged", "Found", "Mug"]), False, CleanerOptions())
    assert mixed.to_list() == [False, True, False]
