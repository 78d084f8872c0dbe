"""An experiment rehearsed on the past: the plan's users show the effect, and replays find nothing too often."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from aisle.experiments.analysis.analyze import analyze
from aisle.experiments.analysis.measures import CTR, CVR, REVENUE, Declared, Measure
from aisle.experiments.analysis.rehearsal import newest, plan, rehearsed, replay
from aisle.experiments.statistics.group_sequential import Looks
from aisle.schema.errors import InputError
from tests.experiments.shop import HALVES, events_of, shop

PAST = shop(seed=5)
CLICKS = dataclasses.replace(CTR, adjusted=False)


def test_the_users_of_some_days_count_from_their_first_event_in_them() -> None:
    events = events_of(
        [
            ("a", "click", 1.0),
            ("a", "click", 5.0),
            ("b", "click", 6.0),
            ("", "click", 6.0),
            ("c", "click", 9.0),
        ]
    )
    found = rehearsed(events, 4.0, 3.0)
    assert (found.units.tolist(), found.since.tolist()) == (["a", "b"], [5.0, 6.0])


def test_the_newest_days_are_the_last_that_are_as_busy_as_others() -> None:
    rows: list[tuple[object, ...]] = [
        ("a", "click", day + part / 100) for day in range(10) for part in range(60)
    ]
    events = events_of([*rows, ("a", "click", 12.0), ("b", "click", 80.0)])
    assert newest(events) == pytest.approx(9.59)
    assert newest(events_of(rows[::100])) == pytest.approx(8.2)  # A small shop's every day is busy.
    with pytest.raises(InputError, match="there are no events"):
        newest(events.where(np.zeros(len(events), dtype=bool)))


def test_a_planned_experiment_has_the_planned_power() -> None:
    planned = plan(CLICKS, PAST, 10.0, 5.0, effect=0.35)
    # Where the effect is planned, the treatment's own variance is a little larger.
    found = [
        analyze(HALVES, shop(users=planned.users, lift=0.35, seed=seed), (CLICKS,)).outcome == "better"
        for seed in range(60)
    ]
    assert 0.6 < np.mean(found) < 0.95
    assert planned.seen == 2_000
    assert planned.enough


def test_what_is_detectable_takes_just_the_users_that_were_seen() -> None:
    planned = plan(REVENUE, PAST, 10.0, 5.0, effect=0.1)
    again = plan(REVENUE, PAST, 10.0, 5.0, effect=planned.detectable)
    assert again.users == pytest.approx(planned.seen, abs=2)
    assert again.enough
    assert not planned.enough
    assert planned.variance_kept < 1


def test_more_looks_and_uneven_arms_need_more_users() -> None:
    one = plan(CVR, PAST, 10.0, 5.0, effect=0.1)
    looks = Looks.obrien_fleming(5)
    several = plan(CVR, PAST, 10.0, 5.0, effect=0.1, looks=looks)
    assert several.users == pytest.approx(one.users * looks.inflation(), abs=2)
    uneven = plan(CVR, PAST, 10.0, 5.0, effect=0.1, shares=(0.9, 0.1))
    assert uneven.users == pytest.approx(one.users * 0.25 / 0.09, rel=0.01)


def test_what_never_happened_can_not_be_planned() -> None:
    with pytest.raises(InputError, match="no event of a known user from 1972-09-27 on"):
        plan(CVR, PAST, 1_000.0, 5.0, effect=0.1)
    with pytest.raises(InputError, match="returns a user: it is 0 in these days"):
        plan(Declared("returns a user", Measure("return")), PAST, 10.0, 5.0, effect=0.1)
    with pytest.raises(InputError, match="expected an effect other than 0"):
        plan(CVR, PAST, 10.0, 5.0, effect=math.nan)


def test_replays_without_an_effect_find_one_as_often_as_they_may() -> None:
    found = replay(HALVES, REVENUE, shop(users=400, seed=5), 10.0, 5.0, times=200)
    assert (found.users, found.times) == (400, 200)
    assert found.interval[0] < 0.05 < found.interval[1]
    assert found.alarms <= 0.02


def test_a_replay_in_which_nearly_nobody_takes_part_is_refused() -> None:
    with pytest.raises(InputError, match="says nothing"):
        replay(dataclasses.replace(HALVES, coverage=0.0), REVENUE, PAST, 10.0, 5.0, times=1)
