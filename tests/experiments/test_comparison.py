"""Two arms compared: as scipy does it on single users' values, and by hand."""

from __future__ import annotations

import math
import re

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from aisle.experiments.statistics.effect import compare
from aisle.experiments.statistics.estimate import Estimate
from aisle.experiments.statistics.metric import Mean, Metric, Ratio
from aisle.experiments.statistics.sample import Sample
from aisle.experiments.statistics.winsorising import winsorise
from aisle.schema.errors import InputError

Y = Metric("y", Mean("y"))
values = (
    st.integers(3, 30)
    .flatmap(lambda n: arrays(float, n, elements=st.integers(0, 50).map(float)))
    .filter(np.ptp)
)


def _shop(seed: int, n: int, effect: float = 0.0) -> dict[str, npt.NDArray[np.float64]]:
    """Users who spent before and after, in sessions, with an effect on what they spend after."""
    random = np.random.default_rng(seed)
    wealth = random.gamma(2.0, 10.0, n)
    sessions = 1.0 + random.poisson(3.0, n)
    spent = wealth * sessions + random.normal(0, 20, n)
    return {
        "before": wealth * (1 + random.poisson(3.0, n)) + random.normal(0, 20, n),
        "wealth": wealth,
        "sessions": sessions,
        "spent": spent + effect * sessions,
    }


@given(values, values)
def test_means_are_compared_as_scipys_welch_test_does(
    one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]
) -> None:
    ours = compare(Y, Sample.of({"y": one}), Sample.of({"y": other})).difference
    theirs = stats.ttest_ind(other, one, equal_var=False)
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert ours.p_value == pytest.approx(theirs.pvalue)
    assert ours.interval(0.9) == pytest.approx(tuple(theirs.confidence_interval(0.9)))


@given(arrays(float, (3, 12), elements=st.floats(-100, 100)))
def test_a_sample_is_the_same_from_values_and_from_sums(users: npt.NDArray[np.float64]) -> None:
    of = Sample.of(dict(zip("abc", users, strict=True)))
    sums = Sample.from_sums("abc", 12, users.sum(axis=1), users @ users.T)
    assert np.allclose(of.mean, sums.mean)
    assert np.allclose(of.covariance, sums.covariance, atol=1e-6)


@pytest.mark.parametrize("common", [True, False])
def test_a_ratio_is_compared_by_its_linear_part(common: bool) -> None:
    one, other = _shop(1, 300), _shop(2, 200, effect=3.0)
    metric = Metric("spent a session", Ratio("spent", "sessions"))
    effect = compare(metric, Sample.of(one), Sample.of(other), common_means=common)
    # The delta method, by hand: what each user adds to the ratio beyond its mean share.
    ratios = [arm["spent"].sum() / arm["sessions"].sum() for arm in (one, other)]
    both = {name: np.concatenate([one[name], other[name]]) for name in one}
    parts = []
    for arm in (one, other):
        at = both if common else arm
        ratio = at["spent"].sum() / at["sessions"].sum()
        parts.append((arm["spent"] - ratio * arm["sessions"]) / at["sessions"].mean())
    variance = sum(part.var(ddof=1) / len(part) for part in parts)
    assert (effect.control, effect.treatment) == pytest.approx(tuple(ratios))
    assert effect.difference.value == pytest.approx(ratios[1] - ratios[0])
    assert effect.difference.standard_error == pytest.approx(math.sqrt(variance))


def test_a_ratios_standard_error_is_that_of_many_shops() -> None:
    metric = Metric("spent a session", Ratio("spent", "sessions"))
    found = [
        compare(metric, Sample.of(_shop(2 * s, 200)), Sample.of(_shop(2 * s + 1, 200))) for s in range(400)
    ]
    spread = np.std([effect.difference.value for effect in found], ddof=1)
    assert np.mean([effect.difference.standard_error for effect in found]) == pytest.approx(spread, rel=0.1)


