"""What is taken together: the item-to-item weights that histories are spread by."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import scipy.linalg
import scipy.sparse as sp

CLOSED_FORM_ITEMS = 12_500
"""A dense matrix of so many items at most is inverted, those that most users took: 0.7 GB of memory at the peak."""
PAST_ORDERS, FUTURE_ORDERS = 10, 4
"""How many orders before a moment foretell how many after it."""
PAST_DECAY, FUTURE_DECAY = 0.7, 0.3
"""What an order counts beside the one that is next nearest to the moment."""
DENSE_ITEMS = 20_000
"""Up to here the cosines of all pairs of items are looked through, beyond it those that are not 0."""
_ITEMS_AT_ONCE = 10_000
_PAIRS_AT_ONCE = 4_000_000
"""Pairs of items that share a row, of a block: about 70 bytes each."""
_ROWS_AT_ONCE = 1_000
_CELLS = 4_000_000
"""Weights kept at most, all items together."""


def neighbour_count(items: int) -> int:
    """How many neighbours of each item are kept: 400 for small catalogues, fewer for large ones."""
    return min(items, int(np.clip(_CELLS // max(items, 1), 20, 400)))


def ease(taken: sp.csr_matrix, l2: float) -> tuple[np.ndarray, np.ndarray]:
    """The strongest weights of EASE: the linear model of each item by all others, in closed form.

    Source: Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019, equation 8.

    Args:
        taken: how much a user took an item, [u, n].
        l2: the regularisation.

    Returns:
        For each item the items it speaks for or against, int32 [n, K], and how much, float32 [n, K].

    Example:
        >>> taken = sp.csr_matrix([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        >>> items, weights = ease(taken, l2=1.0)
        >>> first = dict(zip(items[0].tolist(), weights[0].astype(float).round(3).tolist(), strict=True))
        >>> first[1], abs(first[2])  # The first item goes with the second, not with the third.
        (0.667, 0.0)
    """
    popular = _popular(taken)
    inverse = _inverse(taken[:, popular], l2)
    own = -np.diag(inverse).copy()[None]

    def weights(start: int) -> np.ndarray:
        block = inverse[start : start + _ROWS_AT_ONCE] / own
        block[np.arange(len(block)), np.arange(start, start + len(block))] = 0.0
        return block

    return _neighbours(weights, popular, taken.shape[1])


def transitions(orders: sp.csr_matrix, users: np.ndarray, l2: float) -> tuple[np.ndarray, np.ndarray]:
    """The strongest weights of the linear model of what is ordered next by what was ordered before.

    The nearer an order is to a moment, the more it counts on either side; an item may foretell itself.

    Source: Choi et al., Session-aware Linear Item-Item Models for Session-based Recommendation,
    WWW 2021, SLIT (equation 9), over the orders of a user instead of the clicks of a session.

    Args:
        orders: 1 where an order holds an item, ascending by user and time, [o, n].
        users: who ordered, [o].
        l2: the regularisation.

    Returns:
        As of `ease`.
    """
    popular = _popular(orders)
    part = orders[:, popular].astype(np.float32)
    past = _shifted(users, range(1, PAST_ORDERS + 1), PAST_DECAY) @ part
    future = _shifted(users, range(0, -FUTURE_ORDERS, -1), FUTURE_DECAY) @ part
    follow, inverse = (past.T @ future).tocsr().T, _inverse(past, l2)

    def weights(start: int) -> np.ndarray:
        return np.ascontiguousarray((follow @ inverse[:, start : start + _ROWS_AT_ONCE]).T)

    return _neighbours(weights, popular, orders.shape[1])


def _popular(taken: sp.csr_matrix) -> np.ndarray:
    return np.argsort(-np.asarray(taken.sum(0)).ravel(), kind="stable")[:CLOSED_FORM_ITEMS]


def _inverse(rows: sp.csr_matrix, l2: float) -> np.ndarray:
    """The inverse of the columns' inner products with `l2` added to the diagonal: float32 [n, n]."""
    gram, columns = np.empty((rows.shape[1], rows.shape[1]), np.float32), rows.T.tocsr()
    for start in range(0, len(gram), _ROWS_AT_ONCE):
        gram[start : start + _ROWS_AT_ONCE] = (columns[start : start + _ROWS_AT_ONCE] @ rows).toarray()
    gram[np.diag_indices(len(gram))] += l2
    # A symmetric matrix is its transpose, whose memory is in LAPACK's order: nothing is copied.
    factor, _ = scipy.linalg.lapack.spotrf(gram.T, lower=True, overwrite_a=True)
    inverse, _ = scipy.linalg.lapack.spotri(factor, lower=True, overwrite_c=True)
    # LAPACK fills one half: the other is its mirror image, made in place.
    for start in range(0, len(inverse), _ROWS_AT_ONCE):
        end = start + _ROWS_AT_ONCE
        inverse[start:end, end:] = inverse[end:, start:end].T
        corner = inverse[start:end, start:end]
        corner += np.tril(corner, -1).T
    return np.asarray(inverse.T)


def _shifted(users: np.ndarray, steps: range, decay: float) -> sp.csr_matrix:
    """Sums each user's rows from so many steps before (or, below 0, after), the nearest counting 1: [o, o]."""
    total = sp.csr_matrix((len(users), len(users)), dtype=np.float32)
    for place, step in enumerate(steps):
        row = np.arange(max(step, 0), len(users) + min(step, 0))
        row = row[users[row] == users[row - step]]
        cells = (np.full(len(row), decay**place, np.float32), (row, row - step))
        total += sp.csr_matrix(cells, total.shape)
    return total


def _neighbours(
    weights: Callable[[int], np.ndarray], popular: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """The strongest of the weights among `popular`, as rows of the whole catalogue.

    Args:
        weights: `_ROWS_AT_ONCE` rows of them, from a given one on.
        popular: rows of the catalogue, [p].
        count: of the catalogue.
    """
    neighbours = np.zeros((count, min(neighbour_count(count), len(popular))), np.int32)
    values = np.zeros(neighbours.shape, np.float32)
    for start in range(0, len(popular), _ROWS_AT_ONCE):
        found, strength = _strongest(weights(start), neighbours.shape[1])
        rows = popular[start : start + _ROWS_AT_ONCE]
        neighbours[rows], values[rows] = popular[found], strength
    return neighbours, values


def cosine(rows: sp.csr_matrix, weight: np.ndarray, shrink: float) -> tuple[np.ndarray, np.ndarray]:
    """The items that share most rows (users, baskets) with each, by the cosine of their columns.

    Source: Sarwar et al., Item-based Collaborative Filtering, WWW 2001.

    Args:
        rows: 1 where a row holds an item, [r, n].
        weight: of each row, [r].
        shrink: added to each column's squared length, so that rare items are near to none; above 0 the cosines
            are smaller than cosines are.

    Returns:
        Neighbours int32 [n, K] and cosines float32 [n, K], 0 where there is none.

    Example:
        >>> orders = sp.csr_matrix([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
        >>> items, cosines = cosine(orders, weight=np.ones(2), shrink=0.0)
        >>> first = dict(zip(items[0].tolist(), cosines[0].astype(float).round(3).tolist(), strict=True))
        >>> first[1], first[2]  # 1 / sqrt(2)
        (0.707, 0.707)
    """
    count = rows.shape[1]
    weighted = (sp.diags(np.sqrt(weight)) @ rows).tocsc().astype(np.float32)
    norm = np.sqrt(np.asarray(weighted.multiply(weighted).sum(0)).ravel() + shrink)
    unit = (weighted @ sp.diags(1.0 / np.maximum(norm, 1e-9))).tocsc().astype(np.float32)
    kept = neighbour_count(count)
    if count > DENSE_ITEMS:
        return _strongest_products(unit, unit.tocsr(), kept)
    neighbours = np.zeros((count, kept), np.int32)
    values = np.zeros((count, kept), np.float32)
    step = max(1, 20_000_000 // max(count, 1))
    for start in range(0, count, step):
        block = (unit[:, start : start + step].T @ unit).toarray()
        block[np.arange(len(block)), np.arange(start, start + len(block))] = 0.0
        neighbours[start : start + step], values[start : start + step] = _strongest(block, kept)
    return neighbours, values


def conditional(rows: sp.csr_matrix, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The items that share most rows with each, however many rows of their own they have.

    Source: Deshpande and Karypis, Item-based Top-N Recommendation Algorithms, TOIS 2004, equation 2 with the frequency of
    the other item left as it is: what is bought often is near to what few bought.

    Args:
        rows: 1 where a row holds an item, [r, n].
        weight: of each row, [r].

    Returns:
        As of `cosine`: the weight of the rows that an item shares with another, by the root of how many hold the item.

    Example:
        >>> orders = sp.csr_matrix([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
        >>> items, weights = conditional(orders, weight=np.ones(4))
        >>> first = dict(zip(items[0].tolist(), weights[0].astype(float).round(3).tolist(), strict=True))
        >>> first[1], first[2]  # 2 / sqrt(4), 1 / sqrt(4)
        (1.0, 0.5)
    """
    taken = np.asarray(rows.sum(0)).ravel()
    mine = (rows @ sp.diags(1.0 / np.sqrt(np.maximum(taken, 1.0)))).tocsc().astype(np.float32)
    theirs = (sp.diags(weight) @ rows).tocsr().astype(np.float32)
    return _strongest_products(mine, theirs, neighbour_count(rows.shape[1]))


def _strongest_products(
    mine: sp.csc_matrix, theirs: sp.csr_matrix, kept: int
) -> tuple[np.ndarray, np.ndarray]:
    """The largest inner products of each column with the others, by the pairs that share a row alone, not by all pairs.

    Which of equals comes last may differ from `_strongest`.

    Args:
        mine: the columns of each item, [r, n].
        theirs: those that they are compared with, [r, n].
        kept: neighbours of each item.
    """
    count = mine.shape[1]
    neighbours, values = np.zeros((count, kept), np.int32), np.zeros((count, kept), np.float32)
    for start, end in _blocks(mine, theirs):
        block = (mine[:, start:end].T.tocsr() @ theirs).tocoo()
        pairs = block.col != block.row + start
        row, col, data = block.row[pairs], block.col[pairs], block.data[pairs]
        order = np.lexsort((-data, row))
        row, col, data = row[order], col[order], data[order]
        place = np.arange(len(row)) - np.searchsorted(row, row)
        first = place < kept
        at = (row[first] + start, place[first])
        neighbours[at], values[at] = col[first], data[first]
    return neighbours, values


def _blocks(mine: sp.csc_matrix, theirs: sp.csr_matrix) -> Iterator[tuple[int, int]]:
    """Where blocks of items begin and end, of `_PAIRS_AT_ONCE` products at most, unless a single item has more.

    An item meets no more others than its rows hold, all of them together, and than there are.
    """
    held = np.diff(theirs.indptr)[mine.indices]
    met = np.append(0, np.cumsum(held, dtype=np.int64))
    pairs = np.append(0, np.cumsum(np.minimum(np.diff(met[mine.indptr]), mine.shape[1])))
    start = 0
    while start < mine.shape[1]:
        most = int(np.searchsorted(pairs, pairs[start] + _PAIRS_AT_ONCE, side="right")) - 1
        end = min(max(most, start + 1), start + _ITEMS_AT_ONCE, mine.shape[1])
        yield start, end
        start = end


def _strongest(weights: np.ndarray, kept: int) -> tuple[np.ndarray, np.ndarray]:
    """The `kept` entries of each row that are furthest from 0."""
    neighbours = np.zeros((len(weights), min(kept, weights.shape[1])), np.int32)
    for start in range(0, len(weights), _ROWS_AT_ONCE):
        part = np.abs(weights[start : start + _ROWS_AT_ONCE])
        neighbours[start : start + _ROWS_AT_ONCE] = np.argpartition(part, -neighbours.shape[1], axis=1)[
            :, -neighbours.shape[1] :
        ]
    return neighbours, np.take_along_axis(weights, neighbours, 1)
