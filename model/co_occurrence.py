"""What is taken together: the item-to-item weights that histories are spread by."""

from __future__ import annotations

import numpy as np
import scipy.linalg
import scipy.sparse as sp

EASE_ITEMS = 6000
"""EASE inverts a dense matrix of so many items at most, those that most users took."""
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
    """
    count = taken.shape[1]
    popular = np.argsort(-np.asarray(taken.sum(0)).ravel(), kind="stable")[:EASE_ITEMS]
    part = taken[:, popular]
    gram = np.asarray((part.T @ part).todense(), np.float32)
    gram[np.diag_indices(len(gram))] += l2
    factor, _ = scipy.linalg.lapack.spotrf(gram, lower=True)
    inverse, _ = scipy.linalg.lapack.spotri(factor, lower=True)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    weights = -inverse / np.diag(inverse)[None]
    weights[np.diag_indices(len(weights))] = 0.0
    neighbours, values = _strongest(weights, neighbour_count(count))
    all_neighbours = np.zeros((count, neighbours.shape[1]), np.int32)
    all_values = np.zeros(all_neighbours.shape, np.float32)
    all_neighbours[popular], all_values[popular] = popular[neighbours], values
    return all_neighbours, all_values


def cosine(rows: sp.csr_matrix, weight: np.ndarray, shrink: float) -> tuple[np.ndarray, np.ndarray]:
    """The items that share most rows (users, baskets) with each, by the cosine of their columns.

    Source: Sarwar et al., Item-based Collaborative Filtering, WWW 2001.

    Args:
        rows: 1 where a row holds an item, [r, n].
        weight: of each row, [r].
        shrink: added to each column's squared length, so that rare items are near to none.

    Returns:
        Neighbours int32 [n, K] and cosines float32 [n, K], 0 where there is none.
    """
    count = rows.shape[1]
    weighted = (sp.diags(np.sqrt(weight)) @ rows).tocsc().astype(np.float32)
    norm = np.sqrt(np.asarray(weighted.multiply(weighted).sum(0)).ravel() + shrink)
    unit = (weighted @ sp.diags(1.0 / np.maximum(norm, 1e-9))).tocsc().astype(np.float32)
    kept = neighbour_count(count)
    neighbours = np.zeros((count, kept), np.int32)
    values = np.zeros((count, kept), np.float32)
    step = max(1, 20_000_000 // max(count, 1))
    for start in range(0, count, step):
        block = (unit[:, start : start + step].T @ unit).toarray()
        block[np.arange(len(block)), np.arange(start, start + len(block))] = 0.0
        neighbours[start : start + step], values[start : start + step] = _strongest(block, kept)
    return neighbours, values


def _strongest(weights: np.ndarray, kept: int) -> tuple[np.ndarray, np.ndarray]:
    """The `kept` entries of each row that are furthest from 0."""
    kept = min(kept, weights.shape[1])
    top = np.argpartition(-np.abs(weights), kept - 1, axis=1)[:, :kept]
    return top.astype(np.int32), np.take_along_axis(weights, top, 1)
