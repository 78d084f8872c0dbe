"""Position bias: estimated from made data, from hand-worked counts, and by the literature's own likelihood."""

from __future__ import annotations

import dataclasses
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from aisle.components.labeler.interactions import Splits, choose_splits, make_interactions
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.searches.attribution import attribute
from aisle.components.labeler.searches.harvest import Cells, harvest
from aisle.components.labeler.searches.impressions import make_impressions
from aisle.components.labeler.searches.position_bias import PositionBias, estimate_position_bias, weigh
from aisle.components.labeler.searches.regression_em import kinds_of_pairs, regression_em, sum_unasked
from aisle.datasets.simulator import SimulatorOptions, simulate
from aisle.datasets.simulator.behaviour import EXAMINATION

OPTIONS = LabelerOptions()


@dataclasses.dataclass(frozen=True)
class Data:
    impressions: pl.DataFrame
    items: pl.DataFrame
    interactions: pl.DataFrame

    def estimate(self, position_bias: str, impressions: pl.DataFrame | None = None) -> PositionBias:
        options = OPTIONS.model_copy(update={"position_bias": position_bias})
        shown = self.impressions if impressions is None else impressions
        return estimate_position_bias(shown, self.items, self.interactions, options)


@pytest.fixture(scope="module")
def data() -> Data:
    """A shop of about 300,000 events."""
    shop = simulate(SimulatorOptions(users=2000, items=800, days=60, seed=11, events=300_000))
    events = shop.events.with_columns(pl.col("timestamp").dt.epoch("us"))
    splits: Splits = choose_splits(events, OPTIONS)
    impressions, _ = make_impressions(attribute(events, OPTIONS), splits, OPTIONS)
    return Data(impressions, shop.items, make_interactions(events, splits))


def distance(bias: PositionBias, of: str = "propensity") -> float:
    """The mean absolute difference of logarithms to what the simulator's users did."""
    found = np.array([getattr(place, of) for place in bias.places])
    return float(np.abs(np.log(found / EXAMINATION)).mean())


def cells(*rows: tuple[int, int, float, float]) -> Cells:
    pair, place, shown, clicked = zip(*rows, strict=True)
    return Cells(np.array(pair), np.array(place), np.array(shown, float), np.array(clicked, float))


def test_the_harvest_finds_the_attention_that_made_the_clicks(data: Data) -> None:
    bias = data.estimate("harvest")
    assert (bias.method, bias.why) == ("harvest", "")
    assert [(place.first, place.last) for place in bias.places] == [(n, n) for n in range(1, 9)]
    assert distance(bias) < 0.06
    assert distance(bias) < distance(bias, "naive") / 2
    inside = [
        place.low <= truth <= place.high  # type: ignore[operator]
        for place, truth in zip(bias.places, EXAMINATION, strict=True)
    ]
    assert sum(inside) >= 6


def test_regression_em_is_closer_to_it_than_the_click_through_rate(data: Data) -> None:
    bias = data.estimate("em")
    assert (bias.method, bias.why) == ("em", "")
    assert distance(bias) < 0.09
    assert distance(bias) < 0.7 * distance(bias, "naive")


def test_only_the_training_split_is_looked_at(data: Data) -> None:
    train = data.impressions.filter(pl.col("split") == "train")
    later = data.impressions.filter(pl.col("split") != "train").with_columns(click=pl.lit(1.0))
    assert data.estimate("harvest", pl.concat([train, later])) == data.estimate("harvest")


def test_a_result_at_one_position_only_leaves_regression_em(data: Data) -> None:
    still = data.impressions.unique(["query", "item_id"], keep="first", maintain_order=True)
    bias = data.estimate("harvest", still)
    assert bias.method == "em"
    assert "moved between positions" in bias.why


def test_too_few_clicks_estimate_nothing(data: Data) -> None:
    bias = data.estimate("harvest", data.impressions.head(100))
    assert (bias.method, bias.places) == ("none", ())
    assert "can't tell positions apart" in bias.why
    assert data.estimate("none") == PositionBias("none", "", ())


