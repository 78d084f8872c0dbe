"""A search as an address: what is read of what people type there, and that links lead to what they say."""

from __future__ import annotations

import urllib.parse

import hypothesis
import hypothesis.strategies as st
import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from starlette.datastructures import QueryParams

from aisle.gateway.pages.looking import LAST_PAGE, Looking
from aisle.gateway.pages.visitors import Visitor

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PRICES = st.none() | st.floats(0, 1e12)
LOOKINGS = st.builds(
    Looking,
    TEXTS.map(lambda text: " ".join(text.split())),
    TEXTS,
    st.lists(TEXTS.filter(bool), max_size=3, unique=True).map(tuple),
    st.just(None),
    PRICES,
    st.booleans(),
    st.integers(1, LAST_PAGE),
)


@hypothesis.given(LOOKINGS)
def test_an_address_is_read_as_the_search_that_it_was_made_from(looking: Looking) -> None:
    url = urllib.parse.urlsplit(looking.url(page=looking.page))
    assert url.path == "/search"
    read = Looking.of(QueryParams(url.query))
    assert read.price_max == pytest.approx(looking.price_max)
    assert read == Looking(**{**vars(looking), "price_max": read.price_max})


@hypothesis.given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_whatever_an_address_says_is_a_question_that_the_gateway_takes(said: str) -> None:
    names = ("q", "category", "brand", "price_min", "price_max", "in_stock", "page")
    asked = Looking.of(QueryParams([(name, said) for name in names])).asked(Visitor("web-x", "ann"))
    assert asked.user_id == "ann" and asked.facets and 25 <= asked.k <= 1_000


@pytest.mark.parametrize(
    ("said", "prices"),
    [
        ("5", (5.0, None)),
        ("2,50", (2.5, None)),
        ("nan", (None, None)),
        ("-1", (None, None)),
        ("1e999", (None, None)),
    ],
)
def test_a_price_that_is_none_is_no_bound(said: str, prices: tuple) -> None:
    looking = Looking.of(QueryParams({"price_min": said}))
    assert (looking.price_min, looking.price_max) == prices


def test_prices_the_wrong_way_round_are_turned() -> None:
    looking = Looking.of(QueryParams("price_min=20&price_max=5"))
    assert (looking.price_min, looking.price_max) == (5.0, 20.0)


def test_a_facet_is_added_by_its_link_and_taken_away_by_it() -> None:
    looking = Looking("mug", brands=("Acme",), page=3)
    assert looking.with_brand("Ajax & Co") == "/search?q=mug&brand=Acme&brand=Ajax+%26+Co"
    assert looking.with_brand("Acme") == "/search?q=mug"
    assert looking.narrowed and not Looking("mug", page=3).narrowed
