"""A simulated shop that has run an A/B test: who saw it, what it did, and that the analysis finds it in the files."""

from __future__ import annotations

import datetime
import json
import pathlib

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.cli.main import cli
from aisle.datasets.simulator import EXPERIMENT_TRUTH, Planted, Shop, SimulatorOptions, simulate
from aisle.datasets.simulator.experiment import MOST_EFFECT
from aisle.datasets.simulator.languages import vocabulary_of
from aisle.datasets.simulator.truth import PurchaseTruth
from aisle.experiments.assignment.experiment import Arm, Experiment
from aisle.schema.errors import InputError
from aisle.schema.tables import EVENTS
from benchmarks.experiments.halves import FILE, PURCHASES

HALVES = Experiment("rerank", (Arm("as-is", 0.5), Arm("new", 0.5, label="canary")), coverage=0.8)
OPTIONS = SimulatorOptions(users=400, items=120, days=40, seed=2)
BEGINS = datetime.datetime(2025, 12, 12)
"""The first moment of the shop's last 20 days."""


@pytest.fixture(scope="module")
def shop() -> Shop:
    return simulate(OPTIONS, Planted(HALVES, 0.15, days=20))


def test_what_known_users_who_take_part_see_in_its_days_is_an_exposure_and_nothing_else(shop: Shop) -> None:
    events = shop.events
    assert events.columns == [
        column.name for column in EVENTS.columns if column.name in events.columns
    ]  # in the table's order
    arms = {user: HALVES.assign(user) for user in shop.users["user_id"]}
    seen = 0
    for time, kind, user, query, request, experiment, arm in events.select(
        "timestamp", "event", "user_id", "query", "request_id", "experiment", "arm"
    ).iter_rows():
        assigned = arms[user] if user else None
        exposed = kind == "impression" and time >= BEGINS and assigned is not None
        assert (experiment, arm) == (("rerank", assigned.arm.name) if exposed and assigned else (None, None))
        assert not exposed or request
        assert request is None or (time >= BEGINS and assigned) or query
        seen += exposed
    assert seen > 1_000
    assert 0 < sum(one is None for one in arms.values()) < len(arms) / 2


def test_a_request_is_one_page_of_one_user(shop: Shop) -> None:
    pages = shop.events.filter(pl.col("experiment").is_not_null()).group_by("request_id")
    told = pages.agg(pl.col("user_id", "timestamp").n_unique(), pl.col("position").is_duplicated().any())
    assert told["user_id"].max() == told["timestamp"].max() == 1
    assert not told["position"].any()


def test_before_the_first_exposure_nothing_is_other_than_without_an_experiment(shop: Shop) -> None:
    plain = simulate(OPTIONS)
    assert plain.events.columns == shop.events.columns[: len(plain.events.columns)]
    shown = [
        one.filter(pl.col("event") == "impression").select("timestamp", "user_id", "item_id")
        for one in (plain.events, shop.events)
    ]
    assert shown[0].equals(shown[1])
    assert (
        simulate(OPTIONS, Planted(HALVES, 0.0, days=20))
        .events.select(plain.events.columns)
        .equals(plain.events)
    )


@pytest.mark.parametrize("effect", [0.19, -0.4])
def test_users_buy_more_by_exactly_the_planted_effect_once_they_saw_it(effect: float) -> None:
    """Within 4 standard errors of 200 draws; what is bought again is in it, and must have the effect once, not twice."""
    truth = PurchaseTruth(OPTIONS, Planted(HALVES, effect, days=20))
    drawn = np.array(
        [[truth.draw(size, 20, np.random.default_rng(draw)) for size in (0.0, effect)] for draw in range(200)]
    )
    sums = drawn[..., truth.exposed].sum(axis=-1)  # [draw, without and with it, before and after]
    for when, factor in ((0, 1.0), (1, 1 + effect)):
        apart = (sums[:, 1, when] / factor - sums[:, 0, when]) / sums[:, 0, when].mean()
        error = apart.std() / 200**0.5
        assert abs(apart.mean()) < 4 * error < 0.025


def test_draws_of_the_truth_are_what_the_shop_sells() -> None:
    """The simulator's own purchases of the exposed users lie among the draws."""
    truth = PurchaseTruth(OPTIONS, Planted(HALVES, 0.0, days=20))
    sold = simulate(OPTIONS, Planted(HALVES, 0.0, days=20)).events.filter(pl.col("user_id").is_not_null())
    exposed = (
        sold.filter(pl.col("experiment").is_not_null()).group_by("user_id").agg(pl.col("timestamp").min())
    )
    after = sold.join(exposed.rename({"timestamp": "since"}), on="user_id").filter(
        (pl.col("event") == "purchase") & (pl.col("timestamp") >= pl.col("since"))
    )
    drawn = [truth.draw(0.0, 20, np.random.default_rng(draw))[1][truth.exposed].sum() for draw in range(40)]
    assert len(exposed) == truth.exposed.sum()
    assert abs(len(after) - np.mean(drawn)) < 4 * np.std(drawn)