def test_thin_positions_are_taken_together(data: Data) -> None:
    deep = data.impressions.with_columns(
        position=pl.when(pl.col("position") < 5)
        .then("position")
        .otherwise(10 + pl.col("click").cum_count() % 40)
    )
    places = data.estimate("harvest", deep).places
    assert [place.last for place in places][:4] == [1, 2, 3, 9]
    assert places[-1].last == 49
    assert all(place.clicks >= 50 for place in places)
    assert all(one.last + 1 == two.first for one, two in zip(places[:-1], places[1:], strict=True))


def test_each_pair_s_own_worth_is_conditioned_out() -> None:
    # Both pairs get half the rate at the second place; the better one is mostly shown there.
    found = harvest(cells((0, 0, 100, 40), (0, 1, 100, 20), (1, 0, 10, 8), (1, 1, 100, 40), (2, 0, 9, 9)))
    assert found.examined == pytest.approx([1, 0.5])
    assert found.clicks.tolist() == [48, 60]
    assert found.joined


def test_the_error_of_one_pair_is_that_of_a_ratio_of_counts() -> None:
    found = harvest(cells((0, 0, 100, 40), (0, 1, 100, 10)))
    assert found.examined == pytest.approx([1, 0.25])
    assert found.error == pytest.approx([0, (1 / 40 + 1 / 10) ** 0.5])


def test_places_that_no_pair_compares_are_not_joined() -> None:
    apart = cells((0, 0, 9, 5), (0, 1, 9, 3), (1, 2, 9, 5), (1, 3, 9, 3))
    assert not harvest(apart).joined
    assert not harvest(cells((0, 0, 9, 5), (1, 1, 9, 3))).joined


def test_the_harvest_agrees_with_the_all_pairs_likelihood() -> None:
    rng = np.random.default_rng(3)
    looked, worth = np.array([1, 0.6, 0.4, 0.2]), rng.beta(2, 5, 3000)
    pair, place = (part.ravel() for part in np.mgrid[0:3000, 0:4])
    shown = rng.integers(1, 6, len(pair))
    clicked = rng.binomial(shown, looked[place] * worth[pair])
    made = Cells(pair, place, shown.astype(float), clicked.astype(float))
    found = harvest(made).examined
    assert found == pytest.approx(looked, rel=0.06)
    assert found == pytest.approx(all_pairs((clicked / shown).reshape(3000, 4)), rel=0.04)


def all_pairs(rate: np.ndarray) -> np.ndarray:
    """Agarwal et al. 2019, equations 7 and 8, for pairs that were all shown at all places: rate [pairs, k]."""
    k = rate.shape[1]
    one, two = np.nonzero(~np.eye(k, dtype=bool))
    clicks, rest = rate.sum(axis=0)[one], (1 - rate).sum(axis=0)[one]
    upper = np.triu_indices(k, 1)

    def loss(logits: np.ndarray) -> float:
        values = 1 / (1 + np.exp(-logits))
        relevance = np.zeros((k, k))
        relevance[upper] = values[k:]
        product = values[one] * (relevance + relevance.T)[one, two]
        return -float((clicks * np.log(product) + rest * np.log(1 - product)).sum())

    best = minimize(loss, np.zeros(k + len(upper[0])), method="L-BFGS-B").x
    looked = 1 / (1 + np.exp(-best[:k]))
    return looked / looked[0]


def test_regression_em_finds_a_bias_that_relevance_hides() -> None:
    # Two kinds of pairs, liked by 0.8 and 0.2; the good ones are mostly shown on top.
    rng = np.random.default_rng(5)
    kind = np.repeat([0, 1], 500)
    shown = np.array([[900, 100], [100, 900]])[kind]
    clicked = rng.binomial(shown, np.array([0.8, 0.2])[kind][:, None] * [1, 0.5])
    pair, place = (part.ravel() for part in np.mgrid[0:1000, 0:2])
    made = Cells(pair, place, shown.ravel().astype(float), clicked.ravel().astype(float))
    assert regression_em(made, kind) == pytest.approx([1, 0.5], abs=0.01)


