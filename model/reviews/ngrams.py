"""Runs of characters of reviews, by their hashes: in TF ops for the graph, as a matrix to learn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from aisle.model.reviews.text import plain
from aisle.model.stored import stored

LONGEST = 4
"""Characters of a run at most: a word of Chinese with its negation, the stem of one of a language with letters."""
_PRIME = 2**31 - 1
_FACTOR = 1_103_515_245
"""Of the polynomial hash (Karp and Rabin, 1987): products stay below 2^62."""
_AT_ONCE = 4096
_STRENGTH = 10.0
"""The inverse of the regularisation; of 3 and 10 the better on Chinese reviews."""


def hashed(text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The different runs of 1 to LONGEST characters of each text; a space stands before and behind it.

    Args:
        text: string [n], read as `plain` reads.

    Returns:
        The text's row, the run's hash, int64, and how often it stands there, int32: each [r], ascending.
    """
    letters = tf.strings.unicode_decode(tf.strings.join([" ", plain(text), " "]), "UTF-8")
    code, row = tf.cast(letters.values, tf.int64), letters.value_rowids()
    value = tf.zeros_like(code)
    keys = []
    for length in range(1, LONGEST + 1):
        value = (value[: tf.size(code) - length + 1] * _FACTOR + code[length - 1 :] + 1) % _PRIME
        whole = row[: tf.size(value)] == row[length - 1 :]
        keys.append(tf.boolean_mask(row[: tf.size(value)] * _PRIME + value, whole))
    found, _, count = tf.unique_with_counts(tf.sort(tf.concat(keys, 0)))
    return found // _PRIME, found % _PRIME, count


def counted(texts: Sequence[str]) -> tuple[np.ndarray, sp.csr_matrix]:
    """The hashes of runs that several texts have, ascending [h], and how often each text has each, [n, h]."""
    function = tf.function(hashed, input_signature=[tf.TensorSpec([None], tf.string)])
    rows, hashes, counts = [], [], []
    for start in range(0, len(texts), _AT_ONCE):
        row, value, count = function(tf.constant(list(texts[start : start + _AT_ONCE])))
        rows.append(row.numpy() + start)
        hashes.append(value.numpy())
        counts.append(count.numpy())
    known, place, of = np.unique(np.concatenate(hashes), return_inverse=True, return_counts=True)
    several = of >= 2
    column = np.cumsum(several) - 1
    there = several[place]
    values = np.concatenate(counts)[there].astype(np.float32)
    where = (np.concatenate(rows)[there], column[place[there]])
    return known[several], sp.csr_matrix((values, where), (len(texts), int(several.sum())))


class NGrams(tf.Module):
    """Logistic regression over runs of characters: TF-IDF, where a run counts more the better it parts good from bad.

    Source: Wang and Manning, Baselines and Bigrams, ACL 2012, for the log ratio of counts; its root weighs here.

    Example:
        >>> texts = ["very good", "good mug", "so bad", "bad mug"] * 3
        >>> model = NGrams.learn(*counted(texts), np.array([1, 1, 0, 0] * 3))
        >>> (model(tf.constant(["good", "bad"])).numpy() > 0).tolist()
        [True, False]
    """

    def __init__(self, hashes: np.ndarray, scale: np.ndarray, weight: np.ndarray, bias: float) -> None:
        """Args: `hashes` known, ascending; by hash, its `scale` in the length and its `weight`: each [h]; the `bias`."""
        super().__init__()
        # -1, which is no hash, stands for all that aren't known.
        self._hashes = stored(np.concatenate([[-1], hashes]), tf.int64)
        self._scale = stored(np.concatenate([[0.0], scale]))
        self._weight = stored(np.concatenate([[0.0], scale * weight]))
        self._bias = tf.constant(bias, tf.float32)

    @classmethod
    def learn(cls, hashes: np.ndarray, counts: sp.csr_matrix, good: np.ndarray) -> NGrams:
        """Learns from counts, [n, h], of the hashes, and whether each text is good, [n]."""
        matrix, scale = weighed(counts, good)
        model = fitted(matrix, good)
        return cls(hashes, scale, model.coef_[0], float(model.intercept_[0]))

    def __call__(self, text: tf.Tensor) -> tf.Tensor:
        """Logits: string [n] to float32 [n]."""
        row, value, count = hashed(text)
        place = tf.searchsorted(self._hashes, value, side="right") - 1
        place = tf.where(tf.gather(self._hashes, place) == value, place, 0)
        amount = 1.0 + tf.math.log(tf.cast(count, tf.float32))
        texts = tf.size(text)
        length = tf.math.unsorted_segment_sum(tf.square(amount * tf.gather(self._scale, place)), row, texts)
        score = tf.math.unsorted_segment_sum(amount * tf.gather(self._weight, place), row, texts)
        return tf.math.divide_no_nan(score, tf.sqrt(length)) + self._bias


def weighed(
    counts: sp.csr_matrix, good: np.ndarray | None = None, like: np.ndarray | None = None
) -> tuple[sp.csr_matrix, np.ndarray]:
    """Rows of unit length, and each run's scale.

    Args:
        counts: how often each text has each run, [n, h].
        good: which texts are good, to learn the scale by.
        like: a scale that was learnt before instead, [h].
    """
    if like is None:
        assert good is not None
        there = counts.copy()
        there.data = np.ones_like(there.data)
        of_good = np.asarray(there[good > 0].sum(0)).ravel()
        of_bad = np.asarray(there[good <= 0].sum(0)).ravel()
        rarity = np.log((1 + len(good)) / (1 + of_good + of_bad)) + 1
        ratio = np.log((of_good + 1) / (of_good + 1).sum()) - np.log((of_bad + 1) / (of_bad + 1).sum())
        like = rarity * np.sqrt(np.abs(ratio))
    amount = counts.copy()
    amount.data = 1.0 + np.log(amount.data)
    scaled = amount @ sp.diags(like)
    length = np.sqrt(np.asarray(scaled.multiply(scaled).sum(1)).ravel())
    return sp.csr_matrix(sp.diags(1.0 / np.maximum(length, 1e-9)) @ scaled), like


def fitted(matrix: sp.csr_matrix, good: np.ndarray) -> LogisticRegression:
    """The regression of the matrix."""
    return LogisticRegression(C=_STRENGTH, solver="liblinear").fit(matrix, good)
