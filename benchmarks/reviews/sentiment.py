"""The sentiment of Chinese shop reviews, learnt from their labels, beside what it must beat.

    python -m benchmarks.reviews.sentiment --source ../shared/data/reviews-zh [--read 15000] [--states FILE] [--check]

62,724 reviews of ten categories, exact duplicates out; a stratified fifth tests (seed 1). The characters are learnt from all
labels, what the encoder (multilingual-e5-small, frozen) understands from `--read` of them, since reading takes nearly all of
the time. With fewer labels, 1,500 reviews train both. A category left out is tested on its reviews of the test fifth, by models
of the reviews of all others. The expected calibration error (Naeini et al., AAAI 2015) is of 15 bins.
"""

from __future__ import annotations

import argparse
import pathlib
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table

Found = dict[str, Any]
FEW = 1_500
BINS = 15
LEFT_OUT = {"平板": "tablets", "手机": "phones", "酒店": "hotels", "书籍": "books"}

FIGURES = (
    Figure("accuracy", lambda found: found["rows"]["aisle, all labels"], least=0.945),
    Figure("accuracy_of_1500", lambda found: found["rows"]["aisle, 1,500 labels"], least=0.935),
    Figure("tf_idf", lambda found: found["rows"]["TF-IDF of characters, all labels"]),
    Figure("calibration_error", lambda found: found["calibration_error"], most=0.03),
    Figure("tablets_left_out", lambda found: found["left_out"]["tablets"][0], least=0.90),
    Figure("phones_left_out", lambda found: found["left_out"]["phones"][0], least=0.90),
    Figure("hotels_left_out", lambda found: found["left_out"]["hotels"][0], least=0.90),
    Figure("books_left_out", lambda found: found["left_out"]["books"][0], least=0.82),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="reviews.csv: cat, label, review")
    command.add_argument("--read", type=int, default=15_000, help="training reviews that the encoder reads")
    command.add_argument("--states", type=pathlib.Path, help="keeps what it makes of them in this .npz file")
    command.run(measure, {"reviews": markdown})


def measure(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """The accuracies of ours and of the others."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split

    from aisle.model.reviews.sentiment import learn

    reviews = pd.read_csv(pathlib.Path(told.source) / "reviews.csv", encoding="utf-8-sig").dropna()
    reviews = reviews.drop_duplicates("review").reset_index(drop=True)
    text, good, category = reviews.review.to_numpy(), reviews.label.to_numpy(), reviews.cat.to_numpy()
    train, test = train_test_split(np.arange(len(text)), test_size=0.2, stratify=good, random_state=1)
    train = np.random.default_rng(1).permutation(train)
    read, few = train[: told.read], train[:FEW]
    known = _states(text, np.concatenate([test, read]), told.states, scratch)
    whole = learn(text[train], good[train], known[read], np.arange(len(read)))
    probability = _probability(whole.model, text[test], known[test])
    of_few = learn(text[few], good[few], known[few])
    own = known.width // 4
    linear = LogisticRegression(C=10, max_iter=300).fit(known[few][:, 2 * own : 3 * own], good[few])
    rows = {
        "TF-IDF of characters, 1,500 labels": _tf_idf(text, good, few, test),
        "frozen encoder, linear, 1,500 labels": linear.score(known[test][:, 2 * own : 3 * own], good[test]),
        "aisle, 1,500 labels": _right(_probability(of_few.model, text[test], known[test]), good[test]),
        "TF-IDF of characters, all labels": _tf_idf(text, good, train, test),
        "aisle, all labels": _right(probability, good[test]),
    }
    left_out = {}
    for kind, name in LEFT_OUT.items():
        others, own_test = train[category[train] != kind], test[category[test] == kind]
        # The encoder read the first of the training reviews.
        among = np.flatnonzero(category[read] != kind)
        model = learn(text[others], good[others], known[read[among]], np.arange(len(among))).model
        ours = _right(_probability(model, text[own_test], known[own_test]), good[own_test])
        left_out[name] = (ours, _tf_idf(text, good, others, own_test))
    return {
        "rows": rows,
        "left_out": left_out,
        "calibration_error": calibration_error(probability, good[test]),
        "read": len(read),
        "reviews": len(text),
    }


def calibration_error(probability: np.ndarray, good: np.ndarray) -> float:
    """How far the probabilities of bins lie from the shares of good ones in them, weighted by their size."""
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    gap = np.bincount(place, probability - good, BINS)
    return float(np.abs(gap).sum() / len(good))


class _Known:
    """The states by row of the reviews, [n, d] each."""

    def __init__(self, rows: np.ndarray, states: np.ndarray, count: int) -> None:
        self._place = np.full(count, -1)
        self._place[rows] = np.arange(len(rows))
        self._states = states
        self.width = states.shape[1]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self._states[self._place[rows]].astype(np.float32)


def _states(text: np.ndarray, rows: np.ndarray, path: pathlib.Path | None, scratch: pathlib.Path) -> _Known:
    """What the encoder makes of some reviews, out of the file where it holds these."""
    if path is not None and path.exists():
        with np.load(path) as kept:
            place = {one: at for at, one in enumerate(kept["texts"].tolist())}
            if all(one in place for one in text[rows]):
                return _Known(rows, kept["states"][[place[one] for one in text[rows]]], len(text))
    import tensorflow as tf

    from aisle.model.text.bert import SentenceEncoder
    from aisle.model.text.multilingual import prepare
    from aisle.model.text.states import States

    folder = str(scratch / "bert")
    prepare(folder, text.tolist())
    # Where the processor has it; elsewhere float32 stays.
    tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": True})
    found = States(SentenceEncoder(folder)).read(tf.constant(text[rows].tolist())).numpy().astype(np.float16)
    tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": False})
    if path is not None:
        np.savez(path, texts=text[rows].astype(str), states=found)
    return _Known(rows, found, len(text))


def _probability(model: Any, text: np.ndarray, states: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    found: np.ndarray = model(tf.constant(text.tolist()), tf.constant(states)).numpy()
    return found


def _right(probability: np.ndarray, good: np.ndarray) -> float:
    return float(((probability > 0.5) == good).mean())


def _tf_idf(text: np.ndarray, good: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """TF-IDF of one and two characters, logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
    model = LogisticRegression(C=5, solver="liblinear").fit(vectors.fit_transform(text[train]), good[train])
    return float(model.score(vectors.transform(text[test]), good[test]))


def markdown(found: Found) -> str:
    """The tables people read."""
    said = f"{found['reviews']:,} reviews, of which the encoder read {found['read']:,} to learn; expected calibration error "
    said += f"{found['calibration_error']:.4f}."
    rows = [(name, f"{value:.4f}") for name, value in found["rows"].items()]
    left_out = [(name, *(f"{value:.4f}" for value in both)) for name, both in found["left_out"].items()]
    heads = ("category left out", "aisle", "TF-IDF of characters")
    return "\n\n".join((said, table(("", "accuracy"), rows), table(heads, left_out)))


if __name__ == "__main__":
    main()
