"""Each review judged by models that never saw it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import tensorflow as tf

from aisle.model.reviews.kernel import Kernel
from aisle.model.reviews.ngrams import fitted, weighed

FOLDS = 3

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Scorer = Callable[[Ints], Floats]
"""The logits of rows."""
Teacher = Callable[[Ints], Scorer]
"""What is learnt from rows."""


def folds(good: Ints, seed: int) -> Ints:
    """A fold of each review, as many good ones in each: int [n]."""
    random = np.random.default_rng(seed)
    fold = np.zeros(len(good), np.int64)
    for kind in (0, 1):
        rows = np.flatnonzero(good == kind)
        fold[random.permutation(rows)] = np.arange(len(rows)) % FOLDS
    return fold


def crossed(teach: Teacher, fold: Ints, others: Ints | None = None) -> tuple[Floats, Floats]:
    """The logits of rows by models of the other folds, [n], and those of others by each of these models, [FOLDS, u].

    Args:
        teach: from rows below n.
        fold: of each of these, [n].
        others: more rows; None: there are none.
    """
    others = np.zeros(0, np.int64) if others is None else others
    logits, said = np.zeros(len(fold)), np.zeros((FOLDS, len(others)))
    for held in range(FOLDS):
        score = teach(np.flatnonzero(fold != held))
        unseen = np.flatnonzero(fold == held)
        logits[unseen], said[held] = score(unseen), score(others) if len(others) else 0.0
    return logits, said


def by_characters(counts: sp.csr_matrix, good: Ints) -> Teacher:
    """Learns from the runs of characters, [n + u, h], of rows of which it is known whether they are `good`, [n]."""

    def teach(rows: Ints) -> Scorer:
        matrix, scale = weighed(counts[rows], good[rows])
        model = fitted(matrix, good[rows])
        return lambda asked: np.asarray(
            model.decision_function(weighed(counts[asked], like=scale)[0]), np.float64
        )

    return teach


def by_states(states: npt.NDArray[np.float32], good: Ints, seed: int) -> Teacher:
    """The same from the encoder's states, [n + u, d]."""

    def teach(rows: Ints) -> Scorer:
        kernel = Kernel.learn(states[rows], good[rows], seed)
        return lambda asked: np.asarray(kernel(tf.constant(states[asked], tf.float32)).numpy(), np.float64)

    return teach
