"""BM25 over the titles: what a search must beat."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from scipy import sparse

from aisle.components.evaluator.measures.metrics import Floats

K1, B = 1.2, 0.75
_WORD = re.compile(r"\w+")


def tokenize(text: str) -> list[str]:
    """Returns the words of a text: compatibility forms unified, case folded, cut at non-word characters."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


class BM25:
    """Scores every title against queries (Robertson et al. 1994; the never negative idf of Lucene)."""

    def __init__(self, titles: Sequence[str]) -> None:
        """Indexes the titles; a title's place in `titles` is its column in `scores`."""
        documents = [tokenize(title) for title in titles]
        words = sorted({word for document in documents for word in document})
        self._column = {word: column for column, word in enumerate(words)}
        self._weights = self._weigh(self._counts(documents))

    def scores(self, queries: Sequence[str]) -> Floats:
        """Returns the score of every title for every query, [queries, titles]; 0 without a common word."""
        counts = self._counts([tokenize(query) for query in queries])
        return np.asarray((counts @ self._weights.T).toarray(), np.float64)

    def _counts(self, documents: Sequence[list[str]]) -> sparse.csr_matrix:
        known = [[self._column[word] for word in document if word in self._column] for document in documents]
        rows = np.repeat(np.arange(len(known)), [len(columns) for columns in known])
        columns = np.array([column for document in known for column in document], np.int64)
        shape = (len(documents), max(len(self._column), 1))
        return sparse.csr_matrix((np.ones(len(columns)), (rows, columns)), shape=shape)

    @staticmethod
    def _weigh(counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """Turns counts into idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / mean length))."""
        titles = counts.shape[0]
        length = np.asarray(counts.sum(axis=1)).ravel()
        holding = np.asarray((counts > 0).sum(axis=0)).ravel()
        idf = np.log1p((titles - holding + 0.5) / (holding + 0.5))
        cells = counts.tocoo()
        relative = length[cells.row] / max(length.mean() if titles else 0.0, 1e-9)
        saturated = cells.data * (K1 + 1.0) / (cells.data + K1 * (1.0 - B + B * relative))
        return sparse.csr_matrix((idf[cells.col] * saturated, (cells.row, cells.col)), shape=counts.shape)
