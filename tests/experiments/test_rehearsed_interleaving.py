"""Interleaved answers planned by a shop's past: by hand for users of one item, and by the power of the sign test."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from aisle.experiments.analysis.rehearsed_interleaving import plan_interleaved
from aisle.experiments.statistics.preference import preference
from aisle.schema.errors import InputError
from tests.experiments.shop import events_of, shop

PAST = shop(seed=5)


def test_users_who_take_one_item_each_decide_as_tosses_do() -> None:
    rows: list[tuple[object, ...]] = [(f"u{number}", "impression", 10.0) for number in range(10)]
    rows += [(f"u{number}", "click", 10.5) for number in range(4)]
    found = plan_interleaved("click", events_of(rows), 9.0, 5.0, effect=0.5, credited=0.5)
    # Of four in ten users half have an item of one ranking alone; it is the treatment's with a chance of 1.5 / 2.5.
    assert (found.taken, found.deciding, found.seen) == pytest.approx((0.4, 0.2, 10))
    deciding = ((stats.norm.ppf(0.975) / 2 + stats.norm.ppf(0.8) * math.sqrt(0.6 * 0.4)) / 0.1) ** 2
    assert found.users == math.ceil(deciding / 0.2)
    assert found.detectable is None  # Two users who decide show nothing.


@pytest.mark.parametrize(("effect", "credited"), [(0.25, 0.7), (-0.2, 1.0)])
def test_a_planned_experiment_has_the_planned_power(effect: float, credited: float) -> None:
    planned = plan_interleaved("click", PAST, 10.0, 5.0, effect, credited)
    units, user = np.unique(PAST.unit, return_inverse=True)
    taken = np.bincount(user[PAST.kind == "click"], minlength=len(units))
    random, found = np.random.default_rng(1), 0
    for _ in range(400):
        held = random.binomial(random.choice(taken, planned.users), credited)
        treated = random.binomial(held, (1 + effect) / (2 + effect))
        found += preference(np.stack([held - treated, treated], axis=1)).p_value < 0.05
    assert 0.74 < found / 400 < 0.86
    again = plan_interleaved("click", PAST, 10.0, 5.0, planned.detectable or 0.0, credited)
    assert again.users == pytest.approx(planned.seen, rel=0.001)


def test_what_never_happened_or_is_no_effect_can_not_be_planned() -> None:
    with pytest.raises(InputError, match="no event 'return' in these days"):
        plan_interleaved("return", PAST, 10.0, 5.0, 0.1)
    for effect in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="expected a number above -1 other than 0"):
            plan_interleaved("click", PAST, 10.0, 5.0, effect)
