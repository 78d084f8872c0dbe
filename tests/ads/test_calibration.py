"""Chances from scores, places and advertisers, and what is written of them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.ads.auction import gsp
from aisle.ads.calibration import Calibration, Rate
from aisle.ads.campaign import MILLION, Campaign
from aisle.ads.market import Candidate, Market
from aisle.schema.errors import InputError

SOLD = Rate((0.1, 0.3), (0.1, 0.3), (1.0, 0.5), {"north": 2.0}, {"spring": 3.0})
AFTER = Rate((0.0,), (0.2,), advertisers={"south": 0.5})
LEARNT = Calibration(
    {"search": SOLD, "recommend": Rate()}, {"search": AFTER, "recommend": Rate(chances=(1.0, 1.0))}
)


def test_a_chance_is_the_curve_s_with_the_advertiser_s_odds_times_the_place_s_factor() -> None:
    # Between the knots half way, 0.2; beyond them level; places below the last one have its factor.
    assert LEARNT.chances([0.2, 0.9, 0.0]).tolist() == [200_000, 300_000, 100_000]
    assert LEARNT.chances([0.2] * 3, [1, 2, 9]).tolist() == [200_000, 100_000, 100_000]
    # Odds of 1 to 4 are 2 to 4 then, a chance of a third; after a click, 1 to 4 are 1 to 8.
    assert LEARNT.chances([0.2, 0.2], [2, 2], ["north", "east"]).tolist() == [166_667, 100_000]
    assert LEARNT.purchases([0.2, 0.9], advertisers=["south", "north"]).tolist() == [111_111, 200_000]
    # And the campaign's: 6 to 4.
    assert SOLD.at([0.2], None, ["north"], ["spring"]).tolist() == pytest.approx([0.6])


def test_until_it_is_learnt_a_score_is_the_chance_and_a_purchase_is_certain() -> None:
    none = Calibration.identity()
    assert none.chances([0.0, 0.25, 1.0], [1, 2, 3]).tolist() == [1, 250_000, MILLION]
    assert none.purchases([0.0, 0.25], surface="recommend").tolist() == [MILLION, MILLION]


@given(
    st.lists(st.floats(-10, 10), min_size=1, max_size=5, unique=True).map(sorted),
    st.floats(0, 1),
    st.floats(1e-6, 1e6),
    st.floats(-100, 100),
)
def test_a_chance_is_always_one_that_an_auction_takes(
    scores: list[float], chance: float, factor: float, score: float
) -> None:
    rate = Rate(tuple(scores), (chance,) * len(scores), (1.0, factor), {"a": factor}, {"c": factor})
    read = Calibration({"search": rate, "recommend": rate}, {"search": rate, "recommend": rate})
    assert 1 <= read.chances([score], [2], ["a"])[0] <= MILLION
    assert 0 <= rate.at([score], None, ["a"], ["c"])[0] <= 1


def test_what_is_written_is_read_again() -> None:
    assert Calibration.from_json(LEARNT.to_json()) == LEARNT


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"click_rates": {}}', LEARNT.to_json().replace("0.3", "1.3"),
             LEARNT.to_json().replace("0.5", "NaN"), LEARNT.to_json().replace("0.1", "0.4"),
             LEARNT.to_json().replace("2.0", "0.0"),
             json.dumps({**json.loads(LEARNT.to_json()), "click_rates": 3})]
)  # fmt: skip
def test_what_is_no_calibration_is_refused_with_what_mends_it(text: str) -> None:
    with pytest.raises(InputError, match="aisle ads calibrate"):
        Calibration.from_json(text)


def test_an_advertiser_whose_purchases_are_rarer_than_its_scores_say_bids_with_less() -> None:
    def campaign(name: str, kind: str = "click") -> Campaign:
        return Campaign(name, name, 100, 10_000, 0, 10, item_id=name, bid_kind=kind)  # type: ignore[arg-type]

    market = Market([campaign("north"), campaign("south", "purchase")])
    factors = LEARNT.factors(market.campaigns)
    assert factors.tolist() == [[2.0, 1.0], [1.0, 0.5]]
    found = [Candidate("north", "", 40_000, 200_000), Candidate("south", "", 250_000, 200_000)]
    offers = market.offers(found, "", 5, market.budgets(), factors=factors)
    # 0.08 / 1.04; and a quarter of one ninth.
    assert offers.bids.quality.tolist() == [76_923, 27_777]
    # By the scores alone south, of 50,000, would stand before north, of 40,000.
    assert [sold.bidder for sold in gsp(offers.bids, 1)] == [0]


@pytest.mark.parametrize("factors", [[1.0, 1.0], [[1.0, np.nan]] * 2, [[1.0, 0.0]] * 2])
def test_factors_that_are_none_are_refused(factors: list[Any]) -> None:
    market = Market([Campaign(name, name, 100, 100, 0, 10, item_id=name) for name in "ab"])
    with pytest.raises(InputError, match="factors"):
        market.offers([Candidate("a", "", 5)], "", 5, market.budgets(), factors=np.array(factors))
