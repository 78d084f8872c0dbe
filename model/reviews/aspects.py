"""What a shop's customers call delivery, size, quality: their phrases that the encoder finds near to some words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

MOST = 12
"""Phrases of an aspect."""
LEAST = 0.3
"""The cosine of a phrase with its aspect at least, both less the mean of their kind, which takes the language out."""


def named(
    phrases: Sequence[str], vectors: np.ndarray, seeds: Mapping[str, np.ndarray]
) -> dict[str, list[str]]:
    """The phrases of each aspect, those nearest to it first; a phrase is of one aspect at most.

    Example:
        >>> vectors = np.array([[0.0, 1.0], [1.0, 0.0]])
        >>> named(["courier", "fabric"], vectors, {"delivery": vectors[:1], "quality": vectors[1:]})
        {'delivery': ['courier'], 'quality': ['fabric']}

    Args:
        phrases: of the shop, [p].
        vectors: of these, [p, d].
        seeds: by aspect the vectors of some words, [s, d].
    """
    if not phrases or not seeds:
        return {name: [] for name in seeds}
    names = list(seeds)
    means = np.stack([seeds[name].mean(0) for name in names])
    near = _centred(vectors) @ _centred(means).T
    best = near.argmax(1)
    found = {}
    for number, name in enumerate(names):
        rows = np.flatnonzero((best == number) & (near[:, number] >= LEAST))
        found[name] = [phrases[row] for row in rows[np.argsort(-near[rows, number], kind="stable")][:MOST]]
    return found


def _centred(vectors: np.ndarray) -> np.ndarray:
    """Less their mean, of unit length: [n, d]."""
    moved = vectors - vectors.mean(0)
    length: np.ndarray = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(moved / np.maximum(length, 1e-9))
