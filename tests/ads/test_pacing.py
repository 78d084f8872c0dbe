"""Pacing: a budget lasts, whatever is spent, and what it buys is near the best in hindsight."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.ads.pacing import DualPacing, SlotPacing, SpendPlan
from aisle.schema.errors import InputError
from benchmarks.ads.pacing import POLICIES, auctions, bought, optimum


def test_spending_by_plan_moves_nothing_and_more_or_less_moves_against_it() -> None:
    start = DualPacing(1_000, logarithm=-1.0)
    assert start.after(100, 0.1).logarithm == pytest.approx(-1.0)
    assert start.after(300, 0.1).logarithm < -1.0 < start.after(0, 0.1).logarithm
    slots = SlotPacing(1_000, logarithm=-1.0, plan=SpendPlan.even(10))
    assert slots.after(100).logarithm == pytest.approx(-1.0)
    assert slots.after(300).logarithm < -1.0 < slots.after(0).logarithm


def test_the_first_step_is_by_hand() -> None:
    # 900 are left for 0.9 of the plan, less 200 more than planned: 7/9 of the pace is wanted, 3 times it was spent.
    after = DualPacing(1_000).after(300, 0.1)
    assert after.logarithm == pytest.approx((7 / 9 - 3) * max(0.3 * math.sqrt(0.1), 1 / 11))
    assert after.multiplier == pytest.approx(math.exp(after.logarithm))
    assert (after.spent, after.passed, after.auctions) == (300, 0.1, 1)
    slots = SlotPacing(1_000, plan=SpendPlan.even(10)).after(300)
    assert slots.logarithm == pytest.approx(0.25 * math.log((700 / 9 + 5) / (300 + 5)))


def test_a_plan_says_what_a_slot_should_spend() -> None:
    plan = SpendPlan((1, 3, 0, 4))
    assert [plan.share(slot) for slot in range(5)] == [0.125, 0.375, 0, 0.5, 0]
    assert plan.ahead(0) == 0.875
    pace = SlotPacing(800, logarithm=-1.0, plan=plan)
    for spent in (100, 300, 0):
        pace = pace.after(spent)
        assert pace.logarithm == pytest.approx(-1.0)
    # After the last slot nothing is controlled any more.
    assert pace.after(10).after(10).logarithm == pace.logarithm


def test_nothing_is_bid_when_nothing_is_left_or_ever_was() -> None:
    for pace in (DualPacing(100, spent=100), DualPacing(0), SlotPacing(100, spent=120), SlotPacing(0)):
        assert pace.multiplier == 0
    assert DualPacing(0).after(0, 0.5).multiplier == SlotPacing(0).after(0).multiplier == 0


@given(st.lists(st.tuples(st.integers(0, 10**15), st.floats(1e-9, 1)), max_size=40), st.integers(1, 10**15))
def test_whatever_is_spent_the_multiplier_stays_in_its_range(
    spends: list[tuple[int, float]], budget: int
) -> None:
    dual, slots = DualPacing(budget), SlotPacing(budget, plan=SpendPlan((1, 0, 2)))
    for spent, share in spends:
        dual, slots = dual.after(spent, share), slots.after(spent)
        for pace in (dual, slots):
            assert 0 <= pace.multiplier <= 1
            assert (pace.multiplier == 0) == (pace.spent >= budget)


@pytest.mark.parametrize(("wave", "least"), [(0.0, 0.95), (0.5, 0.93)])
def test_a_thousand_auctions_buy_nearly_what_hindsight_would(wave: float, least: float) -> None:
    values, prices = auctions(1_000, 3, wave)
    budget = int(0.35 * prices[values >= prices].sum())
    best = optimum(values, prices, budget)
    reached = {
        name: bought(values, prices, budget, policy(budget, 1_000)) for name, policy in POLICIES.items()
    }
    assert all(spent <= budget for _, spent in reached.values())
    assert reached["aisle, after each auction"][0] >= least * best
    assert reached["no pacing"][0] < 0.75 * best


def test_the_optimum_takes_what_costs_least_for_its_value() -> None:
    values, prices = np.asarray([10, 9, 8, 2]), np.asarray([5, 3, 4, 3])
    # 3 for 9, then 4 for 8 and, of the dearer one, a fifth; the last isn't worth its price.
    assert optimum(values, prices, 8) == pytest.approx(9 + 8 + 10 / 5)
    assert optimum(values, prices, 100) == 27


@pytest.mark.parametrize("weights", [(), (0, 0), (1, -1), (1, math.nan), (math.inf,)])
def test_a_plan_that_cannot_be_shared_out_is_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="a spend plan of"):
        SpendPlan(weights)


@pytest.mark.parametrize("amount", [-1, 0.5, math.nan, 2**63, None])
def test_an_amount_that_is_none_is_refused(amount: Any) -> None:
    for attempt in (
        lambda: DualPacing(amount),
        lambda: SlotPacing(1, amount),
        lambda: DualPacing(1).after(amount, 0.1),
        lambda: SlotPacing(1).after(amount),
    ):
        with pytest.raises(InputError, match="expected a whole number from 0"):
            attempt()


@pytest.mark.parametrize("share", [0, -0.1, 1.1, math.nan])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="a share of"):
        DualPacing(1).after(0, share)
