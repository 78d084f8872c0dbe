"""The table of the searches: by people's judgements, and by what users took after they searched."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import sparse

from aisle.components.evaluator.baselines import Train, popularity, top_k
from aisle.components.evaluator.lexical import BM25
from aisle.components.evaluator.metrics import (
    Floats,
    Ints,
    bootstrap_interval,
    gain,
    graded_ndcg,
    hits,
    mean,
    paired_interval,
    recall,
    relevant_items,
    without_repeats,
)
from aisle.components.evaluator.options import EvaluatorOptions
from aisle.components.evaluator.protocol import TEST, positions
from aisle.components.evaluator.systems import POPULARITY, WHOLE_PIPELINE

BM25_TITLES = "BM25, title"
_BLOCK = 64

Search = Callable[[list[str], list[str], int], pa.Array]
"""(queries, users, k) to item ids as strings, flat, row after row: [queries * k]; "" is empty."""
Rank = Callable[[list[str], list[list[str]]], list[Floats]]
"""(queries, item ids of each) to scores of those, query by query."""


@dataclasses.dataclass(frozen=True)
class Judged:
    """The judged items of one test query: indices into the catalogue and grades, both [m]."""

    query: str
    items: Ints
    grades: Floats


@dataclasses.dataclass(frozen=True)
class Clicked:
    """Test searches with a taken item: [n] queries and users, truth [n, items]."""

    queries: list[str]
    users: list[str]
    truth: sparse.csr_matrix


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """What is searched: item ids, their lexical index, and the events before the test."""

    item_ids: pa.Array
    lexical: BM25
    train: Train


def judged_queries(judgements: pa.Table | None, item_ids: pa.Array) -> list[Judged]:
    """Returns the judged queries of the test split, by query; an item that left the catalogue is left out.

    Args:
        judgements: `query`, `item_id`, `grade`, `split`; None or empty without judgements.
        item_ids: the catalogue.
    """
    if judgements is None or judgements.num_rows == 0:
        return []
    split = np.asarray(judgements.column("split").to_pylist(), object)
    item = positions(judgements.column("item_id"), item_ids)
    chosen = np.flatnonzero((split == TEST) & (item >= 0))
    query = np.asarray(judgements.column("query").to_pylist(), object)[chosen]
    grade = judgements.column("grade").cast(pa.float64()).to_numpy()[chosen]
    # By item, not as they came: files are often sorted by grade, and equal scores keep this order.
    order = np.lexsort((item[chosen], query.astype(str)))
    names, starts = np.unique(query[order].astype(str), return_index=True)
    items, grades = np.split(item[chosen][order], starts[1:]), np.split(grade[order], starts[1:])
    return [Judged(str(name), *pair) for name, *pair in zip(names, items, grades, strict=True)]


def clicked_queries(interactions: pa.Table, item_ids: pa.Array) -> Clicked:
    """Returns each (query, user) of the test split with what that user took after that query."""
    user, query = _texts(interactions, "user_id"), _texts(interactions, "query")
    item = positions(interactions.column("item_id"), item_ids)
    chosen = np.flatnonzero((_texts(interactions, "split") == TEST) & (query != "") & (item >= 0))
    rows: dict[tuple[str, str], int] = {}
    row = [rows.setdefault((query[i], user[i]), len(rows)) for i in chosen]
    truth = sparse.csr_matrix((np.ones(len(row)), (row, item[chosen])), shape=(len(rows), len(item_ids)))
    return Clicked([query for query, _ in rows], [user for _, user in rows], truth.sign().tocsr())


def compare_searches(
    catalogue: Catalogue,
    judged: list[Judged],
    clicked: Clicked,
    search: Search,
    rank: Rank,
    options: EvaluatorOptions,
) -> dict[str, Any] | None:
    """Measures the search beside BM25 and popularity.

    Returns:
        None without a test query; else `queries` (distinct ones), `judged` and `clicked` (rows of either
        kind), the depths `ndcg_at` and `recall_at`, and a record a system: `name`, `ndcg` (judged items
        ranked), `ndcg_full` (the whole catalogue searched, what is unjudged worth nothing), `ci` of `ndcg`,
        `recall` (of the items taken), and for BM25 `pipeline_gain` of `ndcg` with its paired interval.
    """
    queries = {one.query for one in judged} | set(clicked.queries)
    if not queries:
        return None
    whole: dict[str, Any] = {"name": WHOLE_PIPELINE}
    lexical: dict[str, Any] = {"name": BM25_TITLES}
    popular: dict[str, Any] = {"name": POPULARITY, "ndcg": None, "ndcg_full": None}
    _judge(catalogue, judged, search, rank, options, whole, lexical)
    ids = catalogue.item_ids
    answers = search(clicked.queries, clicked.users, options.k) if clicked.queries else ids[:0]
    found = positions(answers, ids).reshape(len(clicked.queries), options.k)
    best = popularity(catalogue.train, np.zeros(1, np.int64), options.k)  # Whoever asks, and for whatever.
    whole["recall"] = _recall(found, clicked)
    lexical["recall"] = _recall(_search_lexically(catalogue, clicked.queries, options.k), clicked)
    popular["recall"] = _recall(np.repeat(best, len(clicked.queries), axis=0), clicked)
    return {
        "queries": len(queries),
        "judged": len(judged),
        "clicked": len(clicked.queries),
        "ndcg_at": options.search_k,
        "recall_at": options.k,
        "systems": [whole, lexical] + ([popular] if clicked.queries else []),
    }


def _judge(
    catalogue: Catalogue,
    judged: list[Judged],
    search: Search,
    rank: Rank,
    options: EvaluatorOptions,
    whole: dict[str, Any],
    lexical: dict[str, Any],
) -> None:
    """Fills in the figures of both systems on the judged queries; None without any."""
    if not judged:
        for record in (whole, lexical):
            record.update({"ndcg": None, "ndcg_full": None})
        return
    ids, k = catalogue.item_ids, options.search_k
    queries = [one.query for one in judged]
    worth = _worth(judged, options)
    scores = {
        WHOLE_PIPELINE: _judged_scores(catalogue, judged, rank),
        BM25_TITLES: [catalogue.lexical.scores([one.query])[0, one.items] for one in judged],
    }
    served = positions(search(queries, [""] * len(queries), k), ids).reshape(len(queries), k)
    answers = {WHOLE_PIPELINE: served, BM25_TITLES: _search_lexically(catalogue, queries, k)}
    by_query = {}
    for record in (whole, lexical):
        by_query[record["name"]] = _ranked_ndcg(scores[record["name"]], worth, k)
        full = [
            _found_gain(a, one, w) for a, one, w in zip(answers[record["name"]], judged, worth, strict=True)
        ]
        record["ndcg"] = mean(by_query[record["name"]])
        record["ndcg_full"] = mean(graded_ndcg(_pad(full), _pad(worth), k))
        record["ci"] = {"ndcg": bootstrap_interval(by_query[record["name"]], options.resamples, options.seed)}
    one, other = by_query[WHOLE_PIPELINE], by_query[BM25_TITLES]
    lexical["pipeline_gain"] = {
        "ndcg": mean(one - other),
        "ci": paired_interval(one, other, options.resamples, options.seed),
    }


def figure_by_query(
    catalogue: Catalogue,
    judged: list[Judged],
    clicked: Clicked,
    search: Search,
    rank: Rank,
    options: EvaluatorOptions,
) -> tuple[str, Floats]:
    """Returns the figure that decides where nobody is tested, in words and by query.

    Arguments as of `compare_searches`: nDCG of the judged queries or, without any, recall of the others.
    """
    if judged:
        scores = _judged_scores(catalogue, judged, rank)
        return "nDCG of judged searches", _ranked_ndcg(scores, _worth(judged, options), options.search_k)
    answers = search(clicked.queries, clicked.users, options.k)
    found = positions(answers, catalogue.item_ids).reshape(len(clicked.queries), options.k)
    return "recall of searches", recall(hits(found, clicked.truth), relevant_items(clicked.truth))


def _worth(judged: list[Judged], options: EvaluatorOptions) -> list[Floats]:
    """The gain of each query's judged items."""
    return [gain(one.grades, options.irrelevant_grade) for one in judged]


