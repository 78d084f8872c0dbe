"""Where an item's text says that it stands among who took what: a linear map from texts to the spectrum."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from aisle.model.spilled import SpilledRows

Floats = npt.NDArray[np.float32]
Sums = npt.NDArray[np.float64]

_STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Of the regularisation, as multiples of the texts' mean square; which one, items that haven't been learnt from say."""
_LEAST = 0.01
"""The share of the vectors' squares that texts must tell of items that haven't been learnt from. Numbers for titles tell less, and
that only of the order in which they were given."""
_FOLDS, _SEED = 5, 1
_ALIKE = 1e-4
"""What is left of a text's length, beside what all texts share, by rounding alone."""
_AT_ONCE = 16_384


def spectrum_by_text(texts: Floats | tf.Tensor | SpilledRows, known: Floats, weight: Floats) -> Floats:
    """The items' vectors as their texts tell them, so that few sales, or none, tell where an item stands, too.

    Ridge regression of the vectors on the texts' embeddings, each of length 1 without what all texts share. An item's own
    vector doesn't tell its place: each of five folds of the items is told by the other four. How strong the
    regularisation is, is chosen by what share of the folds' squares is told; less than a hundredth counts as nothing. One
    pass over the texts learns, one tells; beside the result, a block of texts and five matrices of the texts' width are held.

    Source: the linear map of Gantner et al., Learning Attribute-to-Feature Mappings for Cold-Start Recommendations, ICDM
    2010, in closed form.

    Args:
        texts: embeddings, float32 [n, d], read in blocks; zeros say nothing.
        known: the items' vectors, float32 [n, w].
        weight: what each counts, float32 [n]; 0 where nothing is known.

    Returns:
        float32 [n, w], zeros of an item whose text says nothing, and of all where texts don't tell where items stand; [n, 0]
        where texts tell no item from another.

    Example:
        >>> draw = np.random.default_rng(0)
        >>> texts = draw.normal(size=(100, 2)).astype(np.float32)
        >>> said = texts - texts.mean(0)
        >>> known = said / np.linalg.norm(said, axis=1, keepdims=True) @ np.array([[2.0], [1.0]], np.float32)
        >>> told = spectrum_by_text(texts, known, np.ones(100, np.float32))
        >>> bool(np.corrcoef(told[:, 0], known[:, 0])[0, 1] > 0.99)
        True
    """
    fold = np.random.default_rng(_SEED).integers(0, _FOLDS, len(known))
    shared, width = _shared(texts), known.shape[1]
    squares, whole = np.zeros((_FOLDS, len(shared), len(shared))), 0.0
    products = np.zeros((_FOLDS, len(shared), width))
    told = False
    for number, rows, said in _apart(texts, shared, fold):
        counted = said * weight[rows, None]
        squares[number] += said.T @ counted
        products[number] += counted.T @ known[rows]
        whole += float(weight[rows] @ np.square(known[rows], dtype=np.float64).sum(1))
        told = told or bool(said.any())
    if not told:
        return np.zeros((len(known), 0), np.float32)
    maps, share = _maps(squares, products, whole)
    found = np.zeros((len(known), width), np.float32)
    if share < _LEAST:
        return found
    for number, rows, said in _apart(texts, shared, fold):
        found[rows] = said @ maps[number]
    return found


def _maps(squares: Sums, products: Sums, whole: float) -> tuple[Floats, float]:
    """Of each fold by the others, of the strength that tells most: [k, d, d] and [k, d, w] to [k, d, w].

    And what share of the vectors' squares, `whole` in all, one multiple of what they tell tells.
    """
    rest = ~np.eye(_FOLDS, dtype=np.bool_)
    tried = np.stack([_ridges(squares[others].sum(0), products[others].sum(0)) for others in rest], 1)
    right = np.maximum((tried * products).sum((1, 2, 3)), 0.0)
    worth = right**2 / np.maximum((tried * (squares @ tried)).sum((1, 2, 3)), 1e-30)
    best = int(np.argmax(worth))
    return tried[best].astype(np.float32), float(worth[best]) / max(whole, 1e-30)


def _ridges(squares: Sums, products: Sums) -> Sums:
    """Ridge regression of each strength: [d, d] and [d, w] to [s, d, w]; nothing learnt is nothing told."""
    values, directions = np.linalg.eigh(squares)
    values, turned = np.maximum(values, 0.0)[:, None], directions.T @ products
    mean = max(values.mean(), 1e-30)
    return np.stack([directions @ (turned / (values + strength * mean)) for strength in _STRENGTHS])


def _shared(texts: Floats | tf.Tensor | SpilledRows) -> Floats:
    """The mean of the texts that say something: float32 [d]."""
    total, count = np.zeros(int(texts.shape[1])), 0
    for start in range(0, int(texts.shape[0]), _AT_ONCE):
        block = np.asarray(texts[start : start + _AT_ONCE])
        total += block.sum(0, dtype=np.float64)
        count += int(np.any(block != 0, axis=1).sum())
    return (total / max(count, 1)).astype(np.float32)


def _apart(
    texts: Floats | tf.Tensor | SpilledRows, shared: Floats, fold: npt.NDArray[np.int64]
) -> Iterator[tuple[int, npt.NDArray[np.int64], Floats]]:
    """Of each fold, some at a time: its number, rows [m], and their texts of length 1, without what all share, [m, d]."""
    for start in range(0, len(fold), _AT_ONCE):
        block = np.asarray(texts[start : start + _AT_ONCE])
        length = np.linalg.norm(block, axis=1, keepdims=True)
        said = np.where(length > 0, block - shared, 0.0)
        left = np.linalg.norm(said, axis=1, keepdims=True)
        said = np.divide(said, left, out=np.zeros_like(said), where=left > _ALIKE * length)
        for number in range(_FOLDS):
            rows = np.flatnonzero(fold[start : start + _AT_ONCE] == number)
            yield number, start + rows, said[rows]