def test_no_chance_to_buy_again_is_above_one_at_the_largest_effect() -> None:
    readiest = max(leaf.repeat for leaf in vocabulary_of("mixed").leaves) * (0.6 + 0.8)
    assert readiest * (1 + MOST_EFFECT) <= 1


@given(effect=st.floats(allow_nan=True), days=st.integers(-5, 90))
@settings(max_examples=60, deadline=None)
def test_an_effect_or_days_out_of_range_are_refused(effect: float, days: int) -> None:
    fits = -0.9 <= effect <= MOST_EFFECT
    if fits and not 1 <= days < 2:
        with pytest.raises(InputError, match=f"an experiment of {days} days in a shop of 2; expected"):
            simulate(SimulatorOptions(users=10, items=50, days=2), Planted(HALVES, effect, days))
    elif not fits:
        with pytest.raises(InputError, match="an effect of .*; expected -0.9 to 0.19"):
            Planted(HALVES, effect, days)
    else:
        assert Planted(HALVES, effect, days).effect == effect


def test_an_experiment_of_sessions_or_of_interleaved_answers_is_refused() -> None:
    with pytest.raises(
        InputError, match="'e' is interleaved; a simulated one gives each user one of its arms"
    ):
        Planted(Experiment("e", HALVES.arms, interleaved=True))
    with pytest.raises(InputError, match="assigns by session_id; a simulated one assigns by user_id"):
        Planted(Experiment("e", HALVES.arms, unit="session_id"))


def _run(folder: pathlib.Path, *words: str) -> Result:
    (folder / "experiments.toml").write_text(FILE + PURCHASES, encoding="utf-8")
    return CliRunner().invoke(cli, [word.format(folder) for word in words], catch_exceptions=False)


@pytest.mark.parametrize(("effect", "outcome"), [("-0.4", "worse"), ("0", "no difference")])
def test_the_analysis_finds_in_the_files_what_was_planted(
    tmp_path: pathlib.Path, effect: str, outcome: str
) -> None:
    """So many users show the harm for sure: a rise of 19 % would need three times as many."""
    made = _run(
        tmp_path, "simulate", "{0}/shop", "--users", "2000", "--items", "60", "--days", "30", "--seed", "1",
        "--experiment", "{0}/experiments.toml", "--effect", effect, "--experiment-days", "15",
    )  # fmt: skip
    assert "experiment.json" in made.output
    truth = json.loads((tmp_path / "shop" / EXPERIMENT_TRUTH).read_text(encoding="utf-8"))
    assert (truth["experiment"], truth["first_day"]) == ("rerank", "2025-12-17")
    assert [arm["effect"] for arm in truth["arms"].values()] == [0.0, float(effect)]
    words = ("experiment", "analyze", "{0}/shop", "{0}/experiments.toml", "--out", "{0}/out", "--json")
    found = json.loads(_run(tmp_path, *words).output)
    assert found["outcome"] == outcome
    low, high = found["metrics"][0]["relative_interval"]
    assert low <= float(effect) <= high
    assert {arm["arm"]: arm["users"] for arm in found["held"]["arms"]} == {
        name: arm["users"] for name, arm in truth["arms"].items()
    }


def test_dirty_shops_have_their_experiment(tmp_path: pathlib.Path) -> None:
    _run(
        tmp_path, "simulate", "{0}/shop", "--users", "60", "--items", "60", "--days", "6", "--dirt", "0.1",
        "--experiment", "{0}/experiments.toml", "--experiment-days", "3",
    )  # fmt: skip
    header = (tmp_path / "shop" / "events" / "2025-12-31.csv").read_text(encoding="utf-8", errors="replace")
    assert header.startswith("timestamp,") and "text,request_id,experiment,arm\n" in header
    assert len((tmp_path / "shop" / "ground_truth" / "faults.csv").read_text(encoding="utf-8")) > 1_000


def test_what_is_of_an_experiment_needs_one(tmp_path: pathlib.Path) -> None:
    done = _run(tmp_path, "simulate", "{0}/shop", "--experiment-days", "3")
    assert done.exit_code == 2
    assert "--experiment-days is of an experiment; give --experiment FILE, too" in " ".join(
        done.output.split()
    )
    assert not (tmp_path / "shop").exists()
