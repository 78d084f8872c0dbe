"""Places of many requests sold in order: who pays what, what is left, and what the pages lose."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.ads.campaign import MILLION, Campaign
from aisle.ads.market import Candidate, Market
from aisle.ads.paces import AfterAuctions
from aisle.ads.requests import Request, Show, Terms
from aisle.ads.selling import plans, sell
from aisle.schema.errors import InputError

DAY = 86_400_000_000
ITEMS = ("a", "b", "c", "d")
SURE = Terms(places=(1,), pacing="none", floor=0.0)
"""One place, whose look is certain."""


def campaign(name: str, item: str, bid: int = 10, budget: int = 1_000, **changed: Any) -> Campaign:
    times = {"starts_at": 0, "ends_at": 100 * DAY, "item_id": item}
    return Campaign(name, changed.pop("advertiser_id", name), bid, budget, **{**times, **changed})


def request(at: int = 0, user: str = "u", click: float = 1.0, buys: float = 1.0, query: str = "") -> Request:
    """Four items of which a page lists three; all are believed to be clicked by half, and a is worth most."""
    candidates = [Candidate(item, "x", MILLION // 2, MILLION // 2) for item in ITEMS]
    truth = np.tile([click, buys], (4, 1))
    return Request(at, user, query, candidates, 3, truth, np.array([4.0, 3.0, 2.0, 1.0]))


def test_the_winner_pays_the_threshold_of_what_happened_and_the_budget_ends_it() -> None:
    market = Market([campaign("high", "a", bid=10, budget=15), campaign("low", "b", bid=7)])
    found = sell(market, [request(nth) for nth in range(4)], SURE)
    # 7 a click of 15; with 1 left high bids 1, and low wins at that; at once again.
    assert [(show.campaign, show.price, show.charged) for show in found.shows] == [(0, 7, 7), (0, 7, 7), (1, 1, 1), (1, 1, 1)]  # fmt: skip
    assert found.bids.tolist() == [4, 4]


@pytest.mark.parametrize(
    ("kind", "click", "buys", "charged"),
    [("click", 1.0, 0.0, 4), ("click", 0.0, 1.0, 0), ("purchase", 1.0, 0.0, 0), ("purchase", 1.0, 1.0, 4)],
)
def test_a_campaign_pays_for_what_it_bids_for_alone(
    kind: Any, click: float, buys: float, charged: int
) -> None:
    market = Market([campaign("one", "a", bid_kind=kind), campaign("two", "b", bid=4, bid_kind=kind)])
    (show,) = sell(market, [request(click=click, buys=buys)], SURE).shows
    assert (show.price, show.charged) == (4, charged)


def test_two_places_are_sold_by_the_rule_and_second_price_sells_the_first_alone() -> None:
    market = Market([campaign(name, name, bid) for name, bid in (("a", 10), ("b", 4), ("c", 2))])
    terms = Terms(places=(1, 2), pacing="none", floor=0.0, looks=(MILLION, MILLION // 2))
    found = {
        rule: [(s.item_id, s.place, s.price) for s in sell(market, [request()], Terms(**{**vars(terms), "rule": rule})).shows]
        for rule in ("gsp", "vcg", "second-price")
    }  # fmt: skip
    assert found["gsp"] == [("a", 1, 4), ("b", 2, 2)]
    # Of two looks a costs b one half of a look at 4 each, and c the other half at 2: 1.5 each of two.
    assert found["vcg"] == [("a", 1, 3), ("b", 2, 2)]
    assert found["second-price"] == [("a", 1, 4)]


def test_a_reserve_and_a_floor_keep_places_unsold() -> None:
    market = Market([campaign("one", "d", bid=10)])
    assert len(sell(market, [request()], SURE).shows) == 1
    reserve = Terms(**{**vars(SURE), "reserve": 10 * (MILLION // 2) + 1})
    assert sell(market, [request()], reserve).shows == []
    weak = request()
    weak.candidates[3] = Candidate("d", "x", MILLION // 5)  # type: ignore[index]
    assert len(sell(market, [weak], Terms(**{**vars(SURE), "floor": 0.4})).shows) == 1
    assert sell(market, [weak], Terms(**{**vars(SURE), "floor": 0.41})).shows == []


def test_a_cap_holds_for_a_day_and_who_is_not_known_is_shown_nothing_that_has_one() -> None:
    market = Market([campaign("one", "a", frequency_cap=2)])
    moments = [0, 1, 2, DAY + 1, DAY + 2]
    shown = [show.at for show in sell(market, [request(at) for at in moments], SURE).shows]
    assert shown == [0, 1, DAY + 1, DAY + 2]
    assert sell(market, [request(user="")], SURE).shows == []
    assert len(sell(Market([campaign("one", "a")]), [request(user="")], SURE).shows) == 1


def test_the_page_is_judged_with_what_was_sold_at_its_place_and_nowhere_else() -> None:
    found = sell(Market([campaign("one", "d")]), [request()], SURE)
    logs = [math.log2(nth) for nth in (2, 3, 4)]
    ideal = 4 / logs[0] + 3 / logs[1] + 2 / logs[2]
    assert found.without.tolist() == [1.0]
    assert found.beside[0] == pytest.approx((1 / logs[0] + 4 / logs[1] + 3 / logs[2]) / ideal)
    moved = sell(Market([campaign("one", "c")]), [request()], SURE)
    assert moved.beside[0] == pytest.approx((2 / logs[0] + 4 / logs[1] + 3 / logs[2]) / ideal)


def test_a_plan_is_the_part_of_the_budget_whose_time_the_requests_take() -> None:
    market = Market([campaign("all", "a", ends_at=10), campaign("half", "b", starts_at=5, ends_at=15), campaign("no", "c", starts_at=10, ends_at=20)])  # fmt: skip
    assert plans(market, 0, 10).tolist() == [1_000, 500, 0]


@pytest.mark.parametrize("pacing", ["auction", "slot"])
def test_pacing_spends_a_small_budget_over_all_of_the_time(pacing: Any) -> None:
    end = 2_000
    market = Market(
        [
            campaign("paced", "a", bid=1_000, budget=20_000, ends_at=end),
            campaign("rival", "b", 200, 10**9, ends_at=end),
        ]
    )
    requests = [request(at, click=0.5) for at in range(end)]
    for at, one in enumerate(requests):
        one.candidates[1] = Candidate("b", "x", MILLION * (10 + at * 37 % 80) // 100)  # type: ignore[index]
    terms = Terms(places=(1,), pacing=pacing, floor=0.0)
    spent = {
        name: [show.at for show in sell(market, requests, one).shows if show.campaign == 0 and show.charged]
        for name, one in (("paced", terms), ("not", SURE))
    }
    assert max(spent["not"]) < end / 4
    assert max(spent["paced"]) > 0.8 * end
    assert len(spent["paced"]) >= 80


def test_a_pace_that_is_nearly_nothing_still_bids_a_micro_and_comes_back() -> None:
    paces, multipliers = AfterAuctions(np.array([10**9]), np.array([10_000]), np.array([1_000])), np.ones(1)
    bidder = np.array([0])
    for _ in range(9):
        paces.charge(bidder, [Show(0, 0, 0, "a", 1, 1_000, 1, True, False, 1_500_000)], multipliers)
    assert 1 <= multipliers[0] * 1_000 < 2
    for _ in range(2_000):
        paces.charge(bidder, [], multipliers)
    assert multipliers[0] > 0.5
    paces.charge(bidder, [Show(0, 0, 0, "a", 1, 10**9, 1, True, False, 10**9)], multipliers)
    assert multipliers[0] == 0


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_nobody_spends_more_than_the_budget_or_pays_more_than_the_bid(data: st.DataObject) -> None:
    amounts = st.integers(0, 30)
    market = Market(
        [
            campaign(str(nth), data.draw(st.sampled_from(ITEMS)), data.draw(amounts), data.draw(amounts))
            for nth in range(data.draw(st.integers(1, 5)))
        ]
    )
    terms = Terms(
        data.draw(st.sampled_from(["gsp", "vcg", "second-price"])),
        pacing=data.draw(st.sampled_from(["auction", "slot", "none"])),
        places=data.draw(st.sampled_from([(1,), (1, 2), (2, 4)])),
    )
    requests = [request(nth, click=0.7) for nth in range(data.draw(st.integers(0, 12)))]
    found = sell(market, requests, terms)
    assert found.shows == sell(market, requests, terms).shows
    for place, one in enumerate(market.campaigns):
        assert sum(show.charged for show in found.shows if show.campaign == place) <= one.budget
    assert all(show.charged <= show.price <= market.campaigns[show.campaign].bid for show in found.shows)
    shown = [(show.request, show.item_id) for show in found.shows]
    assert len(shown) == len(set(shown))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"places": (0,)}, "expected whole numbers from 1 that rise"),
        ({"places": (2, 2)}, "expected whole numbers from 1 that rise"),
        ({"places": ()}, "expected whole numbers from 1 that rise"),
        ({"floor": math.nan}, "a floor of nan, expected a share from 0 to 1"),
        ({"reserve": -1}, "reserve is -1, expected a whole number"),
        ({"looks": (1, 2)}, "from the most to the least"),
    ],
)
def test_terms_that_cant_be_meant_are_refused(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Terms(**changed)
