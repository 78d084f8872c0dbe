"""Items as vectors by the words of their titles, for a shop that has no better ones: alike items rise and fall together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import scipy.sparse
import scipy.sparse.linalg

WIDTH = 32
FEWEST = 3
"""Titles that must hold a word for it to count."""


def title_vectors(titles: Sequence[str], width: int = WIDTH) -> np.ndarray:
    """Latent semantic analysis (Deerwester and others, 1990): the first singular vectors of titles by words, each of length 1.

    Args:
        titles: one an item, "" where there is none.
        width: numbers of a vector at most; a shop of few words has fewer.

    Returns:
        Float32 [n, width], of zeros where no word of a title occurs in others.
    """
    words = pl.DataFrame(
        {"item": np.arange(len(titles)), "word": pl.Series(titles, dtype=pl.String).str.to_lowercase()}
    )
    words = (
        words.with_columns(pl.col("word").str.extract_all(r"\w+"))
        .explode("word")
        .drop_nulls()
        .unique(maintain_order=True)
    )
    words = words.filter(pl.len().over("word") >= FEWEST)
    vocabulary = words["word"].unique().sort()
    vectors = np.zeros((len(titles), width), np.float32)
    rank = min(width, len(vocabulary) - 1, len(titles) - 1)
    if rank < 1:
        return vectors
    places = (words["item"].to_numpy(), vocabulary.search_sorted(words["word"]).to_numpy())
    rarity = np.log(len(titles) / np.bincount(places[1]))
    matrix = scipy.sparse.csr_matrix((rarity[places[1]], places), (len(titles), len(vocabulary)))
    start = np.full(min(matrix.shape), 1.0)
    left, values, _ = scipy.sparse.linalg.svds(matrix, rank, v0=start)
    order = np.argsort(-values)
    own = left[:, order] * values[order]
    length = np.linalg.norm(own, axis=1, keepdims=True)
    vectors[:, :rank] = np.divide(own, length, out=np.zeros_like(own), where=length > 1e-6)
    return vectors
