"""How likely a review is a good one: characters and understanding together, as far as each was right on what it hadn't seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from aisle.model.reviews.folds import FOLDS, Floats, Ints, by_characters, by_states, crossed, folds
from aisle.model.reviews.kernel import Kernel
from aisle.model.reviews.ngrams import NGrams, counted
from aisle.model.reviews.unlabelled import LOOSE, Unlabelled, teach

_FEWEST = 4 * FOLDS
"""Good and bad texts with states, of each."""


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
    others: Unlabelled | None = None,
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
        others: reviews of which it isn't known; see `teach`. Only where the encoder read all that are known.
    """
    good = np.asarray(good, np.int64)
    fold = folds(good, seed)
    read = np.arange(len(good)) if read is None else read
    if states is None or np.bincount(good[read], minlength=2).min() < _FEWEST:
        ngrams, of_characters = _by_characters(texts, good, fold)
        return _together(ngrams, None, of_characters, None, good, read)
    kernel = Kernel.learn(states, good[read], seed)
    if others is not None and len(others.texts) and len(read) == len(good):
        taught = teach(texts, good, states[np.argsort(read)], others, fold, seed)
        return _together(taught.ngrams, kernel, taught.of_characters, taught.of_states[read], good, read)
    ngrams, of_characters = _by_characters(texts, good, fold)
    of_states, _ = crossed(by_states(states, good[read], seed), fold[read])
    return _together(ngrams, kernel, of_characters, of_states, good, read)


def _by_characters(texts: Sequence[str], good: Ints, fold: Ints) -> tuple[NGrams, Floats]:
    """The model of all texts, and the logits of each by models of others."""
    hashes, counts = counted(texts)
    of_characters, _ = crossed(by_characters(counts, good), fold)
    return NGrams.learn(hashes, counts, good), of_characters


def _together(
    ngrams: NGrams,
    kernel: Kernel | None,
    of_characters: Floats,
    of_states: Floats | None,
    good: Ints,
    read: np.ndarray,
) -> Learnt:
    """Weighs both by how right each was on what it hadn't seen: logits of characters, [n], and of states, [m], of `read`."""
    alone = LogisticRegression(C=LOOSE).fit(of_characters[:, None], good)
    probability = alone.predict_proba(of_characters[:, None])[:, 1]
    by_letters = Sentiment(ngrams, None, [*alone.coef_[0], alone.intercept_[0]])
    if kernel is None or of_states is None:
        return Learnt(by_letters, by_letters, probability)
    logits = np.stack([of_characters[read], of_states], 1)
    stack = LogisticRegression(C=LOOSE).fit(logits, good[read])
    probability[read] = stack.predict_proba(logits)[:, 1]
    model = Sentiment(ngrams, kernel, [*stack.coef_[0], stack.intercept_[0]])
    return Learnt(model, by_letters, probability)
