"""A part is kept where it surely wins, and nowhere else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from aisle.model.gain import LEAST, Gain, ndcg_of


def test_a_gain_on_every_question_is_sure_and_one_by_chance_is_not() -> None:
    chance = np.random.default_rng(1).normal(0.0, 1.0, 400)
    assert Gain.of("head", chance + 0.1, chance).on
    assert not Gain.of("head", chance, np.zeros(400)).on
    assert not Gain.of("head", chance - 0.1, chance).on


def test_a_gain_on_few_questions_is_off_and_says_so() -> None:
    found = Gain.of("head", np.ones(LEAST - 1), np.zeros(LEAST - 1))
    assert not found.on and found.questions == LEAST - 1
    assert "too few" in found.why


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=2, max_size=8), min_size=1, max_size=5
    )
)
def test_ndcg_is_that_of_scikit_learn(lists: list[list[tuple[int, bool]]]) -> None:
    # Scores differ, so that no tie has to be broken.
    scored = [[(score + place / 100, good) for place, (score, good) in enumerate(one)] for one in lists]
    flat = [(number, score, good) for number, one in enumerate(scored) for score, good in one]
    question, score, good = (np.array(column) for column in zip(*flat, strict=True))
    expected = [
        ndcg_score([[float(good) for _, good in one]], [[score for score, _ in one]])
        for one in scored
        if any(good for _, good in one)
    ]
    np.testing.assert_allclose(ndcg_of(question, score, good), expected, atol=1e-12)


def test_no_questions_at_all_are_too_few() -> None:
    assert not Gain.of("worth", np.zeros(0), np.zeros(0)).on
