"""The windows that the ranking head learns from: nothing of the test window, no user on both sides."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from aisle.model.ranking import questions
from aisle.model.ranking.candidates import _rows
from aisle.model.ranking.questions import Question, draw, recommendations, searches, windows
from aisle.model.retrieval.features import CANDIDATE_FEATURES
from aisle.schema.tables import MICROSECONDS_PER_DAY as DAY

SPLITS: dict[str, int | str] = {
    "eval_start": 200 * DAY, "test_start": 230 * DAY, "end": 260 * DAY, "goal": "purchase"
}  # fmt: skip


def interactions(first: int = 0) -> pl.DataFrame:
    rows = [(f"u{user}", "i", day * DAY) for user in range(50) for day in range(first, 260, 5)]
    frame = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    return frame.with_columns(event=pl.lit("purchase"))


def test_training_windows_end_where_the_test_begins() -> None:
    test, *training = windows(interactions(), SPLITS, 7)
    assert (test.start, test.end) == (230 * DAY, 260 * DAY)
    assert [window.start // DAY for window in training] == [200, 185, 170, 155, 140, 125, 110]
    assert all(window.end <= test.start and window.end - window.start == 30 * DAY for window in training)
    assert [window.unseen for window in training] == [True] + [False] * 6


def test_a_young_shop_has_fewer_windows() -> None:
    assert [w.start // DAY for w in windows(interactions(150), SPLITS, 7)] == [230, 200, 185]


def test_a_shop_with_judgements_alone_has_one_window_for_its_queries() -> None:
    nothing = {"eval_start": 0, "test_start": 0, "end": 0, "goal": "judgement"}
    (window,) = windows(interactions().clear(), nothing, 7)
    assert (window.split, window.unseen) == ("eval", True)


def test_users_that_validate_train_in_no_window() -> None:
    found_windows = windows(interactions(), SPLITS, 3)
    known = {f"u{user}" for user in range(50)}
    found = [
        recommendations(interactions(), w, "eval", "purchase", known, {"i": 0}) for w in found_windows[1:]
    ]
    validating = {question.user for question in found[0] if question.split == "eval"}
    assert validating
    assert validating.isdisjoint(
        question.user for part in found for question in part if question.split == "train"
    )
    assert all(question.split == "train" for question in found[1])


def test_only_what_was_bought_inside_the_window_is_a_hit() -> None:
    rows = pl.DataFrame(
        [
            ("u", "before", 199 * DAY),
            ("u", "in", 200 * DAY),
            ("u", "after", 230 * DAY),
            ("new", "in", 201 * DAY),
        ],
        schema=["user_id", "item_id", "timestamp"],
        orient="row",
    ).with_columns(event=pl.lit("purchase"))
    window = windows(interactions(), SPLITS, 1)[1]
    (question,) = recommendations(rows, window, "eval", "purchase", {"u"}, {"before": 0, "in": 1, "after": 2})
    assert question.outcomes == {1: (-1.0, 1.0)}
    assert question.otherwise == (-1.0, 0.0)


def test_a_results_weight_and_click_go_with_it_and_what_was_not_shown_weighs_one() -> None:
    shown = pl.DataFrame(
        {
            "query": ["mug"] * 3, "user_id": ["u"] * 3, "timestamp": [7] * 3, "split": ["eval"] * 3,
            "item_id": ["a", "gone", "b"], "click": [0.5, 0.0, 0.0], "purchase": [0.0, 0.0, -1.0],
            "clicked": [1.0, 0.0, 0.0], "weight": [2.5, 9.0, 0.4],
        }
    )  # fmt: skip
    (question,) = searches({"impressions": shown}, "eval", {"b": 0, "a": 1})
    assert question.outcomes == {1: (0.5, 0.0), 0: (0.0, -1.0)}
    numbers = np.zeros((3, len(CANDIDATE_FEATURES)), np.float32)
    asked = {**question.outcomes, 2: (0.0, -1.0)}
    rows = _rows(question, asked, (b"mug", b"", np.array([b"a", b"b", b"c"], object)), numbers)
    np.testing.assert_allclose(rows["weight"], [2.5, 0.4, 1.0])
    assert rows["clicked"].tolist() == [1.0, 0.0, -1.0]
    assert rows["label"].tolist() == [1.0, 0.0, 0.0]


def test_a_page_without_a_click_validates_and_tests_but_trains_nothing() -> None:
    queries = [f"mug {number}" for number in range(50)]
    shown = pl.DataFrame({"query": queries}).with_columns(
        user_id=pl.lit(""), timestamp=pl.lit(7), split=pl.lit("eval"), item_id=pl.lit("a"), click=pl.lit(0.0),
        purchase=pl.lit(0.0), clicked=pl.lit(0.0), weight=pl.lit(1.0),
    )  # fmt: skip
    found = searches({"impressions": shown}, "eval", {"a": 0})
    assert {question.split for question in found} == {"eval"}
    assert all(question.outcomes == {0: (0.0, 0.0)} for question in found)
    tested = searches({"impressions": shown.with_columns(split=pl.lit("test"))}, "test", {"a": 0})
    assert len(tested) == len(queries)


def test_only_the_questions_that_are_drawn_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def counted(query: str, *others: Any, **told: Any) -> Question:
        made.append(query)
        return Question(query, *others, **told)

    monkeypatch.setattr(questions, "Question", counted)
    pages = pl.DataFrame({"query": [f"mug {number}" for number in range(40)]}).with_columns(
        user_id=pl.lit(""), timestamp=pl.lit(7), split=pl.lit("test"), item_id=pl.lit("a"), click=pl.lit(1.0),
        purchase=pl.lit(0.0), clicked=pl.lit(1.0), weight=pl.lit(1.0),
    )  # fmt: skip
    found = searches({"impressions": pages}, "test", {"a": 0})
    drawn = draw(found, 3, np.random.default_rng(1))
    assert len(found) == 40
    assert made == [question.query for question in drawn]
    every = list(searches({"impressions": pages}, "test", {"a": 0}))
    assert drawn == draw(every, 3, np.random.default_rng(1))  # As if all had been made.
