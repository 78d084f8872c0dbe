"""How unlike each other the items of an answer are, how evenly the catalogue is shown, and whether a user's interests are kept.

Answers are item indices, best first, [n, k]; -1 is an empty place. An item given twice counts once. None of it asks a model
what is alike: systems are compared by what the shop says of its items.
"""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pyarrow as pa
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from aisle.components.evaluator.baselines.lexical import tokenize
from aisle.components.evaluator.baselines.recommenders import seen
from aisle.components.evaluator.measures.exposure import groupings
from aisle.components.evaluator.measures.metrics import Floats, Ints, without_repeats
from aisle.components.evaluator.measures.protocol import Protocol, positions

_SMOOTHING = 0.01
"""The share of a user's own distribution that is mixed into the answer's, so that a missing category costs what is finite."""
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
"""Letters of scripts without spaces: pairs of neighbours stand for words."""


@dataclasses.dataclass(frozen=True)
class Contents:
    """What the shop says of its items, in the order of the protocol's indices.

    Attributes:
        words: of title, category and brand by TF-IDF, rows of length 1 or 0, [items, words].
        interests: [items, categories], 1.0 where an item is of a top category; None where the shop states none.
    """

    words: sparse.csr_matrix
    interests: sparse.csr_matrix | None

    @staticmethod
    def of(protocol: Protocol, items: pa.Table) -> Contents:
        """Reads the catalogue: `item_id` and, as far as it is there, `title`, `category`, `brand`."""
        row = positions(protocol.item_ids, items.column("item_id").cast(pa.string()).combine_chunks())
        named = [name for name in ("title", "category", "brand") if name in items.column_names]
        columns = [items.column(name).to_pylist() for name in named]
        texts = [" ".join(str(column[place] or "") for column in columns) for place in row]
        interests = None
        for grouping in groupings(protocol, items):
            if grouping.by == "category":
                cells = (np.ones(len(row)), (np.arange(len(row)), grouping.groups))
                interests = sparse.csr_matrix(cells, shape=(len(row), len(grouping.names)))
        return Contents(_weighed(texts), interests)


def intra_list_diversity(answers: Ints, words: sparse.csr_matrix) -> Floats:
    """The mean of 1 - cosine over the pairs of each answer's items (Smyth and McClave 2001; Ziegler et al. 2005).

    Args:
        answers: item indices [n, k].
        words: of `Contents`, [items, words].

    Returns:
        [n], 0 to 1; NaN of fewer than two items.
    """
    shown = _shown(answers, words.shape[0])
    summed = shown @ words
    alike = np.asarray(summed.multiply(summed).sum(1)).ravel()
    itself = np.asarray(shown @ words.multiply(words).sum(1)).ravel()
    many = np.asarray(shown.sum(1)).ravel()
    pairs = many * (many - 1)
    return 1.0 - np.divide(alike - itself, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)


def gini(exposure: Floats) -> float | None:
    """Returns how unevenly the catalogue is shown: 0 is all items alike, near 1 is one item alone; None where none is shown.

    Args:
        exposure: the attention that each item gets, [items].
    """
    many, total = len(exposure), float(exposure.sum())
    if not total:
        return None
    place = 2.0 * np.arange(1, many + 1) - many - 1
    return float(place @ np.sort(exposure) / (many * total))


def miscalibration(answers: Ints, taken: sparse.csr_matrix, interests: sparse.csr_matrix) -> Floats:
    """How far the categories of each answer are from those of what its user took before (Steck, RecSys 2018), in nats.

    The Kullback-Leibler divergence of the user's own shares from the answer's; 0 where they are the same.

    Args:
        answers: item indices [n, k].
        taken: what each user took, [n, items].
        interests: of `Contents`, [items, categories].

    Returns:
        [n]; NaN for a user without a history or an answer.
    """
    own = np.asarray((taken @ interests).todense(), np.float64)
    given = np.asarray((_shown(answers, interests.shape[0]) @ interests).todense(), np.float64)
    defined = (own.sum(1) > 0) & (given.sum(1) > 0)
    own /= np.maximum(own.sum(1, keepdims=True), 1.0)
    given /= np.maximum(given.sum(1, keepdims=True), 1.0)
    mixed = (1.0 - _SMOOTHING) * given + _SMOOTHING * own
    ratio = np.divide(own, mixed, out=np.ones_like(own), where=own > 0)
    return np.where(defined, (own * np.log(ratio)).sum(1), np.nan)


def taken_before(protocol: Protocol) -> sparse.csr_matrix:
    """What each tested user took before the test, 1.0 where they did. [n, items]."""
    return seen(protocol.train)[protocol.users]


def _shown(answers: Ints, items: int) -> sparse.csr_matrix:
    """1.0 where an item stands in an answer. [n, items]."""
    answers = without_repeats(answers)
    rows, places = np.nonzero(answers >= 0)
    cells = (np.ones(len(rows)), (rows, answers[rows, places]))
    return sparse.csr_matrix(cells, shape=(len(answers), items))


def _weighed(texts: list[str]) -> sparse.csr_matrix:
    """TF-IDF of texts, rows of length 1; nothing where no text has a word."""
    words = [_words(text) for text in texts]
    if not any(words):
        return sparse.csr_matrix((len(texts), 1))
    return TfidfVectorizer(analyzer=list).fit_transform(words).tocsr()


def _words(text: str) -> list[str]:
    found = []
    for word in tokenize(text):
        pairs = len(word) > 2 and _UNSPACED.search(word)
        found += [word[place : place + 2] for place in range(len(word) - 1)] if pairs else [word]
    return found
