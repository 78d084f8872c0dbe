"""The shrunk spectrum of who took what: what the two-tower begins with, and a number of what is recommended."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

SHRINKAGE = 3.0
"""What is added to the square of each singular value, as a multiple of the square of the last that is kept."""
_MOST_KEPT = 4
"""At most the rank divided by this is kept: all directions together would foretell what was taken, and nothing else."""
_POWERS = 3
"""How often the rows are gone through to find the directions."""
_MOST_CELLS = 50_000_000
"""Of the larger side by the directions kept: a larger decomposition is made without what LU and QR hold beside it."""
_OVERSAMPLED = 10
"""Directions that are looked for beside those that are kept."""
_NOTHING = 1e-10
"""What share of the largest square rounding alone leaves."""
_AT_ONCE = 65_536
_COLUMNS = 32
"""Of the decomposition that are multiplied at once: what the product holds beside it."""

Floats = npt.NDArray[np.float32]


def spectrum(taken: sp.csr_matrix, width: int, seed: int) -> npt.NDArray[np.float32]:
    """Vectors whose products say how much a taker of one item takes the other: a low-rank ridge regression.

    With U S V' the truncated decomposition of `taken`, what takers of `x` take is x V S²/(S² + λ) V'. Each vector is
    a row of V (S²/(S² + λ))^½. The rarely taken are short.

    Source: Cremonesi, Koren and Turrin, Performance of Recommender Algorithms on Top-N Recommendation Tasks, RecSys
    2010 (PureSVD), with ridge regression's shrinkage; the decomposition is that of Halko, Martinsson and Tropp, Finding
    Structure with Randomness, SIAM Review 2011, algorithm 4.4.

    Args:
        taken: how much each user took each item, [users, items].
        width: of the vectors; columns beyond a quarter of the rank are 0.
        seed: of the decomposition.

    Returns:
        float32 [items, width].

    Example:
        >>> taken = sp.csr_matrix([[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
        >>> vectors = spectrum(taken, width=2, seed=1)  # Of which one column is used.
        >>> goes = (vectors @ vectors[0]).astype(float).round(3) + 0.0
        >>> goes.tolist()  # Half of S² / (S² + 3 S²).
        [0.125, 0.125, 0.0, 0.0]
    """
    kept = min(width, max(1, min(taken.shape) // _MOST_KEPT))
    decompose = _held if max(taken.shape) * kept <= _MOST_CELLS else _lean
    values, directions = decompose(taken.astype(np.float32), kept, seed)
    share = values**2 / np.maximum(values**2 + SHRINKAGE * values[-1] ** 2, 1e-12)
    vectors = np.zeros((taken.shape[1], width), np.float32)
    np.multiply(directions, np.sqrt(share), out=vectors[:, : len(values)])
    vectors[np.asarray((taken > 0).sum(0)).ravel() == 0] = 0.0  # Not what rounding left.
    return vectors


def _held(taken: sp.csr_matrix, kept: int, seed: int) -> tuple[Floats, Floats]:
    """The largest singular values, [k], and their directions among the items, [items, k]."""
    from sklearn.utils.extmath import randomized_svd  # Takes a second to import.

    _, values, directions = randomized_svd(taken, kept, n_iter=_POWERS, random_state=seed)
    return values, directions.T


def _lean(taken: sp.csr_matrix, kept: int, seed: int) -> tuple[Floats, Floats]:
    """As `_held`, but for rounding and signs, with one matrix of [items, k] in memory and one of the users', or two at the end.

    The same subspace: that users' takings span after so many powers of `taken`. It is kept as the items' side of it, and
    orthogonal by the products of its columns, [k, k], which need no copy.
    """
    taken = taken[np.flatnonzero(np.diff(taken.indptr))]
    draw = np.random.RandomState(seed)
    basis = np.empty((taken.shape[1], kept + _OVERSAMPLED), np.float32)
    for start in range(0, len(basis), _AT_ONCE):
        block = basis[start : start + _AT_ONCE]
        block[:] = draw.normal(size=block.shape)
    for _ in range(_POWERS):
        _turn(basis, _root(_products(basis)))
        _go_through(taken, basis)
    _turn(basis, _root(_products(basis)))
    users = taken @ basis
    del basis
    across = _root(_products(users))
    items = taken.T @ users
    del users
    squares, turn = np.linalg.eigh(across.T @ _products(items) @ across)
    values = np.sqrt(np.maximum(squares, 0.0))
    _turn(items, across @ (turn / np.maximum(values, 1e-12)))
    return values[::-1][:kept].astype(np.float32), items[:, ::-1][:, :kept]


def _go_through(taken: sp.csr_matrix, basis: Floats) -> None:
    """Multiplies in place by what is taken with what, some columns at a time: [items, k]."""
    for start in range(0, basis.shape[1], _COLUMNS):
        columns = np.ascontiguousarray(basis[:, start : start + _COLUMNS])
        basis[:, start : start + _COLUMNS] = taken.T @ (taken @ columns)


def _products(columns: Floats) -> npt.NDArray[np.float64]:
    """The products of columns with each other: [n, k] to [k, k]."""
    total = np.zeros((columns.shape[1], columns.shape[1]))
    for start in range(0, len(columns), _AT_ONCE):
        block = columns[start : start + _AT_ONCE].astype(np.float64)
        total += block.T @ block
    return total


def _root(products: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What makes columns of these products orthogonal and of length 1, or 0 where they depend on others: [k, k]."""
    squares, directions = np.linalg.eigh(products)
    there = squares > _NOTHING * max(squares[-1], 1e-30)
    return directions * np.where(there, 1.0 / np.sqrt(np.where(there, squares, 1.0)), 0.0)


def _turn(columns: Floats, by: npt.NDArray[np.float64]) -> None:
    """Multiplies in place: [n, k] by [k, k]."""
    for start in range(0, len(columns), _AT_ONCE):
        columns[start : start + _AT_ONCE] = columns[start : start + _AT_ONCE] @ by
