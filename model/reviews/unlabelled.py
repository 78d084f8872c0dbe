"""What reviews teach of which nothing is known: the characters learn from them what both models together make of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

from aisle.model.reviews.folds import FOLDS, Floats, Ints, by_characters, by_states, crossed
from aisle.model.reviews.ngrams import NGrams, counted, fitted, weighed

LOOSE = 1e3
"""The regularisation of three numbers is none."""
_STRENGTH = 1.0
"""The inverse of the regularisation: what is only believed is followed less closely than what is known."""


@dataclasses.dataclass(frozen=True)
class Unlabelled:
    """Reviews of which it isn't known whether they are good.

    Example:
        >>> others = Unlabelled(["fine", "so so"], np.zeros((1, 8), np.float32))
        >>> len(others.texts), len(others.states)  # The encoder read the first.
        (2, 1)

    Attributes:
        texts: [u].
        states: of the encoder, of the first of them, [m, d]; the others are judged by their characters alone.
    """

    texts: Sequence[str]
    states: npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Taught:
    """What came of them.

    Example:
        >>> taught = Taught(None, np.zeros(3), np.zeros(3))
        >>> len(taught.of_characters)
        3

    Attributes:
        ngrams: learnt from all.
        of_characters: logits of the known reviews by such models that didn't know them, [n].
        of_states: the same of the encoder's states.
    """

    ngrams: NGrams
    of_characters: Floats
    of_states: Floats


def teach(
    texts: Sequence[str],
    good: Ints,
    states: npt.NDArray[np.float32],
    others: Unlabelled,
    fold: Ints,
    seed: int,
) -> Taught:
    """Self-training (Scudder, 1965) across two views (Blum and Mitchell, COLT 1998).

    Models of the known reviews judge the others, each weighed by how sure it is, and the characters learn from both. So they
    come to know words that no known review holds. A known review's own logit is by models that knew neither it nor what it would
    have had others be.

    Args:
        texts: of which it is known, [n].
        good: whether they are good, [n].
        states: of these, [n, d].
        others: of which it isn't.
        fold: of each known one, [n].
        seed: of the draws.
    """
    hashes, counts = counted([*texts, *others.texts])
    rest = np.arange(len(good), counts.shape[0])
    of_characters, characters_say = crossed(by_characters(counts, good), fold, rest)
    joint = np.concatenate([states, others.states])
    of_states, states_say = crossed(by_states(joint, good, seed), fold, rest[: len(others.states)])
    judge = _Judge(of_characters, of_states, good)
    taught = np.zeros(len(good))
    for held in range(FOLDS):
        said = judge(characters_say[held], states_say[held])
        rows, goods, weight = _both(np.flatnonzero(fold != held), good, rest, said)
        matrix, scale = weighed(counts[rows], goods)
        model = fitted(matrix, goods, weight, _STRENGTH)
        unseen = np.flatnonzero(fold == held)
        taught[unseen] = model.decision_function(weighed(counts[unseen], like=scale)[0])
    # The mean of the folds' models judges better than any of them.
    said = judge(characters_say.mean(0), states_say.mean(0))
    rows, goods, weight = _both(np.arange(len(good)), good, rest, said)
    ngrams = NGrams.learn(hashes, sp.csr_matrix(counts[rows]), goods, weight, _STRENGTH)
    return Taught(ngrams, taught, of_states)


class _Judge:
    """Weighs both logits by how right each was on known reviews that it hadn't seen: the probability of being good."""

    def __init__(self, of_characters: Floats, of_states: Floats, good: Ints) -> None:
        self._alone = LogisticRegression(C=LOOSE).fit(of_characters[:, None], good)
        self._both = LogisticRegression(C=LOOSE).fit(np.stack([of_characters, of_states], 1), good)

    def __call__(self, characters: Floats, states: Floats) -> Floats:
        """Of logits [u] and, of the first of these, [m], to [u]."""
        read = len(states)
        both = np.stack([characters[:read], states], 1)
        parts = [
            model.predict_proba(logits)[:, 1]
            for model, logits in ((self._both, both), (self._alone, characters[read:, None]))
            if len(logits)
        ]
        return np.concatenate(parts)


def _both(known: Ints, good: Ints, rest: Ints, said: Floats) -> tuple[Ints, Ints, Floats]:
    """Rows to learn from, whether they are good, and how much each counts."""
    goods = np.concatenate([good[known], (said > 0.5).astype(np.int64)])
    return np.concatenate([known, rest]), goods, np.concatenate([np.ones(len(known)), np.abs(2 * said - 1)])
