"""Moments within a window at which the head's training asks again, by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from aisle.model.ranking.moments import Moment, as_inputs, draw_moments
from aisle.model.ranking.questions import Window, later
from aisle.schema.splits import EVAL, TRAIN, tenth

SECOND = 1_000_000
TOOK = pl.DataFrame(
    [
        ("ann", "mug", "click", 10),
        ("ann", "lamp", "purchase", 100),
        ("ann", "rope", "purchase", 130),
        ("ann", "mug", "purchase", 130),
        ("bob", "lamp", "purchase", 110),
        ("bob", "mug", "purchase", 110),
        ("cid", "rope", "click", 120),
        ("cid", "rope", "purchase", 150),
        ("cid", "gone", "purchase", 900),
        ("", "mug", "purchase", 140),
    ],
    schema=["user_id", "item_id", "event", "seconds"],
    orient="row",
).with_columns(timestamp=pl.col("seconds").cast(pl.Int64) * SECOND)
MINUTE = 1 / 1440
START, END = 100 * SECOND, 200 * SECOND


def drawn(seed: int, most: int = 10) -> tuple[dict[str, Moment], pl.DataFrame]:
    return draw_moments(TOOK, START, END, most, MINUTE, np.random.default_rng(seed))


def test_a_moment_is_a_later_one_of_the_window_with_what_came_before_in_it() -> None:
    found = [drawn(seed)[0] for seed in range(60)]
    # Ann's click is before the window, and known then. Of her order's two items either may come first, or both be bought.
    assert {moments["ann"] for moments in found} == {
        Moment(130 * SECOND, (("lamp", "purchase", 30.0),)),
        Moment(130 * SECOND, (("lamp", "purchase", 30.0), ("rope", "purchase", 0.0))),
        Moment(130 * SECOND, (("lamp", "purchase", 30.0), ("mug", "purchase", 0.0))),
    }
    assert {moments["bob"] for moments in found} == {
        Moment(110 * SECOND, (("lamp", "purchase", 0.0),)),
        Moment(110 * SECOND, (("mug", "purchase", 0.0),)),
    }
    assert {moments["cid"] for moments in found} == {Moment(150 * SECOND, (("rope", "click", 30.0),))}
    assert all(set(moments) == {"ann", "bob", "cid"} for moments in found)


def test_so_many_users_are_drawn_and_none_where_nobody_came_again() -> None:
    assert {tuple(drawn(seed, most=1)[0]) for seed in range(20)} == {("ann",), ("bob",), ("cid",)}
    for events, end in ((TOOK, 101 * SECOND), (TOOK.clear(), END)):
        moments, after = draw_moments(events, START, end, 10, MINUTE, np.random.default_rng(1))
        assert (moments, len(after)) == ({}, 0)


@given(seed=st.integers(0, 2**32 - 1))
def test_each_event_of_the_window_is_either_told_or_still_to_come(seed: int) -> None:
    moments, after = drawn(seed)
    for user, moment in moments.items():
        mine = TOOK.filter(
            (pl.col("user_id") == user) & (pl.col("timestamp") >= START) & (pl.col("timestamp") < END)
        )
        told = [(item, kind, moment.now - int(age * SECOND)) for item, kind, age in moment.events]
        to_come = after.filter(pl.col("user_id") == user).select("item_id", "event", "timestamp").rows()
        assert sorted([*told, *to_come]) == sorted(mine.select("item_id", "event", "timestamp").rows())
        assert told and to_come
        assert max(at for *_, at in told) <= moment.now == min(at for *_, at in to_come)


def test_what_was_taken_from_the_moment_on_is_the_outcome_and_what_came_before_is_not() -> None:
    rows = {"mug": 0, "lamp": 1, "rope": 2}

    def asked(window: Window, seed: int) -> dict[str, set[int]]:
        questions = later(TOOK, window, "purchase", 10, MINUTE, rows, np.random.default_rng(seed))
        bought = {question.user: question.outcomes for question in questions}
        assert all(value == (-1.0, 1.0) for outcomes in bought.values() for value in outcomes.values())
        return {user: set(outcomes) for user, outcomes in bought.items()}

    found = [asked(Window(START, END, EVAL, unseen=True), seed) for seed in range(60)]
    assert {frozenset(one["ann"]) for one in found} == {frozenset({0, 2}), frozenset({0}), frozenset({2})}
    assert {frozenset(one["bob"]) for one in found} == {frozenset({0}), frozenset({1})}
    # The click on the rope led to a purchase, of which nothing was known at the moment.
    assert {frozenset(one["cid"]) for one in found} == {frozenset({2})}
    # Of a window before, those users alone that don't validate.
    trains = asked(Window(START, END, TRAIN, unseen=False), 1)
    assert set(trains) == {user for user in ("ann", "bob", "cid") if tenth(user)}


def test_what_is_taken_at_a_later_visit_is_a_miss_of_this_one() -> None:
    rows = {"mug": 0, "lamp": 1, "rope": 2}
    window = Window(START, END, EVAL, unseen=True)
    hit, miss = (-1.0, 1.0), (-1.0, 0.0)
    # Dan's visits: a click, the lamp and the mug, and half a minute after them, which may be a pause or none, the rope.
    took = pl.DataFrame(
        [
            ("dan", "lamp", "click", 100),
            ("dan", "lamp", "purchase", 101),
            ("dan", "mug", "purchase", 102),
            ("dan", "rope", "purchase", 132),
        ],
        schema=["user_id", "item_id", "event", "seconds"],
        orient="row",
    ).with_columns(timestamp=pl.col("seconds").cast(pl.Int64) * SECOND)

    def outcomes(gap: float) -> dict[int, dict[int, tuple[float, float]]]:
        """By how many events were told."""
        asked = [
            later(took, window, "purchase", 10, gap, rows, np.random.default_rng(seed)) for seed in range(40)
        ]
        return {len(question.moment.events): question.outcomes for (question,) in asked}

    assert outcomes(MINUTE / 4) == {1: {1: hit, 0: hit, 2: miss}, 2: {0: hit, 2: miss}, 3: {2: hit}}
    assert outcomes(MINUTE) == {1: {1: hit, 0: hit, 2: hit}, 2: {0: hit, 2: hit}, 3: {2: hit}}


def test_a_question_of_the_windows_start_has_no_recent_events() -> None:
    items, kinds, ages, now = as_inputs([Moment(), Moment()])
    assert items.shape == kinds.shape == ages.shape == (2, 0)
    assert now.numpy().tolist() == [0.0, 0.0]
