"""The table of the searches: by people's judgements, and by what users took after they searched."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from aisle.components.evaluator.baselines.lexical import BM25
from aisle.components.evaluator.baselines.recommenders import Train, popularity, top_k
from aisle.components.evaluator.measures.metrics import (
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
from aisle.components.evaluator.measures.protocol import organic, positions
from aisle.components.evaluator.measures.systems import POPULARITY, WHOLE_PIPELINE
from aisle.components.evaluator.options import EvaluatorOptions
from aisle.schema.splits import TEST

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


@dataclasses.dataclass(frozen=True)
class Searches:
    """What is searched, and for what: the judged queries, and those after which something was taken."""

    catalogue: Catalogue
    judged: list[Judged]
    clicked: Clicked


@dataclasses.dataclass(frozen=True)
class SearchFigures:
    """A system's figures by query; empty where there is no such query.

    Attributes:
        ndcg: of the judged items, ranked, [judged].
        ndcg_full: of the whole catalogue searched, what is unjudged worth nothing, [judged].
        recall: of the items taken, [clicked].
    """

    ndcg: Floats
    ndcg_full: Floats
    recall: Floats


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
    if not len(chosen):
        return []
    query = np.asarray(judgements.column("query").to_pylist(), object)[chosen]
    grade = judgements.column("grade").cast(pa.float64()).to_numpy()[chosen]
    # By item, not as they came: files are often sorted by grade, and equal scores keep this order.
    order = np.lexsort((item[chosen], query.astype(str)))
    names, starts = np.unique(query[order].astype(str), return_index=True)
    items, grades = np.split(item[chosen][order], starts[1:]), np.split(grade[order], starts[1:])
    return [Judged(str(name), *pair) for name, *pair in zip(names, items, grades, strict=True)]


def clicked_queries(interactions: pa.Table, item_ids: pa.Array) -> Clicked:
    """Returns each (query, user) of the test split with what that user took after that query."""
    tested = interactions.filter(pc.equal(interactions.column("split"), TEST))
    user, query = _texts(tested, "user_id"), _texts(tested, "query")
    item = positions(tested.column("item_id"), item_ids)
    chosen = np.flatnonzero(organic(tested) & (query != "") & (item >= 0))
    rows: dict[tuple[str, str], int] = {}
    row = [rows.setdefault((query[i], user[i]), len(rows)) for i in chosen]
    truth = sparse.csr_matrix((np.ones(len(row)), (row, item[chosen])), shape=(len(rows), len(item_ids)))
    return Clicked([query for query, _ in rows], [user for _, user in rows], truth.sign().tocsr())


def ask_searches(searches: Searches, search: Search, rank: Rank, options: EvaluatorOptions) -> SearchFigures:
    """Asks a model for every query.

    Args:
        searches: what is asked.
        search: the model's search.
        rank: the model's order of given items.
        options: the depths, and the grade from which on an item is relevant.
    """
    queries, k = [one.query for one in searches.judged], options.search_k
    ids = searches.catalogue.item_ids
    found = search(queries, [""] * len(queries), k) if queries else ids[:0]
    return SearchFigures(
        judged_ndcg(searches, rank, options),
        _full_ndcg(positions(found, ids).reshape(len(queries), k), searches.judged, options),
        taken_recall(searches, search, options),
    )


def judged_ndcg(searches: Searches, rank: Rank, options: EvaluatorOptions) -> Floats:
    """A model's nDCG by judged query, as of `SearchFigures`."""
    item_ids, judged = searches.catalogue.item_ids, searches.judged
    ids = [item_ids.take(pa.array(one.items)).to_pylist() for one in judged]
    scores = rank([one.query for one in judged], ids) if judged else []
    return _ranked_ndcg(scores, judged, options)


def taken_recall(searches: Searches, search: Search, options: EvaluatorOptions) -> Floats:
    """A model's recall by search after which something was taken, as of `SearchFigures`."""
    ids, clicked = searches.catalogue.item_ids, searches.clicked
    answers = search(clicked.queries, clicked.users, options.k) if clicked.queries else ids[:0]
    return _recall(positions(answers, ids).reshape(len(clicked.queries), options.k), clicked)


