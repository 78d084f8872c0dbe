"""What was taken of interleaved answers, credited to the ranking that gave it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from aisle.experiments.analysis.analyze import analyze
from aisle.experiments.analysis.credits import credits
from aisle.experiments.analysis.events import Events
from aisle.experiments.analysis.interleaved import preferred
from aisle.experiments.assignment.experiment import Arm, Experiment
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
    assert found.noted["events that name no answer, credited by visitor and item"] == 3


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


def test_what_nobody_was_shown_and_arms_compared_of_who_saw_both_are_refused() -> None:
    with pytest.raises(InputError, match="no impression names the experiment 'rerank'"):
        credits(MIXED, _log(("ann", "click", "r1", "mug", "")), "click")
    with pytest.raises(InputError, match="'rerank' is interleaved"):
        analyze(MIXED, _log(*ANSWER))
