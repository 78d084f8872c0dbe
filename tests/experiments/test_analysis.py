"""An experiment's events judged: what can't be trusted first, then harm, then what became better."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from aisle.experiments.analysis.analyze import analyze
from aisle.experiments.analysis.events import Events
from aisle.experiments.analysis.exposures import exposures
from aisle.experiments.analysis.measures import CTR, CVR, REVENUE, Declared, Measure, measure
from aisle.experiments.assignment.experiment import Arm, Experiment
from aisle.experiments.statistics.group_sequential import Looks
from aisle.experiments.statistics.spending import obrien_fleming
from aisle.schema.errors import InputError
from tests.experiments.shop import HALVES, events_of, joined, shop

SAME = shop(seed=5)
BETTER = shop(lift=0.4, seed=5)
ARMS = dict(zip(SAME.unit[SAME.arm != ""].tolist(), SAME.arm[SAME.arm != ""].tolist(), strict=True))


def _shown(unit: str, arm: str, day: float, event_id: str = "") -> tuple[object, ...]:
    return (unit, "impression", day, math.nan, "rerank", arm, event_id)


def test_a_users_measures_begin_with_the_exposure_and_what_was_before_adjusts() -> None:
    events = events_of(
        [
            *[_shown("a", "as-is", 5), _shown("a", "as-is", 6), _shown("b", "new", 5)],
            *[
                ("a", "purchase", 4, 10.0),
                ("a", "purchase", 5, 3.0),
                ("b", "purchase", 7, 2.0),
                ("c", "purchase", 7, 9.0),
            ],
            *[("a", "click", 4.9), ("a", "click", 6.1), ("b", "purchase", -80, 50.0)],
        ]
    )
    found = exposures(HALVES, events)
    assert (found.units.tolist(), found.arm.tolist(), found.since.tolist()) == (["a", "b"], [0, 1], [5, 5])
    spent = measure(dataclasses.replace(REVENUE, winsorised=1.0), events, found)
    assert {name: column.tolist() for name, column in spent.columns.items()} == {
        "outcome": [3, 2],
        "before": [10, 0],
    }
    clicked = measure(CTR, events, found)
    assert (clicked.columns["outcome"].tolist(), clicked.columns["impression events"].tolist()) == (
        [1, 0],
        [2, 1],
    )
    assert measure(CVR, events, found).columns["outcome"].tolist() == [1, 1]


def test_an_effect_is_found_and_said_with_its_interval() -> None:
    found = analyze(HALVES, BETTER)
    assert (found.outcome, found.distrust, found.refused) == ("better", [], {})
    assert found.verdict.startswith("Better: clicks an impression +")
    by_name = {row.declared.name: row for row in found.rows}
    clicks = by_name["clicks an impression"]
    assert clicks.relative is not None
    assert clicks.relative[0] < 0.4 < clicks.relative[1]
    assert by_name["revenue a user"].effect.variance_kept < 0.98
    assert by_name["revenue a user"].bound is not None
    assert all(row.holm is not None and row.holm >= row.effect.difference.p_value for row in found.rows)


def test_nothing_is_found_where_nothing_happened() -> None:
    found = analyze(HALVES, SAME)
    assert found.outcome == "no difference"
    assert "No difference was found: clicks an impression" in found.verdict


def test_arms_that_lost_users_are_not_trusted_whatever_they_show() -> None:
    kept = ~((BETTER.arm == "new") & (np.arange(len(BETTER)) % 3 > 0))
    gone = set(BETTER.unit[BETTER.arm == "new"][::2].tolist())
    found = analyze(HALVES, BETTER.where(kept & ~np.isin(BETTER.unit, sorted(gone))))
    assert found.outcome == "untrusted"
    assert found.sample_ratio.alarm
    assert (
        "The data can't be trusted: the arms don't hold the users that were planned (as-is " in found.verdict
    )


def test_users_in_two_arms_are_left_out_and_too_many_are_not_trusted() -> None:
    few = events_of([_shown("user-1", arm, 12) for arm in ("as-is", "new")])
    found = analyze(HALVES, joined(SAME, few))
    assert (found.outcome, found.left_out["in two arms"]) == ("no difference", 1)
    many = events_of([_shown(f"user-{n}", arm, 12) for arm in ("as-is", "new") for n in range(100)])
    found = analyze(HALVES, joined(SAME, many))
    assert found.outcome == "untrusted"
    assert "5.0% of the users saw two arms" in found.verdict


def test_an_experiment_that_was_edited_midway_is_not_trusted() -> None:
    found = analyze(dataclasses.replace(HALVES, salt="another"), SAME)
    assert found.outcome == "untrusted"
    assert "saw another arm than theirs: it was edited midway" in found.verdict


def test_users_who_acted_before_it_was_shown_are_told_and_too_many_not_trusted() -> None:
    early = ("click", 2.0, math.nan, "rerank", "as-is")
    one = events_of([("user-0", *early[:4], ARMS["user-0"])])
    found = analyze(HALVES, joined(SAME, one))
    assert (found.outcome, found.late) == ("no difference", 1)
    some = exposures(
        HALVES, events_of([_shown("a", "as-is", 3), ("a", *early), _shown("b", "new", 1), ("c", *early)])
    )
    assert some.late == 2
    many = events_of([(unit, *early[:4], arm) for unit, arm in list(ARMS.items())[:100]])
    assert (
        "5.0% of the users acted in it before it was shown to them"
        in analyze(HALVES, joined(SAME, many)).verdict
    )


def test_events_told_twice_count_once_and_forced_and_nameless_ones_not_at_all() -> None:
    once = [
        ("a", "click", 3.0, math.nan, "", "", "e1"),
        ("a", "click", 3.0, math.nan, "", "", "e2"),
        ("a", "click", 3.0),
    ]
    distinct, twice = events_of([*once, *once]).distinct()
    assert (distinct.event_id.tolist(), twice) == (["e1", "e2", ""], 3)
    # An id that stands at other items, kinds or visitors is none of an event.
    shared = [(unit, kind, 3.0, math.nan, "", "", "e1") for unit in "ab" for kind in ("click", "cart")]
    assert events_of(shared).distinct()[1] == 0
    tested = dataclasses.replace(HALVES, forced={"tester": "new"})
    more = events_of([_shown("tester", "new", 1), _shown("", "new", 1)])
    found = analyze(tested, joined(SAME, SAME.where(SAME.event_id != ""), more))
    assert found.left_out == {
        "in two arms": 0,
        "forced": 1,
        "exposures without an id": 1,
        "bots": 0,
        "events at no possible time": 0,
        "events told twice": int((SAME.event_id != "").sum()),
    }
    assert found.rows[0].effect == analyze(HALVES, SAME).rows[0].effect


def test_events_of_a_clock_that_was_never_set_are_left_out() -> None:
    """An exposure at the epoch would make all of a user's past an outcome."""
    unset = events_of([_shown("user-0", ARMS["user-0"], -20_000), ("user-1", "purchase", 27_000.0, 5.0)])
    found = analyze(HALVES, joined(SAME, unset))
    assert found.left_out["events at no possible time"] == 2
    assert [row.effect for row in found.rows] == [row.effect for row in analyze(HALVES, SAME).rows]
    assert events_of([("a", "click", 1.0), ("a", "click", 300.0)]).timely()[1] == 0
    assert events_of([("a", "click", 1.0), ("a", "click", 300.0)]).where(np.zeros(2, bool)).timely()[1] == 0


