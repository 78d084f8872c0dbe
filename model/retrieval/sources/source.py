"""What a source of candidates is: what it keeps of the past, what it says of each item, and its part in an answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal

import numpy as np
import polars as pl
import scipy.sparse as sp
import tensorflow as tf

from aisle.model.retrieval.domains.shop import Domains
from aisle.model.spilled import SpilledRows
from aisle.model.text.lexical.index import TextSearch
from aisle.model.transfer.lent import Follows

Kind = Literal["recommend", "recent", "cold", "search"]
"""What is asked for: a user with a history, beside it what goes with what they did of late, one without, a query."""
Arrays = dict[str, np.ndarray]
Tensors = dict[str, tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Part:
    """A score's part in an answer: its best `bound` items are candidates, which count `weight` in the fusion.

    `unspaced` is what they count instead where a query is in a script without spaces; None is the same.

    Example:
        >>> score = Score("lexical", search=Part(bound=100, weight=0.7))
        >>> score.search.bound, score.recommend
        (100, None)
    """

    bound: int
    weight: float
    unspaced: float | None = None


@dataclasses.dataclass(frozen=True)
class Score:
    """A number that a source says of every item.

    Example:
        >>> score = Score("lexical", search=Part(100, 0.7), share=True)
        >>> score.number, score.share  # The head reads `lexical` and `lexical_share`.
        (True, True)

    Attributes:
        name: of the score, and of the number that the ranking head reads.
        recommend, recent, cold, search: its part in each kind of answer; None has none.
        signed: whether a score of 0 or less makes a candidate, too.
        number: whether the ranking head reads it.
        share: whether the head reads it as a share of the best item's, too.
        only: the questions for which it is known; None: all.
        beside: whether recommendations add it to the head's log odds by a weight, where the head doesn't read it; known
            of them only where the two-tower reads the order of histories.
    """

    name: str
    recommend: Part | None = None
    recent: Part | None = None
    cold: Part | None = None
    search: Part | None = None
    signed: bool = False
    number: bool = True
    share: bool = False
    only: Literal["searches", "recommendations"] | None = None
    beside: bool = False


@dataclasses.dataclass(frozen=True)
class Past:
    """What happened before a moment.

    Example:
        >>> pairs = {"user_id": ["ann", "ann", "bob"], "row": [0, 2, 2], "count": [1.0, 1.0, 3.0]}
        >>> past = Past(count=3, known=pl.DataFrame(), pairs=pl.DataFrame(pairs), item_numbers={}, tags=pl.DataFrame())
        >>> past.by_user("count").toarray().tolist()
        [[1.0, 0.0, 1.0], [0.0, 0.0, 3.0]]

    Attributes:
        count: items of the catalogue, n; they are numbered by their row.
        known: interactions of known users by time: `user_id`, `session_id`, `row`, `age` in days, `weight`, and
            `since`, how many orders the user made after it.
        pairs: one row for each user and item, by user: COUNTS, and the ages `last` and `first` in days.
        item_numbers: ITEM_NUMBERS by name, float32 [n] each.
        tags: what the Labeler tagged items with, `row` and `tag`: of the catalogue, whenever it is.
        domains: of the items, and what is learnt of them; None where nobody asked.
        follows: by what each item is likely to be followed, as another shop says; None where none does.
        texts: embeddings of what items say, float32 [n, d], read in blocks: whenever it is; None: unknown.
    """

    count: int
    known: pl.DataFrame
    pairs: pl.DataFrame
    item_numbers: Arrays
    tags: pl.DataFrame
    domains: Domains | None = None
    follows: Follows | None = None
    texts: np.ndarray | tf.Tensor | SpilledRows | None = None

    def by_user(self, column: str | None = None) -> sp.csr_matrix:
        """Users by items: `column` of `pairs` for each pair, 1 without one; float32 [u, n]."""
        owner = self.pairs["user_id"].rank("dense").to_numpy().astype(np.int64) - 1
        values = self.pairs[column].to_numpy() if column else np.ones(len(self.pairs), np.float32)
        shape = (max(self.pairs["user_id"].n_unique(), 1), self.count)
        return sp.csr_matrix((values, (owner, self.pairs["row"].to_numpy())), shape)


@dataclasses.dataclass(frozen=True)
class Pairs:
    """What the users of a batch took, flat: a pair may come more than once.

    Example:
        >>> from aisle.model.retrieval.sources.neighbours import spread
        >>> one = tf.ones(2)  # Of two questions: the first's user took item 0, the second's item 2.
        >>> taken = Pairs(tf.constant([0, 1]), tf.constant([0, 2]), {"count": one}, tf.zeros([2, 2]), one)
        >>> inputs = Inputs(batch=2, count=3, query=None, text=None, taken=taken, sums={}, item_numbers={})
        >>> kept = {"places": tf.constant([1, 0, 2]), "items": tf.constant([[0], [1], [1]])}
        >>> kept["weights"] = tf.constant([[0.0], [0.5], [0.25]])
        >>> spread(inputs, kept, [taken.counts["count"]])[0].numpy().tolist()
        [[0.0, 0.5, 0.0], [0.0, 0.25, 0.0]]

    Attributes:
        owner: row of the batch, [t].
        item: row of the catalogue, [t].
        counts: COUNTS by name, float32 [t] each.
        ages: days since the latest and the first time, float32 [t, 2].
        once: what each counts so that an item that comes several times counts as one, float32 [t].
    """

    owner: tf.Tensor
    item: tf.Tensor
    counts: Tensors
    ages: tf.Tensor
    once: tf.Tensor


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What a batch of questions gives to the sources.

    Example:
        >>> inputs = Inputs(batch=2, count=3, query=None, text=None, taken=None, sums={}, item_numbers={})
        >>> inputs.everywhere(tf.constant([0.5, 0.0, 1.0])).numpy().tolist()
        [[0.5, 0.0, 1.0], [0.5, 0.0, 1.0]]

    Attributes:
        batch: how many questions, b.
        count: items of the catalogue, n.
        query: as it was read, string [b].
        text: the catalogue by its texts.
        taken: what the users took.
        sums: COUNTS, `last` and `first` of every item by name, float32 [b, n] each.
        item_numbers: ITEM_NUMBERS by name, float32 [n] each.
    """

    batch: tf.Tensor
    count: int
    query: tf.Tensor
    text: TextSearch
    taken: Pairs
    sums: Tensors
    item_numbers: Tensors

    def everywhere(self, values: tf.Tensor) -> tf.Tensor:
        """The same for every question: [n] to [b, n]."""
        return tf.tile(values[None], [self.batch, 1])


