"""Item-to-item weights, beside the formulas worked out plainly."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from aisle.model.retrieval import co_occurrence
from aisle.model.retrieval.co_occurrence import _blocks, conditional, cosine, ease, transitions

EASE_L2 = 20.0


def _dense(neighbours: np.ndarray, weights: np.ndarray) -> np.ndarray:
    full = np.zeros((len(neighbours), len(neighbours)))
    for row, (items, values) in enumerate(zip(neighbours, weights, strict=True)):
        np.add.at(full[row], items, values)
    return full


def test_ease_equals_the_closed_form() -> None:
    taken = (np.random.default_rng(0).random((300, 12)) < 0.4).astype(np.float32)
    inverse = np.linalg.inv(taken.T.astype(np.float64) @ taken + EASE_L2 * np.eye(12))
    expected = -inverse / np.diag(inverse)[None]
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(_dense(*ease(sp.csr_matrix(taken), EASE_L2)), expected, atol=1e-5)


def test_ease_is_the_ridge_regression_of_each_item_on_the_others() -> None:
    taken = (np.random.default_rng(1).random((200, 6)) < 0.5).astype(np.float64)
    others = taken[:, 1:]
    ridge = np.linalg.solve(others.T @ others + EASE_L2 * np.eye(5), others.T @ taken[:, 0])
    weights = _dense(*ease(sp.csr_matrix(taken.astype(np.float32)), EASE_L2))
    np.testing.assert_allclose(weights[1:, 0], ridge, atol=1e-5)


def test_transitions_are_the_ridge_regression_of_what_follows_on_what_came_before() -> None:
    rng = np.random.default_rng(2)
    orders = (rng.random((90, 6)) < 0.3).astype(np.float32)
    users = np.repeat(np.arange(30), 3)
    past, future = np.zeros((90, 6)), np.zeros((90, 6))
    for row in range(90):
        for other in range(row // 3 * 3, row // 3 * 3 + 3):
            if other < row:
                past[row] += 0.7 ** (row - other - 1) * orders[other]
            else:
                future[row] += 0.3 ** (other - row) * orders[other]
    ridge = np.linalg.solve(past.T @ past + 5.0 * np.eye(6), past.T @ future)
    found = _dense(*transitions(sp.csr_matrix(orders), users, 5.0))
    np.testing.assert_allclose(found, ridge, atol=1e-5)


def test_what_another_user_orders_next_is_no_transition() -> None:
    orders = sp.csr_matrix(np.array([[1, 0], [0, 1]], np.float32))
    assert not _dense(*transitions(orders, np.array(["u", "v"]), 1.0)).any()
    together = _dense(*transitions(orders, np.array(["u", "u"]), 1.0))
    np.testing.assert_allclose(together, [[0, 0.5], [0, 0]])


def test_items_beyond_the_most_taken_have_no_ease(monkeypatch: object) -> None:
    monkeypatch.setattr(co_occurrence, "CLOSED_FORM_ITEMS", 2)  # type: ignore[attr-defined]
    taken = sp.csr_matrix(np.array([[1, 1, 0], [1, 1, 1], [1, 1, 0]], np.float32))
    weights = _dense(*ease(taken, EASE_L2))
    assert weights[0, 1] > 0
    assert not weights[2].any()
    assert not weights[:, 2].any()


def test_baskets_are_compared_by_cosine_and_old_ones_count_less() -> None:
    baskets = sp.csr_matrix(np.array([[1, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32))
    weights = _dense(*cosine(baskets, np.array([1.0, 0.25, 1.0], np.float32), shrink=1.0))
    np.testing.assert_allclose(weights[0, 1], 1 / np.sqrt((1.25 + 1) * (2 + 1)), rtol=1e-5)
    np.testing.assert_allclose(weights[0, 2], 0.25 / np.sqrt((1.25 + 1) * (0.25 + 1)), rtol=1e-5)
    np.testing.assert_allclose(weights, weights.T, rtol=1e-5)
    assert not np.diag(weights).any()


def test_a_large_catalogue_has_the_same_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    users = sp.csr_matrix((rng.random((70, 90)) < 0.1).astype(np.float32))
    weight = rng.random(70).astype(np.float32)
    plain = cosine(users, weight, shrink=1.0)
    monkeypatch.setattr(co_occurrence, "DENSE_ITEMS", 10)
    monkeypatch.setattr(co_occurrence, "_ITEMS_AT_ONCE", 37)
    np.testing.assert_allclose(_dense(*cosine(users, weight, shrink=1.0)), _dense(*plain), atol=1e-6)
    monkeypatch.setattr(co_occurrence, "_CELLS", 0)  # 20 neighbours an item.
    few = cosine(users, weight, shrink=1.0)[1]
    np.testing.assert_allclose(np.sort(few)[:, ::-1], np.sort(plain[1])[:, ::-1][:, :20], atol=1e-6)


@pytest.mark.parametrize("at_once", [1, 4, 100])
def test_what_is_worked_off_in_blocks_is_what_is_worked_off_at_once(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(8)
    taken = sp.csr_matrix((rng.random((60, 17)) < 0.3).astype(np.float32))
    users = np.repeat(np.arange(20), 3)

    def found() -> list[np.ndarray]:
        each = (ease(taken, EASE_L2), transitions(taken, users, EASE_L2), conditional(taken, np.ones(60)))
        return [_dense(*one) for one in each]

    whole = found()
    monkeypatch.setattr(co_occurrence, "_ROWS_AT_ONCE", at_once)
    monkeypatch.setattr(co_occurrence, "_PAIRS_AT_ONCE", at_once)
    for one, other in zip(found(), whole, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@given(st.integers(0, 1_000), st.integers(1, 300))
def test_blocks_of_items_follow_each_other_and_hold_few_products(seed: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    rows = sp.csc_matrix((rng.random((9, 14)) < rng.random()).astype(np.float32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(co_occurrence, "_PAIRS_AT_ONCE", most)
        blocks = list(_blocks(rows, rows.tocsr()))
    assert [place for start, end in blocks for place in range(start, end)] == list(range(14))
    for start, end in blocks:
        assert end == start + 1 or (rows[:, start:end].T @ rows).nnz <= most
