"""The ranking metrics against values worked by hand and against a plain-Python implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

from aisle.components.evaluator.measures import metrics

ITEMS = 12
CASES = st.lists(
    st.tuples(
        st.lists(st.integers(-1, ITEMS - 1), min_size=5, max_size=5),
        st.sets(st.integers(0, ITEMS - 1), max_size=8),
    ),
    min_size=1,
    max_size=6,
)


def truth_of(sets: list[set[int]]) -> sparse.csr_matrix:
    dense = np.zeros((len(sets), ITEMS))
    for row, items in enumerate(sets):
        dense[row, sorted(items)] = 1
    return sparse.csr_matrix(dense)


def plain_recall(answers: list[int], truth: set[int]) -> float:
    if not truth:
        return math.nan
    return len({item for item in answers if item in truth}) / min(len(answers), len(truth))


def plain_ndcg(answers: list[int], truth: set[int]) -> float:
    if not truth:
        return math.nan
    found, given_before = 0.0, set()
    for rank, item in enumerate(answers, start=1):
        if item in truth and item not in given_before:
            found += 1 / math.log2(rank + 1)
        given_before.add(item)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(answers), len(truth)) + 1))
    return found / ideal


def test_recall_divides_by_what_k_answers_could_have_found() -> None:
    answers = np.array([[0, 1, 2], [3, 4, 5]])
    hit = metrics.hits(answers, truth_of([{0, 2, 7, 8, 9}, {4}]))
    assert hit.tolist() == [[True, False, True], [False, True, False]]
    assert metrics.recall(hit, np.array([5, 1])).tolist() == pytest.approx([2 / 3, 1.0])


def test_ndcg_by_hand() -> None:
    hit = np.array([[True, False, True]])
    # Found 1/log2(2) + 1/log2(4) = 1.5; two relevant items could give 1 + 1/log2(3) = 1.63093.
    assert metrics.ndcg(hit, np.array([2]))[0] == pytest.approx(1.5 / 1.6309297535714575)


def plain_reciprocal_rank(answers: list[int], truth: set[int]) -> float:
    if not truth:
        return math.nan
    return next((1 / rank for rank, item in enumerate(answers, start=1) if item in truth), 0.0)


def plain_hit_rate(answers: list[int], truth: set[int]) -> float:
    return float(bool(truth & set(answers))) if truth else math.nan


def test_reciprocal_rank_and_hit_rate_by_hand() -> None:
    hit = np.array([[False, False, True], [True, True, False], [False, False, False], [False, False, False]])
    relevant = np.array([1, 3, 2, 0])
    assert metrics.reciprocal_rank(hit, relevant).tolist()[:3] == pytest.approx([1 / 3, 1.0, 0.0])
    assert metrics.hit_rate(hit, relevant).tolist()[:3] == [1.0, 1.0, 0.0]
    assert math.isnan(metrics.reciprocal_rank(hit, relevant)[3])
    assert math.isnan(metrics.hit_rate(hit, relevant)[3])


def test_ndcg_and_reciprocal_rank_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(8)
    truth = (rng.random((40, ITEMS)) < 0.3).astype(float)
    truth[:, 0] = 1.0
    scores = rng.random((40, ITEMS))
    answers = np.argsort(-scores, axis=1)[:, :5]
    hit = metrics.hits(answers, sparse.csr_matrix(truth))
    relevant = metrics.relevant_items(sparse.csr_matrix(truth))
    expected = [ndcg_score(truth[[n]], scores[[n]], k=5) for n in range(40)]
    np.testing.assert_allclose(metrics.ndcg(hit, relevant), expected, rtol=1e-12)
    # With one relevant item, the mean precision at each hit is the reciprocal rank.
    alone = np.eye(ITEMS)[rng.integers(ITEMS, size=40)]
    everything = np.argsort(-scores, axis=1)
    reciprocal = metrics.reciprocal_rank(
        metrics.hits(everything, sparse.csr_matrix(alone)), np.ones(40, np.int64)
    )
    assert reciprocal.mean() == pytest.approx(label_ranking_average_precision_score(alone, scores))


def test_graded_ndcg_by_hand() -> None:
    gains = metrics.gain(np.array([[1.0, 3.0, 0.0]]))
    assert gains.tolist() == [[1.0, 7.0, 0.0]]
    # Found 1 + 7/1.58496 = 5.41651; the best order is 7, 1: 7 + 1/1.58496 = 7.63093.
    assert metrics.graded_ndcg(gains, gains, 10)[0] == pytest.approx(5.416508275 / 7.630929754)
    assert metrics.graded_ndcg(gains, gains, 1)[0] == pytest.approx(1 / 7)


def test_the_gain_of_an_irrelevant_or_unjudged_item_is_nothing() -> None:
    assert metrics.gain(np.array([1.0, 4.0, np.nan]), irrelevant=1.0).tolist() == [0.0, 7.0, 0.0]


def test_an_item_given_twice_counts_once() -> None:
    hit = metrics.hits(np.array([[4, 4, 4]]), truth_of([{4, 5}]))
    assert hit.tolist() == [[True, False, False]]


def test_a_row_without_truth_is_undefined_and_left_out_of_the_mean() -> None:
    hit = metrics.hits(np.array([[1], [1]]), truth_of([set(), {1}]))
    values = metrics.ndcg(hit, np.array([0, 1]))
    assert math.isnan(values[0])
    assert metrics.mean(values) == 1.0
    assert metrics.mean(values[:1]) is None


def test_coverage_counts_items_once_and_no_empty_places() -> None:
    assert metrics.coverage(np.array([[0, 1], [1, -1]]), 8) == 0.25
    assert metrics.coverage(np.full((2, 2), -1), 8) == 0.0


def test_answers_and_truth_of_different_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="answers of 2 rows, truth of 1"):
        metrics.hits(np.zeros((2, 1), np.int64), truth_of([{1}]))


@given(CASES)
def test_metrics_agree_with_plain_python(cases: list[tuple[list[int], set[int]]]) -> None:
    answers, truths = [answer for answer, _ in cases], [truth for _, truth in cases]
    truth = truth_of(truths)
    hit, relevant = metrics.hits(np.array(answers), truth), metrics.relevant_items(truth)
    assert relevant.tolist() == [len(items) for items in truths]
    for computed, plain in (
        (metrics.recall, plain_recall),
        (metrics.ndcg, plain_ndcg),
        (metrics.reciprocal_rank, plain_reciprocal_rank),
        (metrics.hit_rate, plain_hit_rate),
    ):
        expected = [plain(answer, items) for answer, items in cases]
        np.testing.assert_allclose(computed(hit, relevant), expected, rtol=1e-12, equal_nan=True)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=7), st.integers(1, 8))
def test_graded_ndcg_agrees_with_plain_python(grades: list[int], k: int) -> None:
    def dcg(order: list[int]) -> float:
        return sum((2**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(order[:k], start=1))

    ideal = dcg(sorted(grades, reverse=True))
    gains = metrics.gain(np.array([grades], float))
    expected = dcg(grades) / ideal if ideal else math.nan
    np.testing.assert_allclose(metrics.graded_ndcg(gains, gains, k), [expected], rtol=1e-12, equal_nan=True)


def test_the_bootstrap_interval_has_the_width_of_the_normal_one() -> None:
    values = np.random.default_rng(1).normal(0.3, 0.2, 2000)
    low, high = metrics.bootstrap_interval(values, resamples=2000) or (0.0, 0.0)
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=half / 8)
    assert high == pytest.approx(values.mean() + half, abs=half / 8)


def test_the_bootstrap_is_repeatable_and_the_same_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(2).random(50)
    whole = metrics.bootstrap_interval(values, resamples=200, seed=5)
    monkeypatch.setattr(metrics, "_CHUNK", 150)
    assert metrics.bootstrap_interval(values, resamples=200, seed=5) == whole
    assert metrics.bootstrap_interval(values, resamples=200, seed=6) != whole


def test_a_paired_interval_is_narrower_than_what_the_two_share() -> None:
    shared = np.random.default_rng(3).random(500)
    interval = metrics.paired_interval(shared + 0.01, shared)
    assert interval == pytest.approx((0.01, 0.01))
    with pytest.raises(ValueError, match="shapes"):
        metrics.paired_interval(shared, shared[:3])


def test_nothing_defined_has_no_interval() -> None:
    assert metrics.bootstrap_interval(np.array([np.nan])) is None
