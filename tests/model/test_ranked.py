"""Items in an order, by hand."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.served.ranked import Ranked

SCORES = tf.constant([[-5.0, 2.0, 0.5, 9.0]])
THERE = tf.constant([[True, True, True, False]])


def order(ranked: Ranked, depth: int = 4) -> list[int]:
    rows, values = ranked.best(depth)
    assert (np.diff(values.numpy()[0][rows.numpy()[0] >= 0]) <= 0).all()
    assert np.isneginf(values.numpy()[0][rows.numpy()[0] < 0]).all()
    return list(rows.numpy()[0])


def test_a_negative_score_is_an_answer_and_what_is_not_there_is_none() -> None:
    assert order(Ranked(SCORES, THERE)) == [1, 2, 0, -1]


def test_what_follows_comes_behind_whatever_its_score() -> None:
    scores = tf.constant([[100.0, 300.0, 200.0, 50.0]])
    first = Ranked(SCORES, tf.constant([[False, False, True, False]]))
    assert order(first.followed_by(scores, THERE)) == [2, 1, 0, -1]
    nobody = Ranked(SCORES, tf.zeros_like(THERE))
    assert order(nobody.followed_by(scores, tf.ones_like(THERE))) == [1, 2, 0, 3]


def test_the_first_are_put_in_another_order_before_the_rest() -> None:
    found = Ranked(SCORES, THERE).with_first(2, lambda rows: tf.cast(rows, tf.float32))
    assert order(found) == [2, 1, 0, -1]


def test_the_first_have_the_other_score_and_the_rest_are_below_zero() -> None:
    found = Ranked(SCORES, THERE).with_first(2, lambda rows: 0.1 * tf.cast(rows, tf.float32))
    np.testing.assert_allclose(found.best(3)[1].numpy(), [[0.2, 0.1, -7.0]], rtol=1e-6)
    nothing = Ranked(SCORES, tf.zeros_like(THERE)).with_first(2, lambda rows: tf.ones_like(rows, tf.float32))
    assert order(nothing) == [-1] * 4


def test_rows_of_their_own_are_answered() -> None:
    assert order(Ranked(SCORES, THERE, tf.constant([[7, 8, 9, 6]])), 2) == [8, 9]


def test_each_question_has_its_own_order() -> None:
    one = Ranked(tf.constant([[1.0, 2.0], [1.0, 2.0]]), tf.constant([[True, True]] * 2))
    other = Ranked(tf.constant([[2.0, 1.0], [2.0, 1.0]]), tf.constant([[True, False]] * 2))
    rows, _ = one.otherwise(tf.constant([[True], [False]]), other).best(2)
    assert rows.numpy().tolist() == [[1, 0], [0, -1]]
