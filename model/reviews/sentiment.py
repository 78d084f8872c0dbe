"""How likely a review is a good one: characters and understanding together, as far as each was right on what it hadn't seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from aisle.model.reviews.kernel import Kernel
from aisle.model.reviews.ngrams import NGrams, counted, fitted, weighed

FOLDS = 3
_FEWEST = 4 * FOLDS
"""Good and bad texts with states, of each."""
_LOOSE = 1e3
"""The regularisation of three numbers is none."""


class Sentiment(tf.Module):
    """Probabilities of being good, calibrated.

    Example:
        >>> texts = ["very good", "good mug", "so bad", "bad mug"] * 5
        >>> model = learn(texts, np.array([1, 1, 0, 0] * 5)).model
        >>> (model(tf.constant(["good mug", "so bad"])).numpy() > 0.5).tolist()
        [True, False]

    Attributes:
        reads: whether the encoder's states are wanted.
    """

    def __init__(self, ngrams: NGrams, kernel: Kernel | None, weights: Sequence[float]) -> None:
        """Args: `ngrams`; the `kernel`, None where no states were there; `weights` of their logits, and the bias."""
        super().__init__()
        self._ngrams, self._kernel = ngrams, kernel
        self._weights = tuple(float(weight) for weight in weights)
        self.reads = kernel is not None

    def __call__(self, text: tf.Tensor, states: tf.Tensor | None = None) -> tf.Tensor:
        """Probabilities: string [n], and `States` of the same texts where it `reads`, to float32 [n]."""
        logit = self._weights[0] * self._ngrams(text) + self._weights[-1]
        if self._kernel is not None:
            logit += self._weights[1] * self._kernel(states)
        return tf.sigmoid(logit)


@dataclasses.dataclass(frozen=True)
class Learnt:
    """What was learnt.

    Example:
        >>> found = learn(["so good", "too bad"] * 6, np.array([1, 0] * 6))
        >>> (found.probability > 0.5).tolist()[:2]
        [True, False]

    Attributes:
        model: of all reviews.
        alone: the same by characters alone, for texts that the encoder didn't read.
        probability: of each review's being good, by models that never saw it, [n]. Where the encoder read a part of them,
            that of the others is by characters alone.
    """

    model: Sentiment
    alone: Sentiment
    probability: np.ndarray


def learn(
    texts: Sequence[str],
    good: np.ndarray,
    states: np.ndarray | None = None,
    read: np.ndarray | None = None,
    seed: int = 1,
) -> Learnt:
    """Learns from reviews of which it is known.

    Each review is judged by models of other reviews; on these logits a logistic regression weighs both kinds of model and
    calibrates the sum (stacking, Wolpert 1992; with one temperature for each).

    Args:
        texts: of the reviews, [n], each there once.
        good: 1 where good, 0 where bad, [n].
        states: of the encoder, [m, d]; without any, or with those of a few good or bad texts only, characters alone teach.
        read: which texts the states are of, int [m]; None says all.
        seed: of the folds.
    """
    good = np.asarray(good, np.int64)
    fold = _folds(good, seed)
    hashes, counts = counted(texts)
    of_letters = _letters_unseen(counts, good, fold)
    alone = LogisticRegression(C=_LOOSE).fit(of_letters[:, None], good)
    probability = alone.predict_proba(of_letters[:, None])[:, 1]
    ngrams = NGrams.learn(hashes, counts, good)
    by_letters = Sentiment(ngrams, None, [*alone.coef_[0], alone.intercept_[0]])
    read = np.arange(len(good)) if read is None else read
    if states is None or np.bincount(good[read], minlength=2).min() < _FEWEST:
        return Learnt(by_letters, by_letters, probability)
    understood = _understood_unseen(states, good[read], fold[read], seed)
    logits = np.stack([of_letters[read], understood], 1)
    stack = LogisticRegression(C=_LOOSE).fit(logits, good[read])
    probability[read] = stack.predict_proba(logits)[:, 1]
    kernel = Kernel.learn(states, good[read], seed)
    model = Sentiment(ngrams, kernel, [*stack.coef_[0], stack.intercept_[0]])
    return Learnt(model, by_letters, probability)


def _letters_unseen(counts: sp.csr_matrix, good: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The logits of each text's characters, by models of the other folds: [n]."""
    logits = np.zeros(len(good))
    for held in range(FOLDS):
        seen, unseen = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
        matrix, scale = weighed(counts[seen], good[seen])
        logits[unseen] = fitted(matrix, good[seen]).decision_function(weighed(counts[unseen], like=scale)[0])
    return logits


def _understood_unseen(states: np.ndarray, good: np.ndarray, fold: np.ndarray, seed: int) -> np.ndarray:
    """The same of the encoder's states: [m]."""
    logits = np.zeros(len(good))
    for held in range(FOLDS):
        seen = fold != held
        kernel = Kernel.learn(states[seen], good[seen], seed)
        logits[~seen] = kernel(tf.constant(states[~seen], tf.float32)).numpy()
    return logits


def _folds(good: np.ndarray, seed: int) -> np.ndarray:
    """A fold of each review, as many good ones in each: int [n]."""
    random = np.random.default_rng(seed)
    fold = np.zeros(len(good), np.int64)
    for kind in (0, 1):
        rows = np.flatnonzero(good == kind)
        fold[random.permutation(rows)] = np.arange(len(rows)) % FOLDS
    return fold
