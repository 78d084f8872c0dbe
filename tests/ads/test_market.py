"""Who may bid: running campaigns with money left, for what they target, once an advertiser."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.ads.campaign import HIGHEST_BID, Campaign
from aisle.ads.frequency import shown_within
from aisle.ads.market import Candidate, Listed, Market, Offers
from aisle.schema.errors import InputError
from aisle.schema.tables import MICROSECONDS_PER_DAY

START, END = 100, 200
BOOT, SHOE, HAT = (
    Candidate("boot", "shoes/boots", 40_000, 100_000),
    Candidate("shoe", "shoes", 30_000, 200_000),
    Candidate("hat", "hats", 20_000),
)


def campaign(name: str = "c", **changed: Any) -> Campaign:
    """One that shows the boot, each of its own advertiser."""
    given_ = {
        "item_id": "boot",
        "advertiser_id": name,
        "bid": 10,
        "budget": 100,
        "starts_at": START,
        "ends_at": END,
    }
    return Campaign(name, **{**given_, **({"item_id": ""} if "category" in changed else {}), **changed})


def offered(market: Market, *candidates: Candidate, query: str = "", now: int = START, **more: Any) -> Offers:
    """For a request, with all budgets whole."""
    return market.offers(
        candidates or (BOOT, SHOE, HAT), query, now, more.pop("left", market.budgets()), **more
    )


def names(market: Market, offers: Offers) -> list[str]:
    """Of the campaigns that may bid."""
    return [market.campaigns[place].campaign_id for place in offers.campaigns]


@pytest.mark.parametrize(("now", "open_"), [(START - 1, False), (START, True), (END - 1, True), (END, False)])
def test_a_campaign_bids_from_its_start_until_before_its_end(now: int, open_: bool) -> None:
    assert len(offered(Market([campaign()]), now=now).campaigns) == open_


def test_time_may_pass_and_a_clock_be_set_back_for_one_market() -> None:
    market = Market([campaign("early"), campaign("late", starts_at=END, ends_at=END + 50)])
    found = {
        now: names(market, offered(market, now=now)) for now in (START, END, END + 50, START - 1, END - 1)
    }
    assert list(found.values()) == [["early"], ["late"], [], [], ["early"]]


def test_a_campaign_shows_its_item_or_the_first_one_of_its_category_or_below() -> None:
    market = Market(
        [campaign("item"), campaign("above", category="shoes"), campaign("other", category="hats/caps"),
         campaign("prefix", category="shoe"), campaign("gone", item_id="sandal")]
    )  # fmt: skip
    offers = offered(market, HAT, SHOE, BOOT)
    assert names(market, offers) == ["item", "above"]
    assert offers.candidates.tolist() == [2, 1]
    assert offers.bids.quality.tolist() == [40_000, 30_000]


def test_a_query_is_matched_whatever_its_case_and_blanks_and_asks_for_a_search() -> None:
    market = Market([campaign("one", query="Red  Boots"), campaign("two", query="red"), campaign("all")])
    assert names(market, offered(market, query=" red BOOTS")) == ["one", "all"]
    assert names(market, offered(market)) == ["all"]


def test_what_is_sold_out_is_not_advertised_and_a_category_shows_the_next() -> None:
    market = Market([campaign("item"), campaign("category", category="shoes")])
    out = Candidate("boot", "shoes/boots", 40_000, in_stock=False)
    offers = offered(market, out, SHOE)
    assert (names(market, offers), offers.candidates.tolist()) == (["category"], [1])


def test_no_bid_exceeds_what_is_left_and_nothing_left_bids_nothing() -> None:
    market = Market(
        [campaign("full"), campaign("little"), campaign("none"), campaign("over"), campaign("zero", budget=0)]
    )
    offers = offered(market, left=np.asarray([100, 3, 0, -5, 0]))
    assert names(market, offers) == ["full", "little"]
    assert offers.bids.amounts.tolist() == [10, 3]


def test_pacing_lowers_bids_and_a_multiplier_of_zero_ends_them() -> None:
    market = Market([campaign("whole"), campaign("half"), campaign("none")])
    offers = offered(market, multipliers=np.asarray([1.0, 0.55, 0.0]))
    assert (names(market, offers), offers.bids.amounts.tolist()) == (["whole", "half"], [10, 5])


@given(st.integers(0, HIGHEST_BID), st.integers(-5, 2**53 - 1), st.floats(0, 1))
def test_what_one_campaign_bids_is_what_it_bids_among_all(bid: int, left: int, multiplier: float) -> None:
    market = Market([campaign("other"), campaign(bid=bid)])
    whole = market.amounts(np.asarray([1, left]), np.asarray([1.0, multiplier]))
    assert market.amount(1, left, multiplier) == whole[1]


def test_a_user_sees_a_campaign_as_often_as_its_cap_allows() -> None:
    market = Market([campaign("capped", frequency_cap=2), campaign("free")])
    assert names(market, offered(market, shown={"capped": 1, "free": 99, "ended": 5})) == ["capped", "free"]
    assert names(market, offered(market, shown={"capped": 2, "free": 99})) == ["free"]


def test_shows_count_for_a_day_and_those_of_a_clock_set_back_count() -> None:
    day = MICROSECONDS_PER_DAY
    shown = [("a", 0), ("a", 1), ("b", day), ("a", 2 * day), ("b", 0)]
    assert shown_within(shown, now=day) == {"a": 2, "b": 1}


def test_a_purchase_is_as_likely_as_a_click_and_a_purchase_after_it() -> None:
    market = Market([campaign("click"), campaign("purchase", bid_kind="purchase")])
    assert offered(market, BOOT).bids.quality.tolist() == [40_000, 4_000]
    assert offered(market, Candidate("boot", "", 1, 1)).bids.quality.tolist() == [1, 1]


def test_no_advertiser_bids_against_itself() -> None:
    market = Market(
        [campaign("low", advertiser_id="a", bid=5), campaign("rival"), campaign("high", advertiser_id="a", bid=20),
         campaign("same", advertiser_id="a", bid=20)]
    )  # fmt: skip
    assert names(market, offered(market)) == ["rival", "high"]


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(1, 5), st.sampled_from(["boot", "shoe", "hat"])), max_size=12
    )
)
def test_of_each_advertiser_the_offer_of_the_highest_score_is_left(rows: list[tuple[int, int, str]]) -> None:
    market = Market(
        [
            campaign(str(n), advertiser_id=str(who), bid=bid, item_id=item)
            for n, (who, bid, item) in enumerate(rows)
        ]
    )
    quality = {one.item_id: one.click for one in (BOOT, SHOE, HAT)}
    best: dict[int, tuple[int, int]] = {}
    for n, (who, bid, item) in enumerate(rows):
        best[who] = max(best.get(who, (0, 0)), (bid * quality[item], -n))
    assert names(market, offered(market)) == sorted((str(-n) for _, n in best.values()), key=int)


def test_a_market_without_campaigns_or_candidates_offers_nothing() -> None:
    assert len(offered(Market([])).campaigns) == 0
    market = Market([campaign(), campaign("all", category="shoes")])
    assert len(market.offers([], "", START, market.budgets()).campaigns) == 0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"bid": -1}, "bid is -1"),
        ({"bid": math.nan}, "bid is nan"),
        ({"bid": 0.5}, "bid is 0.5"),
        ({"bid": True}, "bid is True"),
        ({"bid": HIGHEST_BID + 1}, "bid is 1000000000001"),
        ({"budget": -1}, "budget is -1"),
        ({"budget": 2**63}, "budget is 9223372036854775808"),
        ({"frequency_cap": 0}, "frequency_cap is 0"),
        ({"bid_kind": "view"}, "bid_kind is 'view'"),
        ({"ends_at": START}, "ends at 100, not after its start"),
        ({"item_id": ""}, "give an item_id or a category"),
        ({"category": "shoes", "item_id": "boot"}, "give an item_id or a category"),
    ],
)
def test_a_campaign_that_cannot_be_meant_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=f"^campaign 'c'.*{said}"):
        campaign(**changed)


def test_mixed_currencies_are_refused() -> None:
    assert Market([campaign(currency="EUR")]).currency == "EUR"
    with pytest.raises(InputError, match="campaigns in 'EUR', 'USD'"):
        Market([campaign("a", currency="USD"), campaign("b", currency="EUR")])


def test_two_campaigns_of_one_id_are_refused() -> None:
    with pytest.raises(InputError, match="campaigns c come twice"):
        Market([campaign(), campaign()])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"left": np.asarray([1, 2])}, "budgets left: shape"),
        ({"multipliers": np.ones(2)}, "multipliers: shape"),
        ({"multipliers": np.asarray([1.1])}, "expected numbers from 0 to 1"),
        ({"multipliers": np.asarray([math.nan])}, "expected numbers from 0 to 1"),
    ],
)
def test_arrays_that_do_not_fit_the_campaigns_are_refused(more: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        offered(Market([campaign()]), **more)


@pytest.mark.parametrize("chances", [(0, 1), (1, 0), (0.5, 1), (10**6 + 1, 1)])
def test_a_chance_that_is_none_is_refused(chances: tuple[Any, Any]) -> None:
    with pytest.raises(InputError, match="in millionths is .*expected a whole number from 1 to 1000000"):
        Candidate("boot", "", *chances)


def test_a_market_says_what_may_be_shown_and_whose_its_campaigns_are() -> None:
    items = [campaign("a"), campaign("b", advertiser_id="a", item_id="hat"), campaign("c", query="red")]
    market = Market(items)
    assert [market.may_show(item) for item in ("boot", "hat", "sandal")] == [True, True, False]
    assert Market([*items, campaign("all", category="shoes")]).may_show("sandal")
    assert (market.find("b"), market.find("d")) == (1, None)
    assert market.of_same_advertiser(1).tolist() == [0, 1]


@given(
    st.lists(st.tuples(st.sampled_from(["boot", "hat", ""]), st.sampled_from(["shoes", "shoes/boots", "hats"]),
                       st.sampled_from(["", "Red"]), st.integers(1, 9)), max_size=8),
    st.sampled_from(["", "red", "blue"]),
)  # fmt: skip
def test_candidates_in_columns_are_offered_as_one_by_one(
    told: list[tuple[str, str, str, int]], query: str
) -> None:
    campaigns = [
        campaign(str(place), query=words, bid=bid, item_id=item, category="" if item else category)
        for place, (item, category, words, bid) in enumerate(told)
    ]
    market, found = Market(campaigns), [BOOT, SHOE, HAT]
    chances = (np.asarray([getattr(one, key) for one in found], np.int64) for key in ("click", "purchase"))
    listed = Listed([one.item_id for one in found], [one.category for one in found], *chances)
    one, other = (
        market.offers(found, query, START, market.budgets()),
        market.offers_of(listed, query, START, market.amounts(market.budgets())),
    )
    for name in ("campaigns", "candidates"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()
    # Independently: each campaign on the first candidate that it targets.
    asked = {"", query}
    fits = [
        [place for place, item in enumerate(found) if c.query.lower() in asked
         and (c.item_id == item.item_id or c.category and f"{item.category}/".startswith(f"{c.category}/"))]
        for c in campaigns
    ]  # fmt: skip
    assert dict(zip(one.campaigns.tolist(), one.candidates.tolist(), strict=True)) == {
        place: fitting[0] for place, fitting in enumerate(fits) if fitting
    }
