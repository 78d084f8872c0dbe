"""Power, several looks and several metrics: as statsmodels has it, and as simulated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower

from aisle.experiments.statistics import power
from aisle.experiments.statistics.always_valid import AlwaysValid
from aisle.experiments.statistics.estimate import Estimate
from aisle.experiments.statistics.group_sequential import Looks, crossing
from aisle.experiments.statistics.multiple import benjamini_hochberg, holm
from aisle.experiments.statistics.proportions import equal_shares, wilson
from aisle.experiments.statistics.sample_ratio import sample_ratio
from aisle.experiments.statistics.spending import KimDeMets, Spending, obrien_fleming, pocock
from aisle.schema.errors import InputError

SPENDINGS = (obrien_fleming, pocock, KimDeMets(), KimDeMets(8.0))
FIFTHS = (0.2, 0.4, 0.6, 0.8, 1.0)
fractions = st.lists(st.integers(1, 99), min_size=1, max_size=6, unique=True).map(
    lambda drawn: tuple(part / 100 for part in sorted(drawn)) + (1.0,)
)


@pytest.mark.parametrize(("users", "effect", "ratio"), [(20, 1.0, 1.0), (150, 0.3, 0.5), (40, -0.6, 3.0)])
def test_power_is_statsmodels(users: float, effect: float, ratio: float) -> None:
    theirs = TTestIndPower().power(effect, users, 0.05, ratio)
    assert power.means_power(users, 2 * effect, 2.0, ratio=ratio) == pytest.approx(theirs, abs=1e-4)


@given(st.floats(0.05, 2), st.floats(0.1, 100), st.floats(0.55, 0.99), st.floats(0.2, 5))
def test_a_size_has_the_power_and_shows_the_effect(
    effect: float, deviation: float, wanted: float, ratio: float
) -> None:
    users = power.means_size(effect * deviation, deviation, wanted, ratio=ratio)
    if users > 5:
        assert power.means_power(users, effect * deviation, deviation, ratio=ratio) == pytest.approx(
            wanted, abs=1e-4
        )
        assert power.detectable(users, deviation, wanted, ratio=ratio) == pytest.approx(
            effect * deviation, rel=1e-3
        )


@given(st.floats(0.01, 0.98), st.floats(0.01, 0.98), st.floats(0.55, 0.99))
def test_a_size_of_shares_has_the_power(control: float, treatment: float, wanted: float) -> None:
    if abs(control - treatment) > 1e-3:
        users = power.shares_size(control, treatment, wanted)
        assert power.shares_power(users, control, treatment) == pytest.approx(wanted)


def test_sixteen_is_about_the_size_for_80_percent() -> None:
    assert power.means_size(0.1, 1.0) == pytest.approx(power.rule_of_sixteen(1.0, 0.1), rel=0.03)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: power.means_size(0.0, 1.0),
        lambda: power.means_power(10, math.nan, 1.0),
        lambda: power.means_size(1.0, 0.0),
        lambda: power.means_size(1.0, 1.0, power=1.0),
        lambda: power.shares_size(0.1, 1.5),
        lambda: power.shares_size(0.1, 0.1),
        lambda: power.means_size(1e-9, 1.0),
    ],
)
def test_no_size_is_given_for_what_can_not_be_shown(ask: object) -> None:
    with pytest.raises(InputError, match="expect"):
        ask()  # type: ignore[operator]


@given(fractions, st.sampled_from(SPENDINGS), st.sampled_from([0.01, 0.05, 0.1]))
def test_the_looks_together_spend_alpha_as_the_function_says(
    fractions: tuple[float, ...], spending: Spending, alpha: float
) -> None:
    looks = Looks.spent(fractions, spending, alpha)
    spent = np.cumsum(crossing(looks.fractions, looks.bounds))
    assert spent == pytest.approx([spending(fraction, alpha) for fraction in fractions], abs=1e-6)
    assert spent[-1] == pytest.approx(alpha, abs=1e-6)


@pytest.mark.parametrize("drift", [0.0, 2.5])
def test_looks_cross_as_often_as_simulated_walks(drift: float) -> None:
    parts, bounds = (0.1, 0.4, 0.5, 1.0), (3.0, 2.5, 2.2, 2.1)
    steps = np.diff([0, *parts])
    random = np.random.default_rng(3)
    walks = np.cumsum(random.normal(drift * steps, np.sqrt(steps), (200_000, 4)), axis=1) / np.sqrt(parts)
    first = np.where((np.abs(walks) >= bounds).any(axis=1), (np.abs(walks) >= bounds).argmax(axis=1), 4)
    simulated = np.bincount(first, minlength=5)[:4] / len(walks)
    assert crossing(parts, bounds, drift) == pytest.approx(simulated, abs=0.004)


def test_more_looks_need_more_users_and_pococks_most() -> None:
    ours = Looks.obrien_fleming(5)
    assert Looks(ours.fractions[-1:], (1.959963985,)).inflation() == pytest.approx(1.0, abs=1e-5)
    # Jennison and Turnbull (2000), tables 2.1 and 2.3: 1.028 and 1.229 for five looks at 80 %.
    assert ours.inflation() == pytest.approx(1.028, abs=0.001)
    assert Looks.pocock(5).inflation() == pytest.approx(1.229, abs=0.001)


def test_an_estimate_beyond_the_bound_ends_the_experiment_and_its_interval_leaves_out_0() -> None:
    looks = Looks.spent(FIFTHS[:3], obrien_fleming)
    for value, ended in ((2.7, True), (2.6, False), (-2.7, True)):
        estimate = Estimate(value, 1.0)
        low, high = looks.interval(estimate)
        assert looks.ended(estimate) is ended
        assert (low > 0 or high < 0) is ended


def test_few_users_are_held_against_a_bound_by_students_t() -> None:
    looks = Looks.spent(FIFTHS[:3], obrien_fleming)
    few = Estimate(2.7, 1.0, degrees=20)
    assert few.score < 2.6803 < Estimate(2.7, 1.0).score
    assert not looks.ended(few)
    assert looks.interval(few)[0] < 0 < looks.interval(Estimate(2.7, 1.0))[0]


@pytest.mark.parametrize("wrong", [(), (0.5, 0.5), (0.0, 1.0), (0.5, 1.1), (0.6, 0.5)])
def test_looks_in_no_order_are_refused(wrong: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="rising numbers above 0 up to 1"):
        Looks.spent(wrong, obrien_fleming)


@given(st.floats(-6, 6), st.integers(10, 100_000), st.floats(100, 10_000), st.sampled_from([0.01, 0.05, 0.2]))
def test_an_always_valid_p_value_is_below_alpha_where_the_interval_leaves_out_0(
    z: float, users: int, planned: float, alpha: float
) -> None:
    sequence, estimate = AlwaysValid(planned, alpha), Estimate(z, 1.0)
    low, high = sequence.interval(estimate, users)
    outside = low > 0 or high < 0
    assert outside == (sequence.p_value(estimate, users) < alpha) or min(abs(low), abs(high)) < 1e-9


def test_an_always_valid_interval_is_narrowest_where_it_was_planned() -> None:
    widths = {
        n: AlwaysValid(n).interval(Estimate(0.0, 1.0), 2_000)[1] for n in (200, 1_000, 2_000, 4_000, 20_000)
    }
    assert min(widths, key=lambda planned: widths[planned]) == 2_000
    assert 2.5 < widths[2_000] < 3.2


def test_always_valid_intervals_hold_at_all_looks_together() -> None:
    steps = np.random.default_rng(5).normal(size=(2_000, 1_000))
    places = np.arange(1, 1_001)
    means = np.cumsum(steps, axis=1) / places
    sequence = AlwaysValid(500)
    bounds = np.array([sequence.interval(Estimate(0.0, 1 / math.sqrt(n)), n)[1] for n in places.tolist()])
    assert 0.005 < (np.abs(means) > bounds).any(axis=1).mean() <= 0.05


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_several_metrics_are_adjusted_as_statsmodels_does(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])
    assert benjamini_hochberg(p_values) == pytest.approx(multipletests(p_values, method="fdr_bh")[1])


@pytest.mark.parametrize("wrong", [[], [0.5, math.nan], [1.2]])
def test_p_values_that_are_none_are_refused(wrong: list[float]) -> None:
    for adjust in (holm, benjamini_hochberg):
        with pytest.raises(InputError, match="numbers from 0 to 1"):
            adjust(wrong)


def test_a_ratio_that_nobody_planned_is_refused_and_an_empty_arm_alarms() -> None:
    with pytest.raises(InputError, match="the arm 'c', which has no planned share; there are: a, b"):
        sample_ratio({"a": 10, "c": 10}, {"a": 0.5, "b": 0.5})
    with pytest.raises(InputError, match="0 users"):
        sample_ratio({}, {"a": 0.5, "b": 0.5})
    found = sample_ratio({"a": 100}, {"a": 0.5, "b": 0.5})
    assert (found.users, found.planned, found.alarm) == ({"a": 100, "b": 0}, {"a": 50, "b": 50}, True)
    assert not sample_ratio({"a": 70, "b": 28}, {"a": 0.7, "b": 0.3}).alarm


def test_shares_of_nobody_are_refused() -> None:
    for ask in (lambda: wilson(0, 0), lambda: wilson(3, 2), lambda: equal_shares((0, 0), (5, 5))):
        with pytest.raises(InputError, match=r"expected at least one user|is empty"):
            ask()
