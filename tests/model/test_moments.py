"""Moments within a window at which the head's training asks again, by hand."""

from __future__ import annotations

import numpy as np
import polars as pl

from aisle.model.ranking.candidates import _later, _Window
from aisle.model.ranking.moments import Moment, as_inputs, draw_moments
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
START, END = 100 * SECOND, 200 * SECOND


def test_a_moment_is_a_later_one_of_the_window_with_what_came_before_in_it() -> None:
    moments = draw_moments(TOOK, START, END, 10, np.random.default_rng(1))
    # Ann's click is before the window, and known then; Bob took things at one time alone.
    assert moments == {
        "ann": Moment(130 * SECOND, (("lamp", "purchase", 30.0),)),
        "cid": Moment(150 * SECOND, (("rope", "click", 30.0),)),
    }


def test_so_many_users_are_drawn_and_none_where_nobody_came_again() -> None:
    drawn = {tuple(draw_moments(TOOK, START, END, 1, np.random.default_rng(seed))) for seed in range(20)}
    assert drawn == {("ann",), ("cid",)}
    assert draw_moments(TOOK, START, 120 * SECOND, 10, np.random.default_rng(1)) == {}
    assert draw_moments(TOOK.clear(), START, END, 10, np.random.default_rng(1)) == {}


def test_what_was_taken_from_the_moment_on_is_the_outcome_and_what_came_before_is_not() -> None:
    rows = {"mug": 0, "lamp": 1, "rope": 2}
    window = _Window(START, END, EVAL, unseen=True)
    questions = _later(TOOK, window, "purchase", 10, rows, np.random.default_rng(1))
    assert {question.user: question.outcomes for question in questions} == {
        "ann": {0: (-1.0, 1.0), 2: (-1.0, 1.0)},
        "cid": {2: (-1.0, 1.0)},
    }
    assert {question.user: question.moment.now // SECOND for question in questions} == {
        "ann": 130,
        "cid": 150,
    }
    # Of a window before, those users alone that don't validate.
    trains = _later(
        TOOK, _Window(START, END, TRAIN, unseen=False), "purchase", 10, rows, np.random.default_rng(1)
    )
    assert {question.user for question in trains} == {user for user in ("ann", "cid") if tenth(user)}


def test_a_question_of_the_windows_start_has_no_recent_events() -> None:
    items, kinds, ages, now = as_inputs([Moment(), Moment()])
    assert items.shape == kinds.shape == ages.shape == (2, 0)
    assert now.numpy().tolist() == [0.0, 0.0]