def test_a_guardrail_that_became_worse_is_harm_even_where_another_metric_is_better() -> None:
    returns = Declared("clicks a user", Measure("click"), better="down", guardrail=True)
    found = analyze(HALVES, BETTER, (CVR, returns))
    assert found.outcome == "harmed"
    assert found.verdict.startswith("A guardrail is harmed: clicks a user +")
    assert found.rows[1].holm is None
    assert analyze(HALVES, SAME, (CVR, returns)).outcome == "no difference"


def test_a_metric_that_went_the_wrong_way_is_worse() -> None:
    found = analyze(HALVES, BETTER, (dataclasses.replace(CTR, better="down"),))
    assert (found.outcome, found.verdict[:6]) == ("worse", "Worse:")


def test_at_an_early_look_only_what_is_beyond_its_bound_is_found_and_the_interval_is_wider() -> None:
    some = shop(lift=0.12, seed=3)
    last, early = (
        analyze(HALVES, some, (CTR,)),
        analyze(HALVES, some, (CTR,), Looks.spent((0.2,), obrien_fleming)),
    )
    assert (last.outcome, early.outcome) == ("better", "no difference")
    assert early.rows[0].interval[0] < last.rows[0].interval[0]


def test_a_metric_that_can_not_be_judged_says_why_and_the_others_are() -> None:
    broken = events_of([("user-1", "purchase", 12.0, math.nan)])
    found = analyze(HALVES, joined(SAME, broken))
    assert "have no price or a price that is no number" in found.refused["revenue a user"]
    assert found.verdict.endswith(". Not judged: revenue a user.")
    assert len(found.rows) == 2
    huge = events_of([("user-1", "purchase", 12.0, 1e300)])
    raw = dataclasses.replace(REVENUE, winsorised=1.0)
    assert "values such as 1e+300" in analyze(HALVES, joined(SAME, huge), (raw,)).refused["revenue a user"]
    nothing = Declared("returns a click", Measure("return"), Measure("review"))
    assert "add up to 0" in analyze(HALVES, SAME, (nothing,)).refused["returns a click"]


