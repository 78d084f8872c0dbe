"""Where texts say that items stand, against ridge regressions solved one by one."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from aisle.model import spectrum_by_text as module
from aisle.model.spectrum_by_text import spectrum_by_text

FOLD = np.random.default_rng(1).integers(0, 5, 200)


def said_by(texts: np.ndarray) -> np.ndarray:
    silent = ~texts.any(1)
    apart = texts.astype(float) - texts[~silent].mean(0)
    apart /= np.linalg.norm(apart, axis=1, keepdims=True)
    apart[silent] = 0.0
    return apart


def shop(noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Texts that have much in common, the vectors that they tell but for noise, and what each counts."""
    draw = np.random.default_rng(3)
    texts = draw.normal(size=(200, 24)) * np.geomspace(3.0, 0.1, 24) + 0.7
    texts[3] = 0.0
    known = said_by(texts) @ draw.normal(size=(24, 4)) + noise * draw.normal(size=(200, 4))
    weight = np.log1p(draw.integers(0, 30, 200))
    return texts.astype(np.float32), known.astype(np.float32), weight.astype(np.float32)


def regressed(texts: np.ndarray, known: np.ndarray, weight: np.ndarray, strength: float) -> np.ndarray:
    """Ridge regression by least squares on rows and, below them, the regularisation: each fold by the others."""
    said, found = said_by(texts), np.zeros(known.shape)
    for fold in range(5):
        rest, root = fold != FOLD, np.sqrt(weight)[:, None]
        rows = (said * root)[rest]
        below = np.sqrt(strength * np.trace(rows.T @ rows) / rows.shape[1]) * np.eye(rows.shape[1])
        values = np.concatenate([(known * root)[rest], np.zeros((len(below), known.shape[1]))])
        solved = np.linalg.lstsq(np.concatenate([rows, below]), values, rcond=None)[0]
        found[~rest] = said[~rest] @ solved
    return found


def told_share(guess: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float:
    """What share of the squares of the truth one multiple of the guesses tells, by regression on them."""
    root = np.sqrt(weight)[:, None]
    guesses, truths = (guess * root).ravel(), (truth * root).ravel()
    left = truths - guesses * (guesses @ truths) / (guesses @ guesses)
    return float(1.0 - left @ left / (truths @ truths))


@pytest.mark.parametrize(("noise", "chosen"), [(0.1, 0), (4.0, 3)])
def test_each_fold_is_told_by_a_ridge_regression_of_the_others_of_the_strength_that_tells_most(
    noise: float, chosen: int
) -> None:
    texts, known, weight = shop(noise)
    tried = [regressed(texts, known, weight, strength) for strength in (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)]
    best = int(np.argmax([told_share(guess, known, weight) for guess in tried]))
    assert best == chosen
    np.testing.assert_allclose(spectrum_by_text(texts, known, weight), tried[best], atol=1e-4)


def test_an_items_own_vector_does_not_say_where_it_stands() -> None:
    texts, known, weight = shop(0.1)
    other = known.copy()
    other[7] *= -1.5
    one, two = (spectrum_by_text(texts, vectors, weight) for vectors in (known, other))
    same = FOLD[7] == FOLD
    np.testing.assert_array_equal(one[same], two[same])
    assert (one != two).any(1).sum() > 150


def test_what_counts_nothing_tells_nothing_and_is_told() -> None:
    texts, known, weight = shop(0.1)
    weight[9] = 0.0
    other = known.copy()
    other[9] = 99.0
    one, two = (spectrum_by_text(texts, vectors, weight) for vectors in (known, other))
    np.testing.assert_array_equal(one, two)
    assert told_share(one[[9]], known[[9]], np.ones(1)) > 0.9


def test_a_text_that_says_nothing_is_told_nothing() -> None:
    texts, known, weight = shop(0.1)
    found = spectrum_by_text(texts, known, weight)
    assert not found[3].any()
    assert np.delete(found, 3, 0).any(1).all()


@pytest.mark.parametrize(("told", "some"), [(0.0, False), (0.005, False), (0.02, True)])
def test_texts_that_tell_less_than_a_hundredth_of_where_items_stand_tell_nothing(
    told: float, some: bool
) -> None:
    draw = np.random.default_rng(5)
    texts = draw.normal(size=(20_000, 6)).astype(np.float32)
    said = np.sqrt(6.0) * said_by(texts) @ np.linalg.qr(draw.normal(size=(6, 6)))[0]
    known = np.sqrt(told) * said + np.sqrt(1.0 - told) * draw.normal(size=said.shape)
    found = spectrum_by_text(texts, known.astype(np.float32), np.ones(len(texts), np.float32))
    assert found.shape == known.shape
    assert found.any() == some


@pytest.mark.parametrize(
    "texts",
    [np.zeros((30, 6)), 1.0 + np.random.default_rng(1).normal(size=(30, 6)) / 1e6, np.ones((1, 6))],
    ids=["no texts", "one title, embedded in several batches", "one item"],
)
def test_where_texts_tell_no_item_from_another_there_are_no_columns(texts: np.ndarray) -> None:
    count = len(texts)
    found = spectrum_by_text(texts.astype(np.float32), np.ones((count, 4), np.float32), np.ones(count))
    assert found.shape == (count, 0)


def test_before_anything_is_taken_and_in_a_shop_of_two_items_nothing_is_told() -> None:
    texts, known, _ = shop(0.1)
    assert not spectrum_by_text(texts, 0 * known, np.zeros(200, np.float32)).any()
    assert spectrum_by_text(texts[:2], known[:2], np.ones(2, np.float32)).shape == (2, 4)
    assert np.isfinite(spectrum_by_text(texts[:2], known[:2], np.ones(2, np.float32))).all()


def test_blocks_of_a_variable_tell_what_an_array_at_once_does(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, known, weight = shop(0.1)
    whole = spectrum_by_text(texts, known, weight)
    monkeypatch.setattr(module, "_AT_ONCE", 7)
    np.testing.assert_allclose(spectrum_by_text(tf.Variable(texts), known, weight), whole, atol=1e-4)


@given(st.integers(0, 9_999), st.floats(0.01, 100.0), st.integers(2, 60))
def test_a_turn_of_all_vectors_turns_what_is_told_and_a_texts_scale_does_not_count(
    seed: int, scale: float, count: int
) -> None:
    draw = np.random.default_rng(seed)
    texts, known = draw.normal(size=(count, 5)).astype(np.float32), draw.normal(size=(count, 3))
    turn = np.linalg.qr(draw.normal(size=(3, 3)))[0]
    weight = draw.uniform(0.5, 3.0, count).astype(np.float32)
    one = spectrum_by_text(texts, known.astype(np.float32), weight)
    other = spectrum_by_text((scale * texts).astype(np.float32), (known @ turn).astype(np.float32), weight)
    np.testing.assert_allclose(other, one @ turn, atol=1e-2)
