"""Simulated users who come again: who they are, and that what they take is what the truth says."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from aisle.datasets.simulator import SimulatorOptions, simulate
from aisle.datasets.simulator.truth import click_truth
from aisle.datasets.simulator.walking.asked import Pace
from aisle.datasets.simulator.walking.page import read_page
from aisle.datasets.simulator.walking.shoppers import Look, Shoppers

OPTIONS = SimulatorOptions(users=80, items=60, days=6, seed=3)
SHOP = simulate(OPTIONS)
ITEMS = SHOP.items["item_id"].to_list()


@pytest.fixture(scope="module")
def shoppers() -> Shoppers:
    return Shoppers(OPTIONS, visits=600, seed=1)


def _looks(shoppers: Shoppers) -> list[Look]:
    return [look for visit in shoppers.visits() for look in visit.looks]


def test_the_shops_users_come_as_often_as_asked_and_want_what_they_want(shoppers: Shoppers) -> None:
    visits = shoppers.visits()
    assert [len(Shoppers(OPTIONS, count).visits()) for count in (1, 30)] == [1, 30]
    assert [visit.number for visit in visits] == list(range(600))
    assert {visit.user_id for visit in visits} <= {"", *SHOP.users["user_id"]}
    assert len({visit.session_id for visit in visits}) == len(visits)
    assert 0.06 < np.mean([visit.user_id == "" for visit in visits]) < 0.2  # 12 % aren't logged in.
    looks = _looks(shoppers)
    assert len({look.page for look in looks}) == len(looks)
    assert 0.55 < np.mean([look.query != "" for look in looks]) < 0.75  # 65 % search.


def test_the_same_seed_has_the_same_visits_and_another_has_others(shoppers: Shoppers) -> None:
    assert Shoppers(OPTIONS, visits=600, seed=1).visits() == shoppers.visits()
    other = Shoppers(OPTIONS, visits=600, seed=2)
    assert {visit.session_id for visit in other.visits()}.isdisjoint(
        visit.session_id for visit in shoppers.visits()
    )
    assert [look.query for look in _looks(other)] != [look.query for look in _looks(shoppers)]


def test_what_is_bought_once_clicked_is_what_the_truth_of_the_tables_says(shoppers: Shoppers) -> None:
    """It depends on the user and the item alone, so the two must agree on every pair."""
    truth = {
        (user, item): chance
        for user, item, chance in click_truth(OPTIONS).select("user_id", "item_id", "conversion").iter_rows()
    }
    agreed = 0
    for visit in shoppers.visits()[:60]:
        _, cart = shoppers.chances(visit.looks[0].page, ITEMS)
        for item, chance in zip(ITEMS, cart, strict=True):
            if visit.user_id and (visit.user_id, item) in truth:
                assert 0.6 * chance == pytest.approx(truth[visit.user_id, item], rel=1e-5)
                agreed += 1
    assert agreed > 200


def test_a_place_further_down_is_looked_at_less_and_what_is_asked_for_is_clicked_more(
    shoppers: Shoppers,
) -> None:
    page = next(look.page for look in _looks(shoppers) if look.query)
    click, _ = shoppers.chances(page, ITEMS)
    for place in (1, 7, 30):
        first, _ = shoppers.chances(page, [ITEMS[place]])
        assert click[place] / first[0] == pytest.approx((place + 1) ** -0.8)
    at_top = np.array([shoppers.chances(page, [item])[0][0] for item in ITEMS])
    home = [look.page for look in _looks(shoppers) if not look.query][0]
    assert at_top.max() > 3 * np.median(at_top)
    assert shoppers.chances(home, ITEMS)[0].shape == (60,)


def test_as_much_is_taken_as_expected_and_in_proportion_to_what_can_be_seen(shoppers: Shoppers) -> None:
    looks, shown = _looks(shoppers), ITEMS[:8]
    expected = np.array([shoppers.chances(look.page, shown) for look in looks])
    clicks, buys = expected[:, 0].sum(), 0.6 * (expected[:, 0] * expected[:, 1]).sum()
    assert clicks > 100
    for visible in (1.0, 0.5):
        taken = [one for look in looks for one in shoppers.take(look.page, shown, visible)]
        bought = sum(one.bought for one in taken)
        assert abs(len(taken) - visible * clicks) < 4 * (visible * clicks) ** 0.5
        assert abs(bought - visible * buys) < 4 * (visible * buys) ** 0.5
        assert all(one.quantity > 0 for one in taken if one.bought)
    all_of_them, none = shoppers.take(looks[0].page, shown), shoppers.take(looks[0].page, shown, 0.0)
    assert (shoppers.take(looks[0].page, shown), none) == (all_of_them, [])


def test_nothing_is_taken_of_what_the_shop_does_not_sell(shoppers: Shoppers) -> None:
    shown = ["foreign", ITEMS[0], "foreign too"]
    for look in _looks(shoppers)[:200]:
        assert {one.place for one in shoppers.take(look.page, shown)} <= {1}
        assert shoppers.chances(look.page, shown)[0][1] == pytest.approx(
            2**-0.8 * shoppers.chances(look.page, [ITEMS[0]])[0][0]
        )
    assert shoppers.take(0, ["foreign"]) == shoppers.take(0, []) == []
    assert shoppers.known(shown) == 1


def test_requests_come_no_more_often_than_the_rate() -> None:
    async def five(pace: Pace) -> None:
        for _ in range(5):
            await pace.turn()

    async def both() -> None:
        pace = Pace(200.0)
        await asyncio.gather(five(pace), five(pace))

    started = time.monotonic()
    asyncio.run(both())
    assert time.monotonic() - started >= 9 / 200  # The first at once.


def test_a_page_is_read_for_its_items_and_its_forms() -> None:
    page = read_page(
        '<a href="/item/i%2F1?from=r1&amp;at=1">One</a><a href="/">Home</a><a href="/item/i2?at=2">Two</a>'
        '<form action="/event" method="post"><input type=hidden name="item_id" value="i/1">'
        '<input type="hidden" name="request_id" value="r1"><button name="event" value="cart">+</button></form>'
        '<a href="/item/i%2F1?at=9">One again</a><form action="/search"><input name="q"></form>'
    )
    assert page.items == {"i/1": "/item/i%2F1?from=r1&at=1", "i2": "/item/i2?at=2"}
    form = page.form("/event", ("event", "cart"), item_id="i/1")
    assert form is not None
    assert form.fields == {"item_id": "i/1", "request_id": "r1"}
    assert page.form("/event", ("event", "purchase"), item_id="i/1") is None
    assert page.form("/event", ("event", "cart"), item_id="i2") is None
    assert page.form("/search", ("event", "cart")) is None