def test_an_arm_of_one_user_is_refused_and_its_sample_ratio_told() -> None:
    few = events_of([*(_shown(f"u{n}", "as-is", 1) for n in range(20)), _shown("v", "new", 1)])
    found = analyze(HALVES, few)
    assert found.outcome == "untrusted"
    assert "an arm of 1 users says nothing" in found.refused["users who buy"]


def test_a_log_of_another_experiment_or_with_an_unplanned_arm_is_refused() -> None:
    with pytest.raises(InputError, match="no event names the experiment 'other'"):
        analyze(Experiment("other", HALVES.arms), SAME)
    with pytest.raises(
        InputError, match="the arm 'newest' of 'rerank', which isn't planned; there are: as-is, new"
    ):
        analyze(HALVES, events_of([_shown("a", "newest", 1)]))
    with pytest.raises(InputError, match="names that differ"):
        analyze(HALVES, SAME, (CTR, CTR))


def test_events_without_times_or_of_unequal_columns_are_refused() -> None:
    with pytest.raises(InputError, match="1 events without a time"):
        events_of([("a", "click", math.nan)])
    one = events_of([("a", "click", 1.0)])
    with pytest.raises(InputError, match="a value of each for every event"):
        Events(**{**vars(one), "arm": np.array(["x", "y"])})


def test_three_arms_are_each_compared_with_the_first() -> None:
    thirds = Experiment("rerank", (Arm("as-is", 0.4), Arm("new", 0.3), Arm("newer", 0.3)))
    found = analyze(thirds, shop(experiment=thirds, lift=0.5, seed=5), (CTR, CVR))
    assert [(row.declared.name, row.arm) for row in found.rows] == [
        (name, arm) for name in ("clicks an impression", "users who buy") for arm in ("new", "newer")
    ]
    assert "in new" in found.verdict
    assert "in newer" not in found.verdict


def test_what_is_apart_by_itself_and_not_among_all_metrics_is_said_to_be_so() -> None:
    """The smallest of three p-values is by Holm's three times itself."""
    some = shop(users=800, lift=0.2, seed=5)
    buyers = Declared("buyers", Measure("purchase", "any"), adjusted=False)
    nothing = [dataclasses.replace(buyers, name=f"views {n}", measure=Measure("impression")) for n in "ab"]
    alone = analyze(HALVES, some, (buyers,)).rows[0]
    assert 0.05 / 3 < alone.effect.difference.p_value < 0.05
    assert (alone.apart, alone.found) == ("better", "better")
    found = analyze(HALVES, some, (buyers, *nothing))
    assert (found.outcome, found.rows[0].apart, found.rows[0].found) == ("no difference", "better", "nothing")
    assert found.rows[0].holm == pytest.approx(3 * alone.effect.difference.p_value)
    assert " in new (apart from 0 by itself, not among all that was compared: p = 0." in found.verdict


def test_where_no_metric_can_be_judged_nothing_is_said_of_the_arms() -> None:
    nothing = Declared("returns a click", Measure("return"), Measure("review"))
    found = analyze(HALVES, SAME, (nothing,))
    assert (found.outcome, found.rows) == ("untrusted", [])
    assert (
        "no metric can be judged (returns a click: outcome over review events: an arm's review events add up to 0"
        in found.verdict
    )
