"""Searches that are narrowed, and their facets, beside the same worked out from the items' table."""

from __future__ import annotations

import math
import pathlib
import runpy
from collections import Counter
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.model.retrieval.filters import Filter, Filters
from aisle.model.retrieval.item_table import ItemTable, item_table
from aisle.model.served.bundle import Bundle, _specs
from aisle.schema import contract

_SHOP = runpy.run_path(str(pathlib.Path(__file__).with_name("small_shop.py")))
NONE = math.nan
Search = Callable[..., dict[str, list]]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return _SHOP["small_shop"]()


@pytest.fixture(scope="module")
def filtered_search(bundle: Bundle) -> Callable[..., dict[str, tf.Tensor]]:
    return tf.function(bundle.filtered_search, input_signature=_specs(contract.FILTERED_SEARCH.required))


@pytest.fixture(scope="module")
def search(filtered_search: Callable[..., dict[str, tf.Tensor]]) -> Search:

    def ask(
        query: str = "",
        category: str = "",
        brands: tuple[str, ...] = (),
        price: tuple[float, float] = (NONE, NONE),
        in_stock: bool = False,
        k: int = 20,
    ) -> dict[str, list]:
        found = filtered_search(
            query=tf.constant([query]),
            user_id=tf.constant([""]),
            category=tf.constant([category]),
            brand=tf.constant([brands], tf.string, [1, len(brands)]),
            price_min=tf.constant([price[0]]),
            price_max=tf.constant([price[1]]),
            in_stock=tf.constant(in_stock),
            k=tf.constant(k),
        )
        return {name: _texts(values.numpy()[0].tolist()) for name, values in found.items()}

    return ask


def _texts(values: list) -> list:
    return [value.decode() if isinstance(value, bytes) else value for value in values]


def ids(answer: dict[str, list]) -> list[str]:
    return [item for item in answer["item_ids"] if item]


def facets(answer: dict[str, list], name: str) -> dict[str, int]:
    values, counts = answer[f"{name}_facets"], answer[f"{name}_counts"]
    assert counts == sorted(counts, reverse=True)
    assert all((value == "") == (count == 0) for value, count in zip(values, counts, strict=True))
    return {value: count for value, count in zip(values, counts, strict=True) if count}


def test_a_category_holds_what_lies_below_it_and_nothing_that_is_only_spelt_alike(search: Search) -> None:
    assert set(ids(search(category="Home"))) == {"tv60", "tv40", "mug", "mugs", "fridge", "creme"}
    assert set(ids(search(category=" home/KITCHEN/ "))) == {"mug", "mugs", "fridge", "creme"}
    assert ids(search(category="Home/Kitchen/Large")) == ["fridge"]
    assert ids(search(category="Home/Kit")) == []


def test_any_of_the_brands_is_let_through_in_any_case(search: Search) -> None:
    assert set(ids(search(brands=("AJAX", "maison", "")))) == {"tv40", "mugs", "creme", "rope"}
    assert ids(search(brands=("Nobody",))) == []


def test_prices_include_their_ends_and_an_unknown_one_matches_no_price(search: Search) -> None:
    assert set(ids(search(price=(5.0, 19.99)))) == {"mug", "shoe"}
    assert "mugs" not in ids(search(price=(0.0, math.inf)))
    assert set(ids(search(brands=("Ajax",), price=(-math.inf, math.inf)))) == {"tv40", "mugs", "rope"}


def test_what_is_sold_out_is_left_out_and_an_unknown_stock_is_there(search: Search) -> None:
    assert set(ids(search(category="Home", in_stock=True))) == {"tv60", "mug", "mugs", "fridge"}


def test_an_empty_query_lists_by_popularity_but_only_with_a_filter(search: Search) -> None:
    assert ids(search(price=(0.0, 1000.0)))[:3] == ["rope", "mug", "tv60"]
    nothing = search()
    assert ids(nothing) == []
    assert facets(nothing, "category") == facets(nothing, "brand") == {}
    assert np.isneginf(nothing["scores"]).all()


def test_a_query_finds_the_best_that_pass_even_where_better_ones_do_not(search: Search) -> None:
    assert ids(search("coffee mug"))[:2] == ["mug", "mugs"]
    assert ids(search("coffee mug", category="Sport")) == ["rope"]
    assert ids(search("60 in. tv", brands=("Ajax",)))[0] == "tv40"
    assert ids(search("coffee mug", category="Home/Kitchen", k=1)) == ["mug"]


