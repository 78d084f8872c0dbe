"""One visitor under two ids: anonymous at first and known later, or several to a session."""

from __future__ import annotations

import dataclasses

import numpy as np

from aisle.experiments.analysis.analyze import analyze
from aisle.experiments.analysis.events import Events
from aisle.experiments.analysis.identity import recognised
from tests.experiments.shop import HALVES, events_of, joined, shop

SAME = shop(users=300)
ARMS = {unit: found.arm.name for unit in set(SAME.unit.tolist()) if (found := HALVES.assign(unit))}


def _visits(*rows: tuple[str, str, str, str]) -> Events:
    """Impressions on a day each, by user, session, experiment and arm."""
    found = events_of(
        [
            (user, "impression", 20.0 + day, np.nan, experiment, arm)
            for day, (user, _, experiment, arm) in enumerate(rows)
        ]
    )
    return dataclasses.replace(found, other_unit=np.array([session for _, session, _, _ in rows]))


def test_what_a_session_did_before_its_user_was_known_is_the_users() -> None:
    events = _visits(
        ("", "s1", "", ""), ("ann", "s1", "", ""), ("", "s1", "", ""), ("", "s2", "", ""), ("", "", "", "")
    )
    found, which = recognised(events)
    assert found.unit.tolist() == ["ann", "ann", "ann", "", ""]
    assert which.tolist() == [True, False, True, False, False]


def test_a_session_of_two_users_is_nobodys() -> None:
    events = _visits(("", "s1", "", ""), ("ann", "s1", "", ""), ("bob", "s1", "", ""))
    assert recognised(events)[0].unit.tolist() == ["", "ann", "bob"]
    assert not recognised(SAME)[1].any()


def test_who_was_anonymous_at_first_is_one_user_from_then_on_and_in_two_arms_where_these_differ() -> None:
    own = ARMS["user-0"]
    other = {"as-is": "new", "new": "as-is"}
    unseen = SAME.where((SAME.unit != "user-0") & (SAME.unit != "user-1"))
    same = _visits(("", "s0", "rerank", own), ("user-0", "s0", "rerank", own))
    found = analyze(HALVES, joined(unseen, same))
    assert (found.left_out["exposures without an id"], found.left_out["in two arms"]) == (0, 0)
    assert found.noted == {"first seen before they were known": 1, "sessions in two arms": 0}
    assert sum(found.sample_ratio.users.values()) == len(ARMS) - 1
    apart = _visits(("", "s1", "rerank", other[ARMS["user-1"]]), ("user-1", "s1", "rerank", ARMS["user-1"]))
    found = analyze(HALVES, joined(unseen, same, apart))
    assert (found.left_out["in two arms"], found.noted["sessions in two arms"]) == (1, 1)


def test_users_whose_sessions_are_assigned_apart_are_told() -> None:
    sessions = dataclasses.replace(HALVES, unit="session_id")
    by_arm = {arm: unit for unit, arm in ARMS.items()}
    # The users of the two sessions stand in the other column.
    both = _visits(
        (by_arm["as-is"], "ann", "rerank", "as-is"),
        (by_arm["new"], "ann", "rerank", "new"),
        (by_arm["new"], "bob", "rerank", "new"),
    )
    found = analyze(sessions, joined(SAME, both))
    assert found.noted == {"first seen before they were known": 0, "users by their sessions in two arms": 1}
