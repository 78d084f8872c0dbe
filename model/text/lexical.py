"""BM25 over word pieces of titles and descriptions, in plain TF ops."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import tensorflow as tf

from aisle.model.stored import stored
from aisle.model.text.bert import Tokenizer
from aisle.model.text.query import QueryReader, fold_all

QUERY_PIECES = 32
TITLE_PIECES = 64
DESCRIPTION_PIECES = 64
DESCRIPTION_WEIGHT = 0.2
"""Of a description's score beside the title's; chosen on judged searches."""
_K1, _B = 1.2, 0.75


class BM25(tf.Module):
    """Okapi BM25 (Robertson and Zaragoza, 2009) as postings: for each word piece, items and weights.

    Example:
        >>> bm25 = BM25(Tokenizer(bert), ["red mug", "blue mug", "mini fridge"])
        >>> scores = bm25(tf.constant(["red mug"]))[0]
        >>> bool(scores[0] > scores[1] > scores[2] == 0)
        True
    """

    def __init__(
        self, tokenizer: Tokenizer, titles: list[str], descriptions: list[str] | None = None
    ) -> None:
        """Weighs each word piece of each item.

        Args:
            tokenizer: of BERT.
            titles: the catalogue's texts, [n].
            descriptions: more of each item's text, scored apart and added with DESCRIPTION_WEIGHT, [n].
        """
        super().__init__()
        self._tokenizer = tokenizer
        self._count = len(titles)
        weights = _weights(tokenizer, titles, TITLE_PIECES).tocsr()
        if descriptions:
            weights += DESCRIPTION_WEIGHT * _weights(tokenizer, descriptions, DESCRIPTION_PIECES).tocsr()
        self._splits = tf.constant(weights.indptr, tf.int64)
        self._items = stored(weights.indices, tf.int32)
        self._weights = stored(weights.data)

    def __call__(self, query: tf.Tensor) -> tf.Tensor:
        """Scores every item for each query: string [b] to float32 [b, n]."""
        pieces = tf.cast(self._tokenizer.pieces(query, QUERY_PIECES), tf.int64)
        postings = tf.RaggedTensor.from_row_splits
        items = tf.gather(postings(self._items, self._splits, validate=False), pieces.values)
        item = tf.cast(items.values, tf.int64)
        weights = tf.gather(postings(self._weights, self._splits, validate=False), pieces.values)
        owner = tf.gather(pieces.value_rowids(), items.value_rowids())
        batch = tf.shape(query, tf.int64)[0]
        flat = tf.math.unsorted_segment_sum(weights.values, owner * self._count + item, batch * self._count)
        return tf.reshape(flat, [batch, self._count])


class TextSearch(tf.Module):
    """The catalogue by its texts: reads a query as the catalogue spells it, and scores every item for it.

    Example:
        >>> text = TextSearch(Tokenizer(bert), ["red mug", "mini fridges"], ["", ""])
        >>> query = text.read(tf.constant(["Fridge"]))
        >>> (text.scores(query) > 0).numpy().tolist()
        [[False, True]]
    """

    def __init__(self, tokenizer: Tokenizer, titles: list[str], descriptions: list[str]) -> None:
        """Args: `tokenizer`: of BERT. `titles`, `descriptions`: of the catalogue, [n]."""
        super().__init__()
        self.read = QueryReader(titles, descriptions, tokenizer.words)
        self._bm25 = BM25(
            tokenizer, *(self.read.stems_of(fold_all(texts)) for texts in (titles, descriptions))
        )

    def scores(self, query: tf.Tensor) -> tf.Tensor:
        """Scores every item for queries that were read: string [b] to float32 [b, n]."""
        return self._bm25(self.read.stems(query))


def _weights(tokenizer: Tokenizer, titles: list[str], limit: int) -> sp.csc_matrix:
    """BM25's weight of each word piece in each title: [word pieces, n]."""
    pieces = tokenizer.pieces(tf.constant(titles, tf.string, [len(titles)]), limit)
    rows, columns = pieces.values.numpy(), pieces.value_rowids().numpy()
    counts = sp.coo_matrix((np.ones(len(rows)), (rows, columns)), (tokenizer.size, len(titles))).tocsr()
    lengths = np.maximum(np.asarray(counts.sum(0)).ravel(), 1.0)
    found = counts.getnnz(1)
    idf = np.log1p((len(titles) - found + 0.5) / (found + 0.5))
    entries = counts.tocoo()
    norm = _K1 * (1 - _B + _B * lengths[entries.col] / lengths.mean())
    data = idf[entries.row] * entries.data * (_K1 + 1) / (entries.data + norm)
    return sp.csc_matrix((data, (entries.row, entries.col)), counts.shape)