def test_covariates_leave_what_a_regression_leaves() -> None:
    one, other = _shop(1, 400), _shop(2, 400, effect=2.0)
    metric = Metric("spent", Mean("spent"), (Mean("before"), Mean("wealth")))
    effect = compare(metric, Sample.of(one), Sample.of(other))
    # With arms of one size, the weights are those of the regression on covariates centred in their arm.
    centred = [
        np.stack([arm[name] - arm[name].mean() for name in ("spent", "before", "wealth")])
        for arm in (one, other)
    ]
    outcome, *covariates = np.concatenate(centred, axis=1)
    theta = np.linalg.lstsq(np.stack(covariates, axis=1), outcome, rcond=None)[0]
    left = [arm["spent"] - theta[0] * arm["before"] - theta[1] * arm["wealth"] for arm in (one, other)]
    assert effect.difference.value == pytest.approx(left[1].mean() - left[0].mean())
    assert effect.difference.standard_error == pytest.approx(
        math.sqrt(sum(part.var(ddof=1) / len(part) for part in left))
    )
    assert effect.control == pytest.approx(one["spent"].mean())
    assert effect.variance_kept < 0.7


def test_the_variance_that_sizes_follow_from_is_that_of_a_user() -> None:
    sample = Sample.of(_shop(1, 500))
    assert Metric("m", Mean("spent")).variance(sample) == pytest.approx(_shop(1, 500)["spent"].var(ddof=1))
    adjusted = Metric("m", Mean("spent"), (Mean("wealth"),)).variance(sample)
    assert adjusted == pytest.approx(
        _shop(1, 500)["spent"].var(ddof=1)
        * (1 - np.corrcoef(_shop(1, 500)["spent"], _shop(1, 500)["wealth"])[0, 1] ** 2)
    )


def test_a_ratio_is_adjusted_by_the_ratio_before() -> None:
    one, other = (
        dict(_shop(seed, 400), **{"sessions before": _shop(seed + 9, 400)["sessions"]}) for seed in (1, 2)
    )
    plain = Metric("r", Ratio("spent", "sessions"))
    before = Metric("r", Ratio("spent", "sessions"), (Ratio("wealth", "sessions before"), Mean("wealth")))
    kept = compare(before, Sample.of(one), Sample.of(other))
    assert kept.variance_kept < 0.5
    without = compare(plain, Sample.of(one), Sample.of(other))
    assert kept.difference.standard_error == pytest.approx(
        without.difference.standard_error * math.sqrt(kept.variance_kept)
    )


def test_a_covariate_twice_or_one_that_is_the_same_for_all_changes_nothing() -> None:
    arms = [Sample.of({**_shop(seed, 200), "one": np.ones(200)}) for seed in (1, 2)]
    once = compare(Metric("m", Mean("spent"), (Mean("before"),)), *arms).difference
    for more in (Mean("before"), Mean("one")):
        assert compare(
            Metric("m", Mean("spent"), (Mean("before"), more)), *arms
        ).difference.value == pytest.approx(once.value)


def test_a_relative_effect_has_the_sign_of_the_effect_where_the_control_is_below_0() -> None:
    low, high = Sample.of({"y": [-4.0, -2.0, -3.0]}), Sample.of({"y": [-2.0, -1.0, -1.5]})
    found = compare(Y, low, high).relative
    assert found is not None
    assert found.value == pytest.approx(0.5)


@given(values, values, st.floats(0.5, 0.9999), st.sampled_from([1.0, -1.0]))
def test_a_relative_interval_is_apart_from_0_just_where_the_differences_is(
    one: npt.NDArray[np.float64], other: npt.NDArray[np.float64], level: float, sign: float
) -> None:
    effect = compare(Y, Sample.of({"y": sign * one}), Sample.of({"y": sign * other}))
    low, high = effect.difference.interval(level)
    found = effect.relative_interval(level)
    if found is None or min(abs(low), abs(high)) < 1e-9 * effect.difference.standard_error:
        return
    assert [np.sign(end) for end in found] == [np.sign(low), np.sign(high)]
    assert effect.relative is not None
    assert found[0] <= effect.relative.value <= found[1]


def test_a_relative_interval_is_fiellers() -> None:
    """Its ends are the ratios r at which the treatment less (1 + r) times the control is as far from 0 as the quantile."""
    one, other = _shop(1, 400)["spent"], _shop(2, 300)["spent"] * 1.1
    effect = compare(Y, Sample.of({"y": one}), Sample.of({"y": other}))
    found = effect.relative_interval(0.9)
    assert found is not None
    quantile = stats.t.ppf(0.95, effect.difference.degrees)
    for end in found:
        error = math.sqrt(other.var(ddof=1) / 300 + (1 + end) ** 2 * one.var(ddof=1) / 400)
        assert abs(other.mean() - (1 + end) * one.mean()) / error == pytest.approx(quantile)
    # So large a sample has nearly the delta method's.
    assert effect.relative is not None
    assert found == pytest.approx(effect.relative.interval(0.9), abs=0.01)


