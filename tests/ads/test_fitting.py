"""What is learnt of sold places: curve, places, advertisers, what is still to come, and what an auction picks."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from aisle.ads.fitting import Shows, fit_rate
from aisle.ads.market import at_odds
from aisle.ads.maturity import fit_delays
from aisle.schema.errors import InputError

FACTORS = {"north": 1.5, "south": 1.0, "west": 0.6}
LOOKS = np.array([1.0, 0.6, 0.3])
DAY = 86_400.0


def drawn(count: int = 60_000, seed: int = 1, **changed: Any) -> tuple[Shows, np.ndarray]:
    """Shows whose chance is a third of the square root of the score, of the advertiser's odds, times place; and the chances."""
    rng = np.random.default_rng(seed)
    scores, places = rng.random(count), rng.integers(1, 4, count)
    names = rng.choice(list(FACTORS), count)
    chance = LOOKS[places - 1] * at_odds(np.sqrt(scores) / 3, np.array([FACTORS[name] for name in names]))
    clicks = (rng.random(count) < chance).astype(float)
    given = {
        "scores": scores,
        "places": places,
        "advertisers": names,
        "campaigns": np.full(count, "c"),
        "happened": clicks,
        "at": np.arange(count),
    }
    return Shows.of(**{**given, **changed}), chance


def test_curve_places_and_advertisers_are_told_apart() -> None:
    shows, chance = drawn()
    rate = fit_rate(shows)
    np.testing.assert_allclose(rate.places, LOOKS, rtol=0.08)
    south = rate.advertisers["south"]
    for name, factor in FACTORS.items():
        assert rate.advertisers[name] / south == pytest.approx(factor, rel=0.1)
    told = rate.at(shows.scores, shows.places, shows.advertisers.tolist())
    assert np.abs(told - chance).mean() < 0.01
    # All that differs is what the last quarter of the time says of the others.
    assert told.sum() == pytest.approx(shows.happened.sum(), rel=0.03)


def test_a_higher_score_never_has_a_lower_chance_though_it_was_clicked_less() -> None:
    shows, _ = drawn(4_000)
    chances = fit_rate(dataclasses.replace(shows, scores=1 - shows.scores)).chances
    assert (np.diff(chances) >= 0).all()


def test_a_row_that_stands_for_ten_counts_as_ten_rows() -> None:
    """A log that keeps all clicks and a tenth of the other shows: its sampling of negatives is undone."""
    shows, _ = drawn(3_000, at=np.zeros(3_000, int))
    stands = np.where(shows.happened > 0, 1, 10)
    by_weight = fit_rate(dataclasses.replace(shows, weight=stands.astype(float)))
    by_rows = fit_rate(shows.take(np.repeat(np.arange(3_000), stands)))
    # But for a score at the edge of a piece, which rounding puts on either side of it.
    told = (rate.at(shows.scores, shows.places, None) for rate in (by_weight, by_rows))
    np.testing.assert_allclose(*told, rtol=0.02, atol=0.002)
    assert by_weight.at([0.5], None, None)[0] < fit_rate(shows).at([0.5], None, None)[0] / 5


def test_advertisers_that_differ_by_chance_alone_have_no_factor() -> None:
    rng = np.random.default_rng(3)
    shows, _ = drawn(20_000)
    scores = shows.scores
    clicks = (rng.random(20_000) < scores / 3).astype(float)
    many = rng.integers(0, 200, 20_000).astype(str)
    rate = fit_rate(dataclasses.replace(shows, happened=clicks, advertisers=many))
    factors = np.array([*rate.advertisers.values()])
    observed = np.bincount(many.astype(int), clicks) / np.bincount(many.astype(int), scores / 3)
    assert factors.std() < 0.25 * observed.std()


def test_a_campaign_has_a_factor_beside_its_advertiser_s() -> None:
    rng = np.random.default_rng(4)
    names = np.repeat(["a", "b"], 20_000)
    campaigns = np.char.add(names, rng.integers(0, 2, 40_000).astype(str))
    odds = {"a0": 2.0, "a1": 1.0, "b0": 1.0, "b1": 0.5}
    chance = at_odds(np.full(40_000, 0.2), np.array([odds[name] for name in campaigns]))
    clicks = (rng.random(40_000) < chance).astype(float)
    one = np.ones(40_000, int)
    rate = fit_rate(Shows.of(np.full(40_000, 0.2), one, names, campaigns, clicks, rng.permutation(40_000)))
    for name, true in (("a0", 1 / 3), ("a1", 0.2), ("b0", 0.2), ("b1", 1 / 9)):
        assert rate.at([0.2], None, [name[0]], [name])[0] == pytest.approx(true, rel=0.05)