def test_pairs_are_binned_by_words_in_common_and_sales_without_a_search() -> None:
    items = pl.DataFrame({"item_id": ["a", "b"], "title": ["Red Mug", "Blue vase"]})
    pairs = pl.DataFrame(
        {"query": ["red mug", "red vase", "jug", "RED mug"], "item_id": ["a", "a", "a", "gone"]}
    )
    taken = pl.DataFrame({"item_id": ["a", "b"], "query": ["", "x"], "weight": [1.0, 1.0], "split": "train"})
    all_, half, none, gone = kinds_of_pairs(pairs, items, sum_unasked(taken)) // 10
    assert (all_, half, none, gone) == (4, 2, 0, 0)


def test_weights_are_clipped_inverses_whose_mean_over_training_clicks_is_one(data: Data) -> None:
    shown = data.impressions.with_columns(
        position=pl.when(pl.int_range(pl.len()) % 10 == 0).then(0).otherwise("position")
    )
    bias = data.estimate("harvest", shown)
    weighed = weigh(shown, bias, max_weight=4.0)
    clicks = weighed.filter((pl.col("split") == "train") & (pl.col("click") > 0) & (pl.col("position") > 0))
    assert clicks["weight"].mean() == pytest.approx(1)
    by_position = {
        position: (propensity, weight)
        for position, propensity, weight in weighed.select("position", "propensity", "weight").unique().rows()
    }
    assert by_position[0] == (None, 1.0)
    for place in bias.places:
        propensity, weight = by_position[place.first]
        assert propensity == pytest.approx(place.propensity)
        ratio = min(1 / place.propensity, 4.0)
        assert weight / by_position[1][1] == pytest.approx(ratio)


def test_without_an_estimate_every_result_weighs_the_same(data: Data) -> None:
    weighed = weigh(data.impressions.head(10), PositionBias("none", "", ()), 10.0)
    assert weighed["propensity"].to_list() == weighed["weight"].to_list() == [1.0] * 10


@settings(max_examples=60)
@given(
    st.lists(st.integers(1, 20), min_size=3, max_size=3),
    st.lists(
        st.tuples(st.integers(1, 6), st.integers(0, 2), st.integers(1, 20), st.integers(0, 20)), max_size=20
    ),
    st.randoms(use_true_random=False),
)
def test_the_harvest_solves_its_equations_in_any_order(
    joining: list[int], rows: list[tuple[int, int, int, int]], random: Random
) -> None:
    """Each place has as many clicks as its attention and the worth of the pairs shown there predict."""
    whole = {(0, place): (20, clicked) for place, clicked in enumerate(joining)}
    distinct = whole | {(pair, place): (shown, min(shown, clicked)) for pair, place, shown, clicked in rows}
    table = [
        (pair, place, float(shown), float(clicked)) for (pair, place), (shown, clicked) in distinct.items()
    ]
    found = harvest(cells(*table))
    assert found.joined
    told = cells(*table)
    clicks_of_pair = np.bincount(told.pair, told.clicked)
    told = told.take((clicks_of_pair[told.pair] > 0) & (np.bincount(told.pair)[told.pair] > 1))
    looked = told.shown * found.examined[told.place]
    worth = np.bincount(told.pair, told.clicked) / np.maximum(np.bincount(told.pair, looked), 1e-12)
    predicted = np.bincount(told.place, looked * worth[told.pair], told.places)
    assert predicted == pytest.approx(found.clicks, rel=1e-3)
    shuffled = list(table)
    random.shuffle(shuffled)
    assert harvest(cells(*shuffled)).examined == pytest.approx(found.examined, rel=1e-3)
