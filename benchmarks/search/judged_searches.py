"""Judged queries as matrices, the figures of an answer to them, and the answers of systems without training."""

from __future__ import annotations

import dataclasses
import itertools
import re
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from aisle.components.evaluator.baselines.lexical import BM25, tokenize
from aisle.components.evaluator.measures.metrics import bootstrap_interval, gain, graded_ndcg, paired_interval
from aisle.components.labeler.labelled import Labelled

DEPTH, RECALLED = 10, 100
_RRF = 60

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Searches:
    """The judged queries of a shop.

    Attributes:
        queries: [q].
        item_ids, titles, descriptions: [n].
        grades: [q, n], 0 where nobody judged.
    """

    queries: list[str]
    item_ids: list[str]
    titles: list[str]
    descriptions: list[str]
    grades: Floats

    def folds(self, count: int, seed: int) -> npt.NDArray[np.int64]:
        """The fold of each query, drawn evenly: [q]."""
        fold = np.empty(len(self.queries), np.int64)
        fold[np.random.default_rng(seed).permutation(len(fold))] = np.arange(len(fold)) % count
        return fold


def read_searches(labelled: Labelled) -> Searches:
    """The judged queries of a labelled shop."""
    items = pl.DataFrame(pl.from_arrow(labelled.tables["items"]))
    judged = pl.DataFrame(pl.from_arrow(labelled.tables["judgements"]))
    ids = items["item_id"].to_list()
    column = {item: place for place, item in enumerate(ids)}
    queries = sorted(judged["query"].unique().to_list())
    row = {query: place for place, query in enumerate(queries)}
    grades = np.zeros([len(queries), len(ids)])
    for query, item, grade in judged.select("query", "item_id", "grade").iter_rows():
        grades[row[query], column[item]] = grade
    texts = [items[name].fill_null("").to_list() for name in ("title", "description")]
    return Searches(queries, ids, texts[0], texts[1], grades)


@dataclasses.dataclass(frozen=True)
class Disagreement:
    """How often two items that were judged for the same query have different grades.

    Attributes:
        pairs: of items with the same words in their titles, digits and signs left out.
        alike: the share of those pairs with different grades.
        any: that of all pairs.
    """

    pairs: int
    alike: float
    any: float

    @staticmethod
    def of(searches: Searches) -> Disagreement:
        """Of all queries; NaN where there is no pair."""
        words = [tuple(re.findall(r"[^\W\d_]+", title.lower())) for title in searches.titles]
        alike, every = [], []
        for grades in searches.grades:
            for one, other in itertools.combinations(np.flatnonzero(grades), 2):
                every.append(grades[one] != grades[other])
                if words[one] == words[other]:
                    alike.append(every[-1])
        shares = (float(np.mean(pairs)) if pairs else np.nan for pairs in (alike, every))
        return Disagreement(len(alike), *shares)


@dataclasses.dataclass(frozen=True)
class Answered:
    """The figures of a system, a number for each query: nDCG@10 of the judged, of all, and Recall@100."""

    judged: Floats
    full: Floats
    recall: Floats

    @staticmethod
    def by_scores(
        searches: Searches, scores: Floats, answers: npt.NDArray[np.int64] | None = None
    ) -> Answered:
        """The figures of scores of all items, [q, n].

        Args:
            searches: the queries.
            scores: by which the judged are ranked.
            answers: item indices [q, 100], -1 for none; the best by `scores` where it is None.
        """
        if answers is None:
            answers = np.argsort(-scores, axis=1, kind="stable")[:, :RECALLED]
        figures = []
        for grades, score, answer in zip(searches.grades, scores, answers, strict=True):
            worth = np.where(grades > 0, gain(grades, 1.0), 0.0)
            judged = np.flatnonzero(grades > 0)
            ranked = worth[judged[np.argsort(-score[judged], kind="stable")]]
            found = np.where(answer >= 0, worth[np.maximum(answer, 0)], 0.0)
            best = grades == grades.max()
            figures.append(
                (
                    graded_ndcg(ranked[None], worth[judged][None], DEPTH)[0],
                    graded_ndcg(found[None], worth[judged][None], DEPTH)[0],
                    best[answer[answer >= 0]].sum() / best.sum() if grades.max() >= 4 else np.nan,
                )
            )
        return Answered(*np.array(figures).T)

    def of(self, queries: npt.NDArray[np.int64]) -> Answered:
        """Of some of the queries."""
        return Answered(self.judged[queries], self.full[queries], self.recall[queries])

    def record(self) -> dict[str, Any]:
        """The means, and the interval of both nDCG."""
        return {name: float(np.nanmean(values)) for name, values in vars(self).items()} | {
            f"{name}_ci": bootstrap_interval(getattr(self, name)) for name in ("judged", "full")
        }

    def __str__(self) -> str:
        return ", ".join(f"{name} {np.nanmean(values):.4f}" for name, values in vars(self).items())


def difference(one: Answered, other: Answered) -> dict[str, Any]:
    """The gain of one system over another by figure, with its paired bootstrap interval."""
    return {
        name: {
            "value": float(np.nanmean(getattr(one, name) - getattr(other, name))),
            "interval": paired_interval(getattr(one, name), getattr(other, name)),
        }
        for name in vars(one)
    }


def lexical(searches: Searches, descriptions: bool) -> Floats:
    """BM25 over stemmed words of the titles, with the descriptions where asked: [q, n]."""
    texts = searches.titles
    if descriptions:
        texts = [f"{title} {text}" for title, text in zip(texts, searches.descriptions, strict=True)]
    return BM25([_stemmed(text) for text in texts]).scores([_stemmed(query) for query in searches.queries])


def sentences(searches: Searches) -> Floats:
    """The cosine of the pretrained BERT's sentence embeddings of query and title: [q, n]."""
    import tensorflow as tf

    from aisle.model.text.bert import SentenceEncoder
    from aisle.schema.bert.weights import bert_folder

    encoder = SentenceEncoder(bert_folder())
    query, title = (
        encoder.encode(tf.constant(texts)).numpy() for texts in (searches.queries, searches.titles)
    )
    return np.asarray(query @ title.T, np.float64)


def reciprocal_rank_fusion(*scores: Floats) -> Floats:
    """Cormack et al. (SIGIR 2009), constant 60."""
    ranks = [np.argsort(np.argsort(-one, axis=1, kind="stable"), axis=1) for one in scores]
    return np.asarray(sum(1.0 / (_RRF + 1 + rank) for rank in ranks), np.float64)


def _stemmed(text: str) -> str:
    return " ".join(_stem(word) for word in tokenize(re.sub("'", "", text)))


def _stem(word: str) -> str:
    """Harman's S stemmer (JASIS 1991)."""
    if len(word) > 3:
        if word.endswith("ies") and not word.endswith(("eies", "aies")):
            return word[:-3] + "y"
        if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
            return word[:-1]
        if word.endswith("s") and not word.endswith(("us", "ss")):
            return word[:-1]
    return word
