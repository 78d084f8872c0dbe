"""The benchmark of titles read by BERT: its slices, numbers and draws, by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from aisle.components.evaluator.baselines.recommenders import Train
from aisle.components.evaluator.measures.protocol import Protocol
from aisle.model.retrieval.sources.source import Inputs, Pairs, Past
from benchmarks.recommendation.bert_slices import EXPECTED, markdown
from benchmarks.recommendation.titles.numbers import (
    MOMENT,
    TITLES,
    by_the_like,
    centred,
    content,
    explained,
    latest,
    reading,
)
from benchmarks.recommendation.titles.reader import Reader
from benchmarks.recommendation.titles.slices import Worth, quartiles, slices_of, worth
from benchmarks.recommendation.titles.trial import READ, best_of_questions, matched, weight_of


def test_quartiles_hold_a_quarter_each_and_are_told_in_counts() -> None:
    parts = quartiles(np.array([1, 1, 2, 3, 5, 8, 13, 40]))
    assert [name for name, _ in parts] == ["1", "2–3", "4–8", "9–40"]
    assert [np.flatnonzero(some).tolist() for _, some in parts] == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_what_is_not_among_the_parted_is_in_no_quartile() -> None:
    counts = np.array([0, 2, 0, 4])
    parts = quartiles(counts, np.flatnonzero(counts > 0))
    assert [(name, np.flatnonzero(some).tolist()) for name, some in parts] == [("2", [1]), ("3–4", [3])]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40))
def test_each_value_is_in_one_quartile(values: list[int]) -> None:
    parts = quartiles(np.array(values))
    assert np.sum([some for _, some in parts], axis=0).tolist() == [1] * len(values)


def _protocol() -> Protocol:
    """Two users, four items: the first had item 0 once and item 1 three times, the second item 1; nobody had item 3."""
    train = Train(np.array([0, 0, 0, 0, 1]), np.array([0, 1, 1, 1, 1]), np.arange(5), 2, 4, 9)
    truth = sparse.csr_matrix([[0.0, 1, 1, 0], [0, 0, 1, 0]])
    new = sparse.csr_matrix([[0.0, 0, 1, 0], [0, 0, 1, 0]])
    unheard = sparse.csr_matrix([[0.0, 0, 0, 1], [0, 0, 0, 0]])
    none = sparse.csr_matrix((0, 4))
    ids = pa.array(["a", "b", "c", "d"])
    return Protocol(
        ids, pa.array(["u", "v"]), np.array([0, 1]), truth, new, train, unheard, pa.array([]), none
    )


def test_slices_part_users_by_their_items_and_items_by_their_sales() -> None:
    slices = {one.name: one for one in slices_of(_protocol())}
    assert slices["bought again"].truth.toarray().tolist() == [[0, 1, 0, 0], [0, 0, 0, 0]]
    assert slices["all, users who had 1 items"].truth.toarray().tolist() == [[0, 0, 0, 0], [0, 0, 1, 0]]
    assert slices["new, users who had 2 items"].truth.toarray().tolist() == [[0, 0, 1, 0], [0, 0, 0, 0]]
    assert slices["all, items sold 2–4 times"].truth.toarray().tolist() == [[0, 1, 0, 0], [0, 0, 0, 0]]
    assert slices["new, unsold items"].truth.toarray().tolist() == [[0, 0, 0, 1], [0, 0, 0, 0]]
    assert "new, items sold 2–4 times" not in slices  # Nobody took such.


def test_a_slice_counts_what_was_found_of_it_in_the_list_of_all() -> None:
    slices = slices_of(_protocol())
    answers = {False: np.array([[2, 1], [0, 1]]), True: np.array([[3, 2], [2, 3]])}
    found = worth(answers, slices)
    second = 1 / np.log2(3)
    np.testing.assert_allclose(found.ndcg["bought again"], [second, np.nan])
    np.testing.assert_allclose(found.ndcg["all"], [1.0, 0.0])
    np.testing.assert_allclose(found.recall["new"], [1.0, 1.0])
    np.testing.assert_allclose(found.ndcg["new, unsold items"], [1.0, np.nan])
    other = worth({**answers, True: np.array([[2, 3], [3, 2]])}, slices)
    assert Worth.mean([found, other]).ndcg["new"].tolist() == [(1 + second) / 2, (1 + second) / 2]
    better = worth({**answers, True: np.array([[2, 3], [2, 3]])}, slices).record(found)["new"]["ndcg"]
    assert better["gain"] == pytest.approx((1 - second) / 2)
    assert better["ci"] == pytest.approx((0.0, 1 - second))


def _inputs(owner: list[int], item: list[int], age: list[float], worth: list[float], count: int) -> Inputs:
    ages = tf.stack([tf.constant(age), tf.constant(age)], 1)
    counts = {"repeat_60": tf.constant(worth)}
    taken = Pairs(tf.constant(owner), tf.constant(item), counts, ages, tf.ones([len(item)]))
    return Inputs(tf.constant(2), count, tf.constant(["", ""]), None, taken, {}, {})  # type: ignore[arg-type]


def test_titles_are_compared_with_those_of_what_was_taken_and_no_item_is_like_itself() -> None:
    titles = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], np.float32)
    found = content(titles).score(_inputs([0, 0], [0, 1], [9.0, 1.0], [0.0, 1.0], 3), {})
    # All count by how late they were taken, here the second alone; the latest all count the same.
    assert found["content"].numpy()[0] == pytest.approx([0.6, 1.0, 0.8])
    assert found["content_latest"].numpy()[0] == pytest.approx([0.8, 0.8, 0.4])
    assert found["content_nearest"].numpy()[0] == pytest.approx([0.6, 0.6, 0.8])
    assert found["content"].numpy()[1].tolist() == [0.0, 0.0, 0.0]
    assert found["content_nearest"].numpy()[1].tolist() == [-1.0, -1.0, -1.0]


def test_the_latest_of_each_owner_are_kept() -> None:
    ages = [float(age) for age in range(TITLES + 2)]
    owner = [0] * len(ages) + [1]
    kept = latest(
        tf.constant(owner), tf.constant([*range(len(ages)), 77]), tf.constant([*reversed(ages), 5.0])
    )
    assert kept[0].numpy().tolist() == [0] * TITLES + [1]
    assert kept[1].numpy().tolist() == [*range(len(ages) - 1, 1, -1), 77]


def test_what_all_texts_share_is_taken_from_them_and_silence_stays_silent() -> None:
    found = centred(np.array([[1.0, 1.0], [1.0, -1.0], [0.0, 0.0]], np.float32))
    assert found.tolist() == [[0.0, 1.0], [0.0, -1.0], [0.0, 0.0]]


def _texts() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(3)
    texts = draw.normal(size=(200, 6))
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    users = draw.integers(1, 30, 200).astype(np.float32)
    return texts.astype(np.float32), (texts @ draw.normal(size=(6, 4))).astype(np.float32), users


def test_where_the_like_tell_vectors_they_are_told_and_where_they_do_not_nothing_is() -> None:
    texts, known, users = _texts()
    assert explained(by_the_like(texts, known, users), known, users) > 0.5
    noise = np.random.default_rng(4).normal(size=known.shape).astype(np.float32)
    assert explained(by_the_like(texts, noise, users), noise, users) < 0.05


def test_an_items_own_vector_does_not_say_where_it_stands() -> None:
    texts, known, users = _texts()
    other = known.copy()
    other[7] = -3.0 * other[7]
    one, two = (by_the_like(texts, vectors, users) for vectors in (known, other))
    np.testing.assert_array_equal(one[7], two[7])
    assert not np.array_equal(one, two)


def test_a_guess_is_as_good_as_one_multiple_of_it() -> None:
    truth = np.array([[1.0, 0.0], [0.0, 2.0]], np.float32)
    assert explained(3 * truth, truth, np.ones(2, np.float32)) == pytest.approx(1.0)
    assert explained(truth[:, ::-1], truth, np.ones(2, np.float32)) == 0.0


def test_a_moment_is_how_old_the_shop_is() -> None:
    known = pl.DataFrame({"age": [3.0, 41.5]})
    kept = reading().build(Past(2, known, pl.DataFrame(), {}, pl.DataFrame()))
    inputs = _inputs([0], [1], [1.0], [1.0], 2)
    found = reading().score(inputs, {name: tf.constant(values) for name, values in kept.items()})
    assert found[MOMENT].numpy().tolist() == [[41.5, 41.5], [41.5, 41.5]]


def test_as_many_misses_as_hits_are_drawn_the_likelier_ones_rather() -> None:
    taken = np.array([1.0] * 20 + [0.0] * 2_000, np.float32)
    odds = np.where(np.arange(len(taken)) % 2 == 0, 2.0, -6.0).astype(np.float32)
    chosen = matched(taken, odds, 1_000, np.random.default_rng(1))
    missed = chosen[taken[chosen] == 0]
    assert len(missed) == 20 and len(set(chosen.tolist())) == 40
    assert (odds[missed] > 0).mean() > 0.9
    assert len(matched(taken, odds, 10, np.random.default_rng(1))) == 10


def test_the_best_of_each_question_are_read_and_only_of_those_asked_about() -> None:
    sizes = [READ + 5, 3, READ + 1]
    question = np.repeat([0.0, 1.0, 2.0], sizes)
    rows = {name: tf.constant(question) for name in (MOMENT, "user_first", "user_orders", "user_items")}
    rows["history_titles"] = tf.constant([b"mug"] * len(question))
    scores = np.arange(len(question), dtype=np.float64)
    best = best_of_questions(rows, scores, question < 2, most=9, seed=1)
    assert best.tolist() == [*range(5, READ + 5), *range(READ + 5, READ + 8)]
    assert len(best_of_questions(rows, scores, question < 9, most=1, seed=1)) in (3, READ)


def test_a_readers_weight_is_found_where_it_is_known() -> None:
    draw = np.random.default_rng(5)
    odds, said = draw.normal(size=(2, 40_000))
    taken = draw.random(40_000) < 1 / (1 + np.exp(-(0.5 * odds + 0.2 * said)))
    assert weight_of(taken.astype(float), odds, said) == pytest.approx(0.4, abs=0.06)


def test_the_page_has_every_slice_and_variant() -> None:
    one = {metric: {"mean": 0.3, "gain": 0.01, "ci": [0.005, 0.015]} for metric in ("ndcg", "recall")}
    base = {"users": 9, "candidates": 0.5, "base": {"ndcg": 0.29, "recall": 0.31}}
    found = {
        "slices": {"all": {**base, **dict.fromkeys(EXPECTED, one)}},
        "reader": {"pairs": 16_000, "weight": 0.31, "of_few": 0.4},
        "minutes": 9.0,
        "heads": 3,
        "variants": list(EXPECTED),
    }
    page = markdown(found)
    assert "| cosine of titles | +0.001 | +0.003 | +0.005 | 1 | 0 |" in page
    assert "| all | 9 | 0.50 | 0.2900 | +0.0100 [+0.0050, +0.0150] |" in page
    assert "| all | 9 | 0.50 | 0.3100 |" in page
    assert "learnt from 16,000 pairs" in page
    without = markdown({**found, "variants": ["cosine of titles"], "reader": None})
    assert "cross-encoder" not in without and "heads of numbers: 3." in without


def test_a_reader_learns_which_title_goes_with_which_and_reads_each_pair_wherever_it_stands() -> None:
    draw = np.random.default_rng(6)
    words = np.array([b"red mug", b"garden spade"], object)
    one, other = draw.integers(0, 2, (2, 1_280))
    reader = Reader(seed=1)
    losses = reader.fit(words[one], words[other], (one == other).astype(np.float32), seed=1)
    assert losses[-1] < 0.3 < losses[0]
    same = reader(words[[0, 1, 0, 1]], words[[0, 1, 1, 0]])
    assert same[:2].min() > same[2:].max()
    np.testing.assert_allclose(reader(words[[1, 0]], words[[0, 0]]), same[[3, 0]], atol=1e-4)