def _nothing(_: Past) -> Arrays:
    return {}


@dataclasses.dataclass(frozen=True)
class TableSource:
    """A source that scores every item.

    Example:
        >>> source = TableSource(
        ...     "first",
        ...     (Score("first", cold=Part(10, 0.3)),),
        ...     score=lambda inputs, kept: {"first": inputs.everywhere(kept["worth"])},
        ...     build=lambda past: {"worth": np.eye(past.count)[0]},
        ... )
        >>> source.build(Past(3, pl.DataFrame(), pl.DataFrame(), {}, pl.DataFrame()))["worth"].tolist()
        [1.0, 0.0, 0.0]

    Attributes:
        name: of the source.
        scores: what it says.
        score: the scores by name, float32 [b, n] each, of the inputs and of what `build` kept, as tensors.
        build: what is kept of the past, arrays by name.
    """

    name: str
    scores: tuple[Score, ...]
    score: Callable[[Inputs, Tensors], Tensors]
    build: Callable[[Past], Arrays] = _nothing


@dataclasses.dataclass(frozen=True)
class Vectors:
    """The vectors of a batch of questions: of users by the two-tower, of queries by BERT; float32 [b, d] each.

    Example:
        >>> vectors = Vectors(user=tf.constant([[1.0, 0.0]]), text=tf.constant([[0.6, 0.8, 0.0]]))
        >>> vectors.user.shape.as_list(), vectors.text.shape.as_list()
        ([1, 2], [1, 3])
    """

    user: tf.Tensor
    text: tf.Tensor


@dataclasses.dataclass(frozen=True)
class VectorSource:
    """A source that finds the items whose vectors are near the question's, by an index.

    Example:
        >>> source = VectorSource(
        ...     "meaning",
        ...     (Score("meaning", search=Part(150, 1.0), signed=True),),
        ...     items="text_embeddings",
        ...     vector=lambda vectors: vectors.text,
        ...     asked="searches",
        ... )
        >>> source.vector(Vectors(user=tf.constant([[9.0]]), text=tf.constant([[0.6, 0.8]]))).shape.as_list()
        [1, 2]

    Attributes:
        name: of the source.
        scores: one, the inner product.
        items: the tower's attribute that holds the items' vectors, float32 [n, d].
        vector: the question's.
        asked: of whom its vectors are, which its index is tried with.
        neighbours: the tower's attribute that holds each item's most alike ones, int32 [n, m], whose mean score is
            one more number, `NAME_near`; None has none.
    """

    name: str
    scores: tuple[Score]
    items: str
    vector: Callable[[Vectors], tf.Tensor]
    asked: Literal["users", "searches"]
    neighbours: str | None = None


Source = TableSource | VectorSource


@dataclasses.dataclass(frozen=True)
class Offer:
    """A score's part in one kind of answer; see `Part` and `Score`.

    Example:
        >>> from aisle.model.retrieval.sources import offers
        >>> lexical = next(offer for offer in offers("search") if offer.score == "lexical")
        >>> lexical.bound > 0 and lexical.weight > 0
        True
    """

    score: str
    bound: int
    weight: float
    signed: bool = False
    unspaced: float | None = None
