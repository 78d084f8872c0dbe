"""What was taken of interleaved answers, credited to the ranking that gave it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.experiments.analysis.analyze import analyze
from aisle.experiments.analysis.credits import credits
from aisle.experiments.analysis.events import Events
from aisle.experiments.analysis.interleaved import preferred
from aisle.experiments.assignment.experiment import Arm, Experiment
from aisle.experiments.statistics.preference import preference
from aisle.schema.errors import InputError
from tests.experiments.shop import events_of

MIXED = Experiment("rerank", (Arm("as-is", 0.5), Arm("new", 0.5, label="canary")), interleaved=True)


def _log(*rows: tuple[str, str, str, str, str]) -> Events:
    """Events by user, kind, request, item and arm; what has an arm, or is shown, names the experiment."""
    found = events_of(
        [
            (user, kind, float(day), np.nan, "rerank" if kind == "impression" else "", arm)
            for day, (user, kind, _, _, arm) in enumerate(rows)
        ]
    )
    return dataclasses.replace(
        found, request_id=np.array([row[2] for row in rows]), item_id=np.array([row[3] for row in rows])
    )


ANSWER = [
    ("ann", "impression", "r1", "mug", ""),
    ("ann", "impression", "r1", "cup", "as-is"),
    ("ann", "impression", "r1", "pan", "new"),
    ("bob", "impression", "r2", "pan", "as-is"),
]


def test_what_is_taken_is_credited_by_its_answer_and_once() -> None:
    taken = [
        ("ann", "click", "r1", "mug", ""),  # Both had it.
        ("ann", "click", "r1", "pan", ""),
        ("", "click", "r1", "pan", ""),  # The same again, whoever tells it.
        ("ann", "purchase", "r1", "cup", ""),
        ("bob", "click", "r1", "pot", ""),  # Not of the answer.
        ("eve", "click", "", "pan", ""),  # Of no answer, and nobody whom it was shown to.
    ]
    users, clicks = credits(MIXED, _log(*ANSWER, *taken), "click")
    assert (users.tolist(), clicks.tolist()) == (["ann", "bob"], [[0, 1], [0, 0]])
    assert credits(MIXED, _log(*ANSWER, *taken), "purchase")[1].tolist() == [[1, 0], [0, 0]]
    tested = dataclasses.replace(MIXED, forced={"ann": "new"})
    assert credits(tested, _log(*ANSWER, *taken), "click")[0].tolist() == ["bob"]


def test_what_names_no_answer_is_credited_to_the_last_that_showed_its_visitor_the_item() -> None:
    shown = [
        ("ann", "impression", "r1", "pan", "new"),
        ("ann", "impression", "r1", "cup", "as-is"),
        ("bob", "impression", "r2", "pan", "as-is"),
        ("ann", "impression", "r3", "pan", "as-is"),
        ("cat", "impression", "r4", "pan", "new"),
        ("cat", "impression", "r5", "pan", ""),  # Of both, or of no experiment: the last one counts.
    ]
    taken = [
        ("ann", "click", "", "pan", ""),
        ("ann", "click", "", "pan", ""),  # The same again.
        ("ann", "click", "", "pot", ""),  # Not shown.
        ("bob", "click", "", "cup", ""),  # Not to them.
        ("cat", "click", "", "pan", ""),
        ("", "click", "", "pan", ""),  # Of nobody.
        ("bob", "click", "", "pan", ""),
    ]
    log = _log(*shown, *taken)
    log = dataclasses.replace(log, day=log.day / 20)  # Within half a day.
    users, clicks = credits(MIXED, log, "click")
    assert (users.tolist(), clicks.tolist()) == (["ann", "bob", "cat"], [[1, 0], [1, 0], [0, 0]])
    found = preferred(MIXED, log)
    assert found.preferred[0].by_item == 3
    assert found.verdict.endswith(" 3 of the events name no answer and are credited by visitor and item.")


@pytest.mark.parametrize(("after", "credited"), [(-0.1, 0), (0.0, 1), (1.0, 1), (1.01, 0)])
def test_what_names_no_answer_follows_one_for_a_day(after: float, credited: int) -> None:
    log = _log(("ann", "impression", "r1", "pan", "new"), ("ann", "purchase", "", "pan", ""))
    log = dataclasses.replace(log, day=np.array([5.0, 5.0 + after]))
    assert credits(MIXED, log, "purchase")[1].tolist() == [[0, credited]]


def test_the_ranking_that_more_users_take_from_is_preferred_by_the_sign_test() -> None:
    rows = []
    for number in range(12):
        shown = [(item, arm) for item, arm in (("cup", "as-is"), ("pan", "new"))]
        rows += [(f"u{number}", "impression", f"r{number}", item, arm) for item, arm in shown]
        rows.append((f"u{number}", "click", f"r{number}", "cup" if number < 1 else "pan", ""))
    found = preferred(MIXED, _log(*rows))
    (clicks,) = found.preferred
    # Of 12 users one prefers the control: 2 (1 + 12) / 2^12.
    assert clicks.preference.p_value == pytest.approx(26 / 4096)
    assert (found.users, clicks.preference.wins, found.outcome) == (12, (1, 11), "better")
    assert found.verdict.startswith("Users prefer new: 11 users have more click events of new, 1 of as-is")
    assert preferred(MIXED, _log(*rows[:9])).verdict.startswith("No preference was found")


def _answers(users: int, late: bool = False) -> list[tuple[str, str, str, str, str]]:
    """Each user is shown a cup and a pan, of either ranking, and clicks one."""
    rows = []
    for number in range(users):
        answer = (f"u{number}", f"r{number}")
        shown = [
            (answer[0], "impression", answer[1], item, arm)
            for item, arm in (("cup", "as-is"), ("pan", "new"))
        ]
        click = (answer[0], "click", answer[1], ("cup", "pan")[number % 2], "")
        rows += [click, *shown] if late else [*shown, click]
    return rows


def test_a_log_that_can_not_be_right_is_not_trusted() -> None:
    fine = preferred(MIXED, _log(*_answers(60)))
    assert (fine.outcome, fine.distrust, fine.uneven) == ("no difference", [], (0, 0))
    late = preferred(
        MIXED,
        _log(
            *_answers(60),
            *[
                (f"v{user[1:]}", kind, f"v{request}", item, arm)
                for user, kind, request, item, arm in _answers(2, late=True)
            ],
        ),
    )
    assert late.late == 2
    assert "3.2% of the users took an item before it was shown to them" in late.verdict
    more = [("pot", "as-is"), ("jug", "as-is")]
    uneven = preferred(
        MIXED,
        _log(*_answers(20), *[(f"u{n}", "impression", f"r{n}", *one) for n in range(20) for one in more]),
    )
    assert uneven.uneven == (20, 0)
    assert (
        "answers hold more items of as-is in 20, of new in 0, where a toss decides (p = 1.9e-06)"
        in uneven.verdict
    )
    both = preferred(MIXED, _log(*_answers(20), ("u1", "impression", "r1", "cup", "new")))
    assert "5.0% of the users have items that the log says both rankings gave" in both.verdict
    edited = preferred(dataclasses.replace(MIXED, coverage=0.5), _log(*_answers(60)))
    assert edited.outcome == "untrusted" and "aren't of it: it was edited midway" in edited.verdict


def test_several_kinds_of_event_are_judged_together() -> None:
    rows = _answers(20)
    clicks = [row for row in rows if row[1] != "click" or row[3] == "pan"]
    one, (click, bought) = (
        preferred(MIXED, _log(*clicks)),
        preferred(MIXED, _log(*clicks), ("click", "purchase")).preferred,
    )
    assert one.preferred[0].preference.wins == (0, 10)
    assert (one.preferred[0].holm, click.holm) == pytest.approx((2 / 2**10, 4 / 2**10))
    assert (click.found, bought.found, bought.interval) == ("better", "nothing", (0.0, 1.0))


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0.01, 0.5))
def test_the_share_that_prefers_is_apart_from_one_half_just_where_the_sign_test_says(
    control: int, treatment: int, alpha: float
) -> None:
    found = preference([*[(1, 0)] * control, *[(0, 1)] * treatment, (0, 0), (0, 0)])
    low, high = found.interval(1 - alpha)
    if abs(found.p_value - alpha) > 1e-9:
        assert (low > 0.5 or high < 0.5) == (found.p_value < alpha)


def test_answers_in_which_both_rankings_are_alike_find_no_preference() -> None:
    alike = [row[:4] + ("",) for row in _answers(10)]
    assert preferred(MIXED, _log(*alike)).verdict.startswith("No preference was found: 0 users have")


def test_bots_are_left_out_of_credits() -> None:
    crawler = [("bot", "click", f"b{number}", "pan", "") for number in range(30)]
    shown = ("bot", "impression", "b1", "pan", "new")
    log = _log(*_answers(60), shown, *crawler)
    log = dataclasses.replace(
        log, day=np.where(log.unit == "bot", 300 + np.arange(len(log)) / 86_400 / 9, log.day)
    )
    found, kept = preferred(MIXED, log), preferred(MIXED, log, keep_bots=True)
    assert (found.left_out["bots"], found.users, kept.noted["bots"], kept.users) == (1, 60, 1, 61)


def test_what_nobody_was_shown_and_arms_compared_of_who_saw_both_are_refused() -> None:
    with pytest.raises(InputError, match="no impression names the experiment 'rerank'"):
        credits(MIXED, _log(("ann", "click", "r1", "mug", "")), "click")
    with pytest.raises(InputError, match="'rerank' is interleaved"):
        analyze(MIXED, _log(*ANSWER))
    with pytest.raises(InputError, match="'rerank' isn't interleaved; compare its arms"):
        preferred(dataclasses.replace(MIXED, interleaved=False), _log(*ANSWER))
    with pytest.raises(InputError, match="no impression of 'rerank' has a request_id; log it"):
        preferred(MIXED, _log(*[(user, kind, "", item, arm) for user, kind, _, item, arm in ANSWER]))