def test_facets_count_all_that_was_found_level_by_level_whatever_k(search: Search) -> None:
    answer = search("coffee mug", category="Home", k=1)
    assert facets(answer, "category") == {
        "Home": 6, "Home/Kitchen": 4, "Home/Electronics": 2, "Home/Kitchen/Large": 1
    }  # fmt: skip
    assert facets(answer, "brand") == {"Acme": 2, "Ajax": 2, "Maison": 1}


def test_without_a_filter_the_answer_is_that_of_a_search(search: Search, bundle: Bundle) -> None:
    plain = bundle.search(tf.constant(["coffee"]), tf.constant([""]), tf.constant(20))
    assert _texts(plain["item_ids"][0].numpy().tolist()) == search("coffee")["item_ids"]


def test_a_batch_is_answered_row_by_row(filtered_search: Callable[..., dict[str, tf.Tensor]]) -> None:
    found = filtered_search(
        tf.constant(["coffee mug", "", ""]),
        tf.constant([""] * 3),
        tf.constant(["Sport", "Home/Kitchen", ""]),
        tf.constant([["", ""], ["Ajax", "Maison"], ["", ""]]),
        tf.constant([NONE] * 3),
        tf.constant([NONE, NONE, 1.5]),
        tf.constant(False),
        tf.constant(3),
    )
    rows = [[item.decode() for item in row if item] for row in found["item_ids"].numpy()]
    assert rows[0] == ["rope"]
    assert set(rows[1]) == {"mugs", "creme"}
    assert rows[2] == ["odd"]


NAMES = st.sampled_from(["", "a", "b", "A/x", "a/x", "a/x/y", "a/z", "b/x", "c "])


@given(
    items=st.lists(
        st.tuples(NAMES, NAMES, st.sampled_from([math.nan, 1.0, 2.0]), st.sampled_from([math.nan, 0.0, 1.0])),
        min_size=1,
        max_size=8,
    ),
    category=NAMES,
    brands=st.lists(NAMES, max_size=3),
    low=st.sampled_from([math.nan, 1.5]),
    in_stock=st.booleans(),
)
@settings(max_examples=40)
def test_filters_agree_with_looking_at_each_item(
    items: list[tuple[str, str, float, float]], category: str, brands: list[str], low: float, in_stock: bool
) -> None:
    categories, names, prices, stock = (list(column) for column in zip(*items, strict=True))
    table = ItemTable([""] * len(items), [], categories, names, np.array(prices), np.array(stock))
    filters = Filters(table)
    asked = Filter(
        tf.constant([category]),
        tf.constant([brands], tf.string, [1, len(brands)]),
        tf.constant([low]),
        tf.constant([math.nan]),
        tf.constant(in_stock),
    )
    wanted = {brand.strip().lower() for brand in brands if brand}

    def passes(item: tuple[str, str, float, float]) -> bool:
        path, brand, price, left = item
        key = category.strip().lower()
        return (
            (not key or (path.strip().lower() + "/").startswith(key + "/"))
            and (not wanted or brand.strip().lower() in wanted)
            and (math.isnan(low) or price >= low)
            and not (in_stock and left == 0)
        )

    expected = [passes(item) for item in items]
    matched = filters.matching(asked)
    assert matched.numpy()[0].tolist() == expected
    counted = {name: values.numpy()[0].tolist() for name, values in filters.facets(matched).items()}
    levels = Counter(
        "/".join(path.strip().lower().split("/")[:depth])
        for (path, *_), there in zip(items, expected, strict=True)
        if there and path
        for depth in range(1, len(path.split("/")) + 1)
    )
    found = {
        name.decode().lower(): count
        for name, count in zip(counted["category_facets"], counted["category_counts"], strict=True)
        if count
    }
    assert found == levels


def test_columns_that_a_shop_lacks_are_unknown() -> None:
    class Tower:
        item_ids = tf.constant(["b", "a", "gone"])

    table = item_table(Tower(), pl.DataFrame({"item_id": ["a", "b"], "title": ["A", None]}))
    assert (table.titles, table.brands, table.descriptions) == (["", "A", ""], [""] * 3, [""] * 3)
    assert np.isnan(table.prices).all()
    assert np.isnan(table.stock).all()
    facets = Filters(table).facets(tf.ones([2, 3], tf.bool))
    assert {values.shape.as_list()[1] for values in facets.values()} == {0}