def test_over_a_control_that_may_be_0_nothing_can_be_said() -> None:
    effect = compare(Y, Sample.of({"y": [0.0, 0.0, 0.0, 1.0]}), Sample.of({"y": [1.0, 2.0, 3.0, 4.0]}))
    assert effect.relative_interval() is None


def test_there_is_no_relative_effect_of_a_control_of_0() -> None:
    assert compare(Y, Sample.of({"y": [-1.0, 1.0]}), Sample.of({"y": [1.0, 2.0]})).relative is None


def test_a_normal_estimate_has_the_normals_interval() -> None:
    estimate = Estimate(1.0, 0.5)
    assert estimate.interval() == pytest.approx((1 - 0.5 * 1.959963985, 1 + 0.5 * 1.959963985))
    assert estimate.p_value == pytest.approx(0.04550026)
    assert (Estimate(0.0, 0.0).p_value, Estimate(1.0, 0.0).p_value) == (1.0, 0.0)


@pytest.mark.parametrize("users", [[], [3.0]])
def test_an_arm_of_nobody_or_one_user_is_refused(users: list[float]) -> None:
    with pytest.raises(InputError, match=f"an arm of {len(users)} users says nothing"):
        Sample.of({"y": users})
    with pytest.raises(InputError, match="expected two or more"):
        Sample.from_sums(("y",), len(users), [sum(users)], [[9.0]])


@pytest.mark.parametrize("wrong", [math.nan, math.inf, 1e300])
def test_revenue_that_is_no_number_or_too_large_is_refused(wrong: float) -> None:
    with pytest.raises(
        InputError, match="revenue: 1 of 3 users have values such as " + re.escape(str(wrong))
    ):
        Sample.of({"revenue": [1.0, wrong, 2.0]})
    with pytest.raises(InputError, match="a mean or variance isn't finite"):
        Sample.from_sums(("revenue",), 3, [wrong], [[math.inf]])


def test_a_denominator_of_0_is_refused() -> None:
    arm = Sample.of({"clicks": [0.0, 0.0], "impressions": [0.0, 0.0]})
    with pytest.raises(InputError, match="clicks over impressions: an arm's impressions add up to 0"):
        compare(Metric("ctr", Ratio("clicks", "impressions")), arm, arm)


def test_arms_in_which_nothing_varies_are_refused() -> None:
    with pytest.raises(InputError, match="all users of each arm have one value"):
        compare(Y, Sample.of({"y": [1.0, 1.0]}), Sample.of({"y": [2.0, 2.0]}))


def test_other_wrong_columns_are_refused() -> None:
    with pytest.raises(InputError, match="expected the same"):
        compare(Y, Sample.of({"y": [1.0, 2.0]}), Sample.of({"x": [1.0, 2.0], "y": [1.0, 2.0]}))
    with pytest.raises(InputError, match=r"columns of \[2, 3\] users"):
        Sample.of({"y": [1.0, 2.0], "x": [1.0, 2.0, 3.0]})
    with pytest.raises(InputError, match="no column 'x'; there are: y"):
        compare(Metric("x", Mean("x")), Sample.of({"y": [1.0, 2.0]}), Sample.of({"y": [1.0, 2.0]}))
    with pytest.raises(InputError, match="5 of 4 users"):
        Sample.of_counts("bought", 5, 4)


def test_what_is_above_the_quantile_is_set_to_it() -> None:
    spent = [0.0] * 90 + [float(place) for place in range(1, 11)]
    cut = winsorise(spent, 0.98)
    assert cut.bound == pytest.approx(np.quantile(spent, 0.98))
    assert (cut.changed, cut.values.max()) == (2, cut.bound)
    assert cut.total_kept == pytest.approx(cut.values.sum() / 55)
    assert winsorise(spent, 0.5, above_zero=True).bound == 5.5


@pytest.mark.parametrize(
    ("spent", "said"),
    [
        ([1.0, math.nan], "0 and above"),
        ([-1.0], "0 and above"),
        ([], "0 values"),
        ([0.0] * 99 + [5.0], "above_zero"),
    ],
)
def test_winsorising_refuses_what_it_would_spoil(spent: list[float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        winsorise(spent, 0.5)
