"""What another policy would have earned: by hand, against the truth, and refused where the log can't tell."""

from __future__ import annotations

import dataclasses
import math
import pathlib

import numpy as np
import pytest

from aisle.experiments.off_policy import Log, doubly_robust, ips, snips
from aisle.schema.errors import ExperimentUntrusted, InputError

LOGGED, TARGET, RATES = np.array([0.7, 0.2, 0.1]), np.array([0.1, 0.3, 0.6]), np.array([0.05, 0.1, 0.2])
TRUTH = float(TARGET @ RATES)


def _log(random: np.random.Generator, rows: int = 2_000) -> tuple[Log, np.ndarray]:
    """A log of three items, and which was shown."""
    shown = random.choice(3, rows, p=LOGGED)
    rewards = (random.random(rows) < RATES[shown]).astype(float)
    return Log(rewards, LOGGED[shown], TARGET[shown]), shown


def test_the_values_are_those_by_hand() -> None:
    log = Log(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.5, 0.5, 0.2, 0.8]), np.array([0.25, 0.5, 0.2, 0.8]))
    assert log.weights.tolist() == [0.5, 1, 1, 1]
    assert log.effective == pytest.approx(3.5**2 / 3.25)
    assert ips(log, least=2).value.value == pytest.approx(1.5 / 4)
    assert snips(log, least=2).value.value == pytest.approx(1.5 / 3.5)
    found = doubly_robust(log, [0.5, 0.5, 0.5, 0.5], [0.6, 0.6, 0.6, 0.6], least=2)
    assert found.value.value == pytest.approx(0.6 + np.mean([0.25, -0.5, 0.5, -0.5]))
    assert ips(log, least=2).value.standard_error == pytest.approx(np.std([0.5, 0, 1, 0], ddof=1) / 2)


def test_all_come_to_the_truth_and_their_intervals_hold_it() -> None:
    random = np.random.default_rng(1)
    held, values = [], []
    for _ in range(200):
        log, shown = _log(random)
        judged = ips(log), snips(log), doubly_robust(log, RATES[shown], np.full(len(shown), TRUTH))
        held.append([low <= TRUTH <= high for low, high in (one.interval() for one in judged)])
        values.append([one.value.value for one in judged])
    assert np.mean(values, axis=0) == pytest.approx([TRUTH] * 3, abs=0.003)
    assert (np.mean(held, axis=0) > 0.92).all()
    spread = np.std(values, axis=0)
    assert spread[2] < spread[0]


def test_a_wrong_model_of_the_reward_is_mended_by_the_weights() -> None:
    random = np.random.default_rng(2)
    found = []
    for _ in range(100):
        log, shown = _log(random)
        found.append(doubly_robust(log, 1 - RATES[shown], np.full(len(shown), 1 - TRUTH)).value.value)
    assert np.mean(found) == pytest.approx(TRUTH, abs=0.01)


def test_an_interval_of_rare_clicks_reaches_further_up_than_down_and_not_below_0() -> None:
    rewards = np.zeros(5_000)
    rewards[:6] = 1
    log = Log(rewards, np.full(5_000, 0.5), np.full(5_000, 0.5))
    found = snips(log)
    low, high = found.interval()
    assert 0 < low < found.value.value < high
    assert high - found.value.value > 1.5 * (found.value.value - low)
    # Twice the clicks: as uncertain as the variance of so few is.
    assert found.value.degrees == pytest.approx(12, rel=0.01)


def test_a_users_rows_move_together_and_count_as_one() -> None:
    """Each row four times over is worth no more than once; users of one row each are as no users."""
    log, _ = _log(np.random.default_rng(3))
    four = [np.repeat(column, 4) for column in (log.rewards, log.logged, log.target)]
    once, alone, grouped = (
        ips(one).value
        for one in (log, Log(*four), Log(*four, unit=np.repeat(np.arange(len(log.rewards)), 4)))
    )
    assert grouped.value == pytest.approx(once.value)
    assert grouped.standard_error == pytest.approx(once.standard_error)
    assert grouped.degrees == pytest.approx(once.degrees)
    assert alone.standard_error == pytest.approx(once.standard_error / 2, rel=1e-3)
    users = np.array([f"u{row}" for row in range(len(log.rewards))])
    as_none = ips(Log(log.rewards, log.logged, log.target, users)).value
    assert dataclasses.astuple(as_none) == pytest.approx(dataclasses.astuple(once))