def test_few_clicks_keep_the_order_of_the_scores() -> None:
    rate = fit_rate(drawn(60)[0])
    assert rate.at([0.9], None, None)[0] > 1.5 * rate.at([0.2], None, None)[0]


def test_the_delays_are_those_of_kaplan_and_meier_by_hand() -> None:
    # At 1 s one of four buys: 3/4 are left. One has only waited 2 s. At 5 s one of two buys: 3/8 are left.
    found = fit_delays(np.array([10.0, 10.0, 2.0, 10.0]), np.array([1.0, 5.0, np.inf, np.inf]), window=8.0)
    assert found.seconds.tolist() == [1.0, 5.0]
    np.testing.assert_allclose(found.shares, [0.25 / 0.625, 1.0])
    np.testing.assert_allclose(found.come(np.array([0.5, 1.0, 4.0, 99.0])), [0.0, 0.4, 0.4, 1.0])


def test_without_a_purchase_every_click_counts() -> None:
    found = fit_delays(np.array([1.0, 2.0]), np.array([np.inf, np.inf]), 8.0)
    assert found.come(np.array([0.0, 5.0])).tolist() == [1.0, 1.0]


def test_purchases_that_are_still_to_come_are_counted() -> None:
    rng = np.random.default_rng(5)
    shows, _ = drawn(40_000)
    waited = rng.uniform(0, 12 * DAY, 40_000)
    bought = rng.random(40_000) < 0.25
    delay = np.where(bought, rng.gamma(2, 1.5 * DAY, 40_000), np.inf)
    so_far = (delay <= np.minimum(waited, 14 * DAY)).astype(float)
    come = fit_delays(waited, delay, 14 * DAY).come(waited)
    whole = dataclasses.replace(shows, happened=so_far, come=come).take(come > 0)
    # 0.25, of which a hundredth takes longer than anybody has waited; without regard to it, a fifth is lost.
    assert fit_rate(whole, by_score=False).at(shows.scores, shows.places, None).mean() == pytest.approx(
        0.25, rel=0.05
    )
    naive = fit_rate(dataclasses.replace(shows, happened=so_far), by_score=False).at(
        shows.scores, shows.places, None
    )
    assert naive.mean() < 0.21


def auction(chances: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """Which candidate of each request wins: [requests, candidates] to [requests]."""
    return (chances * worth).argmax(1)


def test_what_wins_is_foretold_though_the_auction_picks_what_the_score_overestimates() -> None:
    rng = np.random.default_rng(7)
    truth = rng.beta(2, 10, (12_000, 10))
    scores = np.clip(truth * np.exp(rng.normal(0, 0.6, truth.shape)), 0, 1)
    worth = np.exp(rng.normal(0, 0.5, truth.shape))
    rows, day = np.arange(12_000), np.arange(12_000) // 3_000

    def sold(chances: np.ndarray, when: np.ndarray) -> tuple[Shows, np.ndarray]:
        won = auction(chances[when], worth[when])
        score, chance = scores[when][np.arange(len(won)), won], truth[when][np.arange(len(won)), won]
        clicks = (rng.random(len(won)) < chance).astype(float)
        one = np.ones(len(won), int)
        nobody = np.full(len(won), "a")
        return Shows.of(score, one, nobody, nobody, clicks, when), chance

    past, chance = sold(scores, rows[day == 0])
    assert past.scores.sum() > 1.3 * chance.sum()
    for night in (1, 2, 3):
        rate = fit_rate(past)
        now, chance = sold(rate.at(scores.ravel(), None, None).reshape(scores.shape), rows[day == night])
        told = rate.at(now.scores, now.places, now.advertisers.tolist())
        past = Shows(
            *(
                np.concatenate([getattr(one, f.name) for one in (past, now)])
                for f in dataclasses.fields(Shows)
            )
        )
    assert told.sum() == pytest.approx(chance.sum(), rel=0.05)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"scores": np.array([0.1, np.nan])}, "a score that is no number"),
        ({"places": np.array([0, 1])}, "a place below 1"),
        ({"at": np.array([1])}, "columns of"),
    ],
)
def test_what_nothing_can_be_learnt_from_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        drawn(2, **changed)


def test_where_nothing_was_sold_there_is_nothing_to_learn() -> None:
    with pytest.raises(InputError, match="nothing was sold"):
        fit_rate(drawn(2)[0].take(np.zeros(2, bool)))
