"""Where the two-tower begins, against ridge regression on a dense decomposition, and who took what, by hand."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import pytest
import scipy.sparse as sp
import tensorflow as tf

from aisle.model import spectrum
from aisle.model.spectrum import SHRINKAGE
from aisle.model.two_tower.inputs import Catalogue, Queries, joined, taken
from aisle.model.two_tower.spectrum import Start, start_of


def test_the_vectors_products_are_those_of_a_ridge_regression_on_the_leading_directions() -> None:
    draw = np.random.default_rng(1)
    strong = draw.standard_normal((60, 5)) * [9.0, 7.0, 5.0, 4.0, 3.0] @ draw.standard_normal((5, 40))
    rows = sp.csr_matrix(strong + 0.1 * draw.standard_normal((60, 40)))
    values, directions = np.linalg.svd(rows.toarray())[1:]
    leading = rows @ directions[:5].T
    # The regression of the rows on their leading directions, in closed form.
    gram = leading.T @ leading + SHRINKAGE * values[4] ** 2 * np.eye(5)
    expected = directions[:5].T @ np.linalg.solve(gram, leading.T @ rows.toarray())
    start = start_of(rows, width=5, seed=1)
    products = start.vectors @ start.vectors.T
    np.testing.assert_allclose(products / products[0, 0], expected / expected[0, 0], atol=1e-3)
    times = (rows.toarray() > 0).sum(0)
    np.testing.assert_array_equal(start.times, times)
    assert times @ np.square(start.vectors).sum(1) / times.sum() == pytest.approx(1.0, rel=1e-4)


def test_as_many_columns_as_the_data_bears_are_used_and_an_item_without_a_taker_has_none() -> None:
    rows = sp.random(12, 9, 0.5, "csr", random_state=np.random.default_rng(2)).tolil()
    rows[:, 4] = 0.0
    start = start_of(rows.tocsr(), width=16, seed=1)
    assert start.vectors.shape == (9, 16)
    assert np.flatnonzero(np.abs(start.vectors).sum(0)).tolist() == [0, 1]
    assert not start.vectors[4].any()


def test_an_item_nobody_took_is_as_long_as_the_tenth_of_those_taken_that_is_shortest() -> None:
    lengths = np.arange(12.0)  # Nobody took the first; of the others, 1 to 11, a tenth is at 2 and below.
    start = Start(np.diag(lengths).astype(np.float32), (lengths > 0).astype(np.float32))
    assert start.new_length == pytest.approx(2.0)


@pytest.mark.parametrize("kept", [3, 40])
def test_a_large_decomposition_says_what_a_small_one_does(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(7)
    strong = draw.standard_normal((300, 12)) * np.geomspace(9.0, 1.0, 12) @ draw.standard_normal((12, 170))
    rows = sp.csr_matrix(np.where(draw.random(strong.shape) < 0.3, strong, 0.0))
    rows = sp.vstack([rows, sp.csr_matrix((40, 170))]).tocsr()  # Users who took nothing.
    held = start_of(rows, width=kept, seed=1)
    monkeypatch.setattr(spectrum, "_MOST_CELLS", 0)
    monkeypatch.setattr(spectrum, "_AT_ONCE", 64)
    lean = start_of(rows, width=kept, seed=1)
    np.testing.assert_allclose(lean.vectors @ lean.vectors.T, held.vectors @ held.vectors.T, atol=1e-4)
    np.testing.assert_array_equal(lean.times, held.times)
    assert lean.new_length == pytest.approx(held.new_length, rel=1e-4)


def test_a_large_decomposition_bears_fewer_directions_than_are_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spectrum, "_MOST_CELLS", 0)
    rows = sp.csr_matrix(np.repeat(np.eye(2, 9), 6, axis=0))  # Two directions, and none else.
    vectors = start_of(rows, width=4, seed=1).vectors
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(vectors @ vectors.T, np.diag([1.0, 1.0] + [0.0] * 7), atol=1e-5)


def _queries(user: list[int], targets: list[list[int]], age: list[float]) -> Queries:
    rows = tf.constant([0] * len(user), tf.int64)
    features = {"user_id": tf.constant(user, tf.int64)}
    return Queries(
        features,
        tf.zeros([1, 2]),
        rows,
        tf.ragged.constant(targets, dtype=tf.int64),
        np.array(age, np.float32),
    )


def test_a_taking_counts_half_at_all_and_half_by_how_long_before_the_last_known_it_was() -> None:
    # Rows of the catalogue are not the items' ids: row 0 is item 2, row 2 was taken by nobody known.
    items = Catalogue(tf.constant(["a", "b", "c"]), {"item_id": tf.constant([2, 0, 3], tf.int64)})
    queries = _queries([0, 0, 2, 2], [[0, 1], [0, 2], [1], [0]], [90.0, 30.0, 150.0, 90.0])
    found = taken(queries, items, items=4, users=3).toarray()
    # Users 0 and 1 are known, 2 is whoever is not: each query of such is a user of its own.
    expected = [[0.75, 0.0, (1 + 0.5 + 1) / 2, 0.0], [(1 + 0.25) / 2, 0.0, 0.0, 0.0], [0.0, 0.0, 0.75, 0.0]]
    np.testing.assert_allclose(found[found.any(1)], expected, rtol=1e-6)


def test_two_splits_joined_are_taken_as_of_the_later_one() -> None:
    items = Catalogue(tf.constant(["a"]), {"item_id": tf.constant([0], tf.int64)})
    train, valid = _queries([0], [[0]], [60.0]), _queries([0], [[0]], [0.0])
    assert taken(train, items, items=2, users=2).sum() == pytest.approx(1.0)
    assert taken(joined(train, valid), items, items=2, users=2).sum() == pytest.approx((1 + 0.5 + 1) / 2)
