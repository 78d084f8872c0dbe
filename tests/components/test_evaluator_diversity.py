"""Diversity, Gini and miscalibration, by hand and against plain Python."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import entropy

from aisle.components.evaluator.measures.diversity import (
    Contents,
    gini,
    intra_list_diversity,
    miscalibration,
)
from aisle.components.evaluator.measures.systems import spread
from tests.components.test_evaluator_exposure import protocol

ITEMS = 5
ANSWERS = st.lists(st.lists(st.integers(-1, ITEMS - 1), min_size=4, max_size=4), min_size=1, max_size=5).map(
    np.array
)


def test_items_without_a_common_word_are_wholly_unlike_and_the_same_words_not_at_all() -> None:
    test = protocol([1] * 4, [[1, 0, 0, 0]])
    table = pa.table(
        {
            "item_id": ["i0", "i1", "i2", "i3"],
            "title": ["red mug", "Red MUG", "blue lamp", ""],
            "brand": ["acme", "acme", None, None],
        }
    )
    contents = Contents.of(test, table)
    answers = np.array([[0, 1, -1], [0, 2, -1], [0, 1, 2], [0, 0, -1], [3, 0, 3]])
    found = intra_list_diversity(answers, contents.words)
    # Of three, one pair of three is the same; an item twice is one item; nothing is said of the last.
    assert found[[0, 1, 2, 4]].tolist() == pytest.approx([0.0, 1.0, 2 / 3, 1.0])
    assert math.isnan(found[3])
    assert contents.interests is None
    silent = Contents.of(test, pa.table({"item_id": ["i0", "i1", "i2", "i3"]}))
    assert intra_list_diversity(answers[:1], silent.words).tolist() == [1.0]


def test_titles_without_spaces_are_alike_by_pairs_of_letters() -> None:
    titles = ["红色手机壳", "黑色手机壳", "不锈钢水壶"]
    contents = Contents.of(
        protocol([1] * 3, [[1, 0, 0]]), pa.table({"item_id": ["i0", "i1", "i2"], "title": titles})
    )
    cases, other = intra_list_diversity(np.array([[0, 1], [0, 2]]), contents.words)
    assert cases < 0.6
    assert other == pytest.approx(1.0)


@given(ANSWERS, st.integers(0, 99))
def test_diversity_is_the_mean_over_pairs(answers: np.ndarray, seed: int) -> None:
    vectors = np.abs(np.random.default_rng(seed).normal(size=(ITEMS, 3)))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for row, found in zip(
        answers.tolist(), intra_list_diversity(answers, sparse.csr_matrix(vectors)), strict=True
    ):
        pairs = list(itertools.combinations({item for item in row if item >= 0}, 2))
        expected = [1 - vectors[one] @ vectors[other] for one, other in pairs]
        assert found == pytest.approx(np.mean(expected), abs=1e-9) if pairs else math.isnan(found)


def test_gini_is_0_of_equals_and_near_1_of_one_item_alone() -> None:
    assert gini(np.full(4, 3.0)) == pytest.approx(0.0)
    assert gini(np.array([0.0, 0.0, 0.0, 2.0])) == pytest.approx(0.75)
    assert gini(np.zeros(3)) is None


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any))
def test_gini_is_half_the_mean_difference_of_all_pairs(values: list[int]) -> None:
    shown = np.array(values, float)
    differences = np.abs(shown[:, None] - shown).mean()
    assert gini(shown) == pytest.approx(differences / (2 * shown.mean()))


def test_an_answer_of_the_shares_of_the_history_is_calibrated() -> None:
    interests = sparse.csr_matrix(np.array([[1, 0], [1, 0], [1, 0], [0, 1], [0, 1]], float))
    taken = sparse.csr_matrix(np.array([[1, 1, 0, 1, 0]] * 3 + [[0] * 5], float))
    answers = np.array([[0, 2, 4, -1], [0, 1, 2, -1], [-1, -1, -1, -1], [0, 1, 2, 3]])
    found = miscalibration(answers, taken, interests)
    assert found[0] == pytest.approx(0.0)
    own, given = np.array([2 / 3, 1 / 3]), np.array([1.0, 0.0])
    assert found[1] == pytest.approx(entropy(own, 0.99 * given + 0.01 * own))
    assert np.isnan(found[2:]).all()


def test_a_system_is_told_of_all_three() -> None:
    test = protocol([1, 1, 1], [[1, 0, 0], [0, 1, 0]])
    table = pa.table(
        {
            "item_id": ["i0", "i1", "i2"],
            "title": ["mug", "mug", "lamp"],
            "category": ["home/mugs", "home", "x"],
        }
    )
    contents = Contents.of(test, table)
    found = spread(test, np.array([[0, 2], [0, 2]]), np.arange(2), contents)
    # Attention of 0, 2 / log2(3) and 2, in this order -2, 0 and 2 times.
    assert found["gini"] == pytest.approx(4 / (3 * (2 + 2 / math.log2(3))))
    assert found["diversity"] == 1.0
    # Two of three that were taken are of `home`, and one of two that are answered.
    own = np.array([2 / 3, 1 / 3])
    assert found["miscalibration"] == pytest.approx(entropy(own, 0.99 * 0.5 + 0.01 * own))
    bare = Contents.of(test, table.select(["item_id", "title"]))
    assert spread(test, np.array([[0, 2], [0, 2]]), np.arange(2), bare)["miscalibration"] is None