def test_rewards_below_0_have_an_even_interval() -> None:
    log, _ = _log(np.random.default_rng(3))
    found = ips(Log(log.rewards - 0.5, log.logged, log.target))
    low, high = found.interval()
    assert high - found.value.value == pytest.approx(found.value.value - low)


def test_a_log_that_hardly_holds_what_the_target_shows_is_refused() -> None:
    logged, target = np.full(1_000, 0.99), np.full(1_000, 0.0)
    logged[:2], target[:2] = 1e-5, 1.0
    rewards = np.zeros(1_000)
    rewards[0] = 1
    for judge in (ips, snips, lambda log: doubly_robust(log, rewards * 0, rewards * 0)):
        with pytest.raises(
            ExperimentUntrusted, match=r"1,000 rows of the log are worth 2\.0 of the other policy"
        ):
            judge(Log(rewards, logged, target))


def test_a_log_without_any_reward_is_refused() -> None:
    nothing = Log(np.zeros(500), np.full(500, 0.5), np.full(500, 0.5))
    with pytest.raises(InputError, match="no reward to tell it by"):
        snips(nothing)


@pytest.mark.parametrize(
    ("rewards", "logged", "target", "said"),
    [
        ([1, 0], [0.0, 0.5], [0.5, 0.5], "logged: 1 values such as 0.0"),
        ([1, 0], [1.2, 0.5], [0.5, 0.5], "logged: 1 values such as 1.2"),
        ([1, 0], [math.nan, 0.5], [0.5, 0.5], "logged: 1 values such as nan"),
        ([1, 0], [0.5, 0.5], [1.5, -0.5], "target: 2 values such as 1.5"),
        ([math.nan, 0], [0.5, 0.5], [0.5, 0.5], "rewards: 1 values such as nan"),
        ([1, -1e300], [0.5, 0.5], [0.5, 0.5], "rewards: 1 values such as -1e.300; expected numbers up to"),
        ([1], [0.5], [0.5], "two rows or more"),
        ([1, 0], [0.5], [0.5, 0.5], "one of each"),
    ],
)
def test_chances_that_are_none_are_refused(
    rewards: list[float], logged: list[float], target: list[float], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        Log(np.array(rewards, float), np.array(logged), np.array(target))


def test_units_that_are_none_are_refused() -> None:
    two = np.array([0.5, 0.5])
    for unit in (np.array(["a", "a"]), np.array(["a"])):
        with pytest.raises(InputError, match="expected one a row, and two or more"):
            Log(two, two, two, unit)


def test_a_model_of_other_rows_is_refused() -> None:
    log, _ = _log(np.random.default_rng(4))
    with pytest.raises(InputError, match=r"expected \(2000,\) numbers"):
        doubly_robust(log, [0.1], [0.1])


def test_the_benchmark_reads_campaigns_and_refuses_policies_that_hardly_overlap(
    tmp_path: pathlib.Path,
) -> None:
    from benchmarks.experiments.off_policy import Campaign

    random = np.random.default_rng(6)
    for policy in ("random", "bts"):
        folder = tmp_path / policy / "men"
        folder.mkdir(parents=True)
        shares = np.array([0.5, 0.5]) if policy == "random" else np.array([0.9, 0.1])
        shown = random.choice(2, 3_000, p=shares)
        lines = [
            f"{item},{place % 3 + 1},{int(random.random() < 0.1 + 0.1 * item)},{shares[item]}"
            for place, item in enumerate(shown)
        ]
        (folder / "men.csv").write_text(
            "item_id,position,click,propensity_score\n" + "\n".join(lines), encoding="utf-8"
        )
    shop = Campaign.read(tmp_path, "men")
    assert (shop.items, shop.rows) == (2, 3_000)
    for _, log, truth in (shop.of_uniform(), shop.of_thompson()):
        low, high = snips(log).interval(0.999)
        assert low < truth < high
    held = shop.cover("uniform to Thompson", 20, random)
    assert all(share >= 0.8 for share in held.values())
