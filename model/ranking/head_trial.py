"""Whether a ranking head that begins with another shop's weights is surely better than one that begins at random."""

from __future__ import annotations

import tempfile

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from aisle.model.gain import Floats, Gain, ndcg_of
from aisle.model.options import RankingOptions
from aisle.model.ranking.features_trainer import Rows, train_features
from aisle.model.ranking.numbers import Ensemble, log_odds
from aisle.model.ranking.rows import choose, judged_rows, numbers
from aisle.model.ranking.taught_head import PART, why_not
from aisle.model.transfer.taught import HeadWeights
from aisle.schema import features as f

ENOUGH = 300
"""With so many questions in validation it judges alone; with fewer all questions do, each asked of heads that learnt of others."""
FOLDS = 3
_CHOOSES = 10
"""One of so many questions that are learnt from chooses the epoch instead."""
_SCORED = 65_536


def head_gain(train: Rows, valid: Rows, options: RankingOptions, theirs: HeadWeights | None) -> Gain:
    """What it is worth to begin with another shop's head.

    Both kinds of head are trained on the same candidates and order the same ones that they haven't seen.

    Args:
        train: ranking examples as tensors.
        valid: the same.
        options: of the head; one member is tried.
        theirs: another shop's.
    """
    why = why_not(theirs)
    if why:
        return Gain.off(PART, why)
    options = options.model_copy(update={"members": 1})
    trials = [
        [_judged(learnt, asked, options, start) for start in (theirs, None)]
        for learnt, asked in _parts(train, valid, options.seed)
    ]
    theirs_found, own = (np.concatenate([trial[kind] for trial in trials]) for kind in (0, 1))
    return Gain.of(PART, theirs_found, own)


def _parts(train: Rows, valid: Rows, seed: int) -> list[tuple[Rows, Rows]]:
    """What is learnt from, and what is asked then."""
    if len(np.unique(questions(valid)[_taken(valid)])) >= ENOUGH:
        return [(train, valid)]
    rows = {name: tf.concat([values, valid[name]], 0) for name, values in train.items()}
    asked = questions(rows)
    fold = np.random.default_rng(seed).integers(FOLDS, size=int(asked.max(initial=0)) + 1)[asked]
    parts = [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(FOLDS)]
    return [
        (choose(rows, learnt), choose(rows, tested))
        for learnt, tested in parts
        if len(learnt) and len(tested)
    ]


def questions(rows: Rows) -> npt.NDArray[np.int64]:
    """Which question each example belongs to, by its query and its history: [n]."""
    texts = tf.strings.join([rows[f.RANK_QUERY.name], rows[f.RANK_HISTORY.name]], "\n").numpy().astype("S")
    return np.asarray(np.unique(texts, return_inverse=True)[1].ravel(), np.int64)


def _judged(learnt: Rows, asked: Rows, options: RankingOptions, theirs: HeadWeights | None) -> Floats:
    """NDCG of each question that something was taken of."""
    chooses = questions(learnt) % _CHOOSES == 0
    rest, part = (choose(learnt, np.flatnonzero(some)) for some in (~chooses, chooses))
    with tempfile.TemporaryDirectory() as scratch:
        tf.keras.utils.set_random_seed(options.seed)
        head = train_features(rest, part, options, scratch, theirs)
    asked = choose(asked, np.flatnonzero(~judged_rows(asked)))
    return ndcg_of(questions(asked), _scores(head, asked), _taken(asked))


def _scores(head: Ensemble, rows: Rows) -> Floats:
    """The log odds of a purchase of recommendations, where that is known, and else of a click: [n]."""
    values = numbers(rows)
    parts = [
        log_odds(head(values[start : start + _SCORED])) for start in range(0, max(len(values), 1), _SCORED)
    ]
    click, conversion = (np.concatenate([part[kind].numpy() for part in parts]) for kind in (0, 1))
    bought = (rows[f.RANK_QUERY.name].numpy() == b"") & (rows[f.CONVERSION.name].numpy() >= 0)
    return np.asarray(np.where(bought, conversion, click), np.float64)


def _taken(rows: Rows) -> npt.NDArray[np.bool_]:
    """Whether each candidate was bought or, where that is unknown, clicked: [n]."""
    click, conversion = (rows[name.name].numpy() for name in (f.CLICK, f.CONVERSION))
    return np.asarray(np.where(conversion >= 0, conversion, click) >= 0.5, np.bool_)
