"""The benchmark of what was sold: its auction is the market's, and its measures are right by hand."""

from __future__ import annotations

import numpy as np
import pytest

from aisle.ads.auction import gsp
from aisle.ads.campaign import MILLION, Campaign
from aisle.ads.fitting import fit_rate
from aisle.ads.market import Candidate, Market
from benchmarks.ads.calibration import judged
from benchmarks.ads.nights import Method, days
from benchmarks.ads.searches import Searches
from benchmarks.ads.selling import DAY, PLACES, advertisers, delays, sell, within


def searches(count: int, candidates: int = 20, items: int = 60, seed: int = 1) -> Searches:
    """Searches whose scores tell something of the truth."""
    rng = np.random.default_rng(seed)
    found = np.argsort(rng.random((count, items)), axis=1)[:, :candidates]
    truth = rng.beta(2, 4, found.shape)
    scores = np.clip(np.round(truth * np.exp(rng.normal(0, 0.4, found.shape)) / 3, 6), 1e-6, 1)
    brands = np.array([f"b{item % 24}" for item in range(items)])
    return Searches(np.arange(count) * 60, found, scores, truth, truth / 3, brands)


def test_places_are_sold_as_the_market_sells_them() -> None:
    found = searches(40)
    bids = np.random.default_rng(2).integers(100, 1_000, 60)
    owner = advertisers(found)
    sold = sell(found, lambda scores, *_: np.rint(scores * MILLION), bids.astype(float))
    campaigns = [
        Campaign(str(item), str(owner[item]), int(bids[item]), 10**9, 0, 10, item_id=str(item))
        for item in range(60)
    ]
    market = Market(campaigns)
    names, places = [], []
    for items, scores in zip(found.items, found.scores, strict=True):
        candidates = [
            Candidate(str(i), "", int(s * MILLION + 0.5)) for i, s in zip(items, scores, strict=True)
        ]
        offers = market.offers(candidates, "", 5, market.budgets())
        won = gsp(offers.bids, PLACES)
        names += [market.campaigns[offers.campaigns[one.bidder]].advertiser_id for one in won]
        places += [*range(1, len(won) + 1)]
    assert sold.advertisers.tolist() == names
    assert sold.places.tolist() == places


def test_the_measures_are_those_of_a_hand() -> None:
    predicted, truth = np.array([0.2, 0.2, 0.5, 0.5]), np.array([0.0, 0.0, 1.0, 1.0])
    found = judged(predicted, truth, np.array(["a", "b", "a", "b"]), 3, np.random.default_rng(0))
    assert found["overall"] == pytest.approx(0.7)
    assert found["advertisers least"] == found["advertisers most"] == pytest.approx(0.7)
    # 0.2 less 0.7 of none and 0.5 less 0.7 of one, as a share of the one.
    assert found["advertisers error"] == pytest.approx(np.hypot(0.2, 0.2))
    assert found["ece"] == pytest.approx((0.2 + 0.5) / 2)
    # The cross entropy, -ln 0.8 or -ln 0.5, over that of a coin.
    assert found["entropy"] == pytest.approx((np.log(1 / 0.8) + np.log(2)) / 2 / np.log(2))


def test_as_many_purchases_come_in_a_window_as_are_drawn_in_it() -> None:
    drawn = delays(20_000, np.random.default_rng(5))
    for days_after in (0.01, 2.0, 7.0):
        assert (drawn <= days_after * DAY).mean() == pytest.approx(within(days_after * DAY), abs=0.015)


def test_days_foretell_what_their_own_chances_made_win() -> None:
    outcome = days(searches(1_200), 4, 1, Method(fit_rate))
    sold = outcome.sold
    assert len(sold.time) == 600 * PLACES
    assert (np.diff(sold.time) >= 0).all()
    assert outcome.predicted.sum() == pytest.approx(sold.click.sum(), rel=0.05)
    # The head as it is doesn't know of places, and is a third of what is true.
    raw = days(searches(1_200), 4, 1, Method(None))
    assert abs(np.log(raw.predicted.sum() / raw.sold.click.sum())) > 0.1