def compare_searches(
    searches: Searches, asked: SearchFigures, options: EvaluatorOptions
) -> dict[str, Any] | None:
    """Measures the search beside BM25 and popularity.

    Args:
        searches: what was asked.
        asked: of `ask_searches`.
        options: the depths, and the bootstrap's resamples and seed.

    Returns:
        None without a test query; else `queries` (distinct ones), `judged` and `clicked` (rows of either
        kind), the depths `ndcg_at` and `recall_at`, and a record a system: `name`, `ndcg` (judged items
        ranked), `ndcg_full` (the whole catalogue searched, what is unjudged worth nothing), `ci` of `ndcg`,
        `recall` (of the items taken), and for the others what the whole pipeline gains over it with its
        paired interval: `pipeline_gain` of `ndcg` and `recall_gain` of `recall`.
    """
    judged, clicked = searches.judged, searches.clicked
    queries = {one.query for one in judged} | set(clicked.queries)
    if not queries:
        return None
    bm25 = _search_titles(searches, options)
    systems = [_record(WHOLE_PIPELINE, asked, options), _record(BM25_TITLES, bm25, options, asked)]
    if clicked.queries:
        # The same for whoever asks, and for whatever.
        best = popularity(searches.catalogue.train, np.zeros(1, np.int64), options.k)
        found = _recall(np.repeat(best, len(clicked.queries), axis=0), clicked)
        figures = SearchFigures(np.empty(0), np.empty(0), found)
        systems.append(_record(POPULARITY, figures, options, asked))
    return {
        "queries": len(queries),
        "judged": len(judged),
        "clicked": len(clicked.queries),
        "ndcg_at": options.search_k,
        "recall_at": options.k,
        "systems": systems,
    }


def _record(
    name: str, figures: SearchFigures, options: EvaluatorOptions, whole: SearchFigures | None = None
) -> dict[str, Any]:
    """One system's figures, and what the whole pipeline's gain over them where it is given."""
    record: dict[str, Any] = {
        "name": name,
        "ndcg": mean(figures.ndcg),
        "ndcg_full": mean(figures.ndcg_full),
        "recall": mean(figures.recall),
    }
    if len(figures.ndcg):
        record["ci"] = {"ndcg": bootstrap_interval(figures.ndcg, options.resamples, options.seed)}
    if whole is not None and len(figures.ndcg):
        record["pipeline_gain"] = _gain("ndcg", whole.ndcg, figures.ndcg, options)
    if whole is not None and len(figures.recall):
        record["recall_gain"] = _gain("recall", whole.recall, figures.recall, options)
    return record


def _gain(measure: str, ours: Floats, theirs: Floats, options: EvaluatorOptions) -> dict[str, Any]:
    interval = paired_interval(ours, theirs, options.resamples, options.seed)
    return {measure: mean(ours - theirs), "ci": interval}


def _search_titles(searches: Searches, options: EvaluatorOptions) -> SearchFigures:
    """BM25's figures."""
    catalogue, judged, clicked = searches.catalogue, searches.judged, searches.clicked
    scores = [catalogue.lexical.scores([one.query])[0, one.items] for one in judged]
    found = _search_lexically(catalogue, [one.query for one in judged], options.search_k)
    return SearchFigures(
        _ranked_ndcg(scores, judged, options),
        _full_ndcg(found, judged, options),
        _recall(_search_lexically(catalogue, clicked.queries, options.k), clicked),
    )


def _worth(judged: list[Judged], options: EvaluatorOptions) -> list[Floats]:
    """The gain of each query's judged items."""
    return [gain(one.grades, options.irrelevant_grade) for one in judged]


def _ranked_ndcg(scores: list[Floats], judged: list[Judged], options: EvaluatorOptions) -> Floats:
    """Each query's nDCG of the judged items in the order of their scores."""
    worth = _worth(judged, options)
    ordered = [w[np.argsort(-s, kind="stable")] for w, s in zip(worth, scores, strict=True)]
    return graded_ndcg(_pad(ordered), _pad(worth), options.search_k)


def _full_ndcg(answers: Ints, judged: list[Judged], options: EvaluatorOptions) -> Floats:
    """Each query's nDCG of what was found, [queries, k]."""
    worth = _worth(judged, options)
    found = [_found_gain(a, one, w) for a, one, w in zip(answers, judged, worth, strict=True)]
    return graded_ndcg(_pad(found), _pad(worth), options.search_k)


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


def _recall(answers: Ints, clicked: Clicked) -> Floats:
    return recall(hits(answers, clicked.truth), relevant_items(clicked.truth))


def _pad(rows: list[Floats]) -> Floats:
    """Rows of different lengths as one array, 0 behind the shorter."""
    padded = np.zeros((len(rows), max((len(row) for row in rows), default=0)))
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    return padded


def _texts(table: pa.Table, name: str) -> np.ndarray:
    """A column of strings, null as the empty one."""
    return np.asarray([value or "" for value in table.column(name).to_pylist()], object)