def _judged_scores(catalogue: Catalogue, judged: list[Judged], rank: Rank) -> list[Floats]:
    """A model's scores of each query's judged items; of one that it doesn't know, the lowest."""
    ids = [catalogue.item_ids.take(pa.array(one.items)).to_pylist() for one in judged]
    return rank([one.query for one in judged], ids)


def _ranked_ndcg(scores: list[Floats], worth: list[Floats], k: int) -> Floats:
    """Each query's nDCG at k of the judged items in the order of their scores."""
    ordered = [w[np.argsort(-s, kind="stable")] for w, s in zip(worth, scores, strict=True)]
    return graded_ndcg(_pad(ordered), _pad(worth), k)


def _found_gain(answers: Ints, judged: Judged, worth: Floats) -> Floats:
    """The gain of each answer, 0 for what nobody judged and for an item that came before. [k]."""
    same = without_repeats(answers[None, :])[0][:, None] == judged.items[None, :]
    return np.asarray(same @ worth, np.float64)


def _search_lexically(catalogue: Catalogue, queries: list[str], k: int) -> Ints:
    """BM25's k best titles that share a word with the query, block by block. [queries, k]."""
    answers = [np.empty((0, k), np.int64)]
    for start in range(0, len(queries), _BLOCK):
        scores = catalogue.lexical.scores(queries[start : start + _BLOCK])
        answers.append(top_k(np.where(scores > 0, scores, -np.inf), k))
    return np.concatenate(answers)


def _recall(answers: Ints, clicked: Clicked) -> float | None:
    return mean(recall(hits(answers, clicked.truth), relevant_items(clicked.truth)))


def _pad(rows: list[Floats]) -> Floats:
    """Rows of different lengths as one array, 0 behind the shorter."""
    padded = np.zeros((len(rows), max(len(row) for row in rows)))
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    return padded


def _texts(table: pa.Table, name: str) -> np.ndarray:
    """A column of strings, null as the empty one."""
    return np.asarray([value or "" for value in table.column(name).to_pylist()], object)
