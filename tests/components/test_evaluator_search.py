"""The search table: BM25 by hand, judged queries, taken items."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from aisle.components.evaluator.baselines.lexical import BM25, tokenize
from aisle.components.evaluator.baselines.recommenders import Train
from aisle.components.evaluator.measures.search import (
    Catalogue,
    Clicked,
    Judged,
    Searches,
    ask_searches,
    clicked_queries,
    compare_searches,
    judged_queries,
)
from aisle.components.evaluator.options import EvaluatorOptions

IDS = pa.array(["cup", "mug", "owl", "red"])
TITLES = ["Blue cup", "blue MUG blue", "white owl", "red"]
OPTIONS = EvaluatorOptions(k=2, search_k=3, resamples=50)


def catalogue() -> Catalogue:
    train = Train(np.array([0, 0, 0]), np.array([3, 3, 2]), np.array([9, 9, 9]), 1, 4, 10)
    return Catalogue(IDS, BM25(TITLES), train)


def test_words_are_folded_and_cut_at_punctuation() -> None:
    assert tokenize("T-Light, ＦＵＬＬ Straße 5'") == ["t", "light", "full", "strasse", "5"]


def test_bm25_by_hand() -> None:
    scores = BM25(TITLES).scores(["blue", "nothing", ""])
    idf = math.log(1 + (4 - 2 + 0.5) / (2 + 0.5))
    # Mean length 2; the cup's title has 2 words, one blue; the mug's 3, two blue.
    cup = idf * 1 * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 2 / 2))
    mug = idf * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 2))
    np.testing.assert_allclose(scores, [[cup, mug, 0, 0], [0] * 4, [0] * 4])


def test_bm25_of_titles_without_words_scores_nothing() -> None:
    assert BM25(["", "!"]).scores(["blue"]).tolist() == [[0.0, 0.0]]


def test_only_test_judgements_of_known_items_are_used_in_the_catalogue_s_order() -> None:
    table = pa.table(
        {
            "query": ["x", "x", "a", "x", "y"],
            "item_id": ["owl", "cup", "red", "gone", "cup"],
            "grade": [3.0, 0.0, 1.0, 3.0, 1.0],
            "split": ["test", "test", "test", "test", "train"],
        }
    )
    found = judged_queries(table, IDS)
    assert [(one.query, one.items.tolist(), one.grades.tolist()) for one in found] == [
        ("a", [3], [1.0]),
        ("x", [0, 2], [0.0, 3.0]),
    ]
    assert judged_queries(None, IDS) == []


def test_judgements_of_which_none_is_to_be_tested_are_no_queries() -> None:
    learnt = {"query": ["x"], "item_id": ["cup"], "grade": [1.0], "split": ["train"]}
    gone = {"query": ["x"], "item_id": ["gone"], "grade": [1.0], "split": ["test"]}
    assert judged_queries(pa.table(learnt), IDS) == judged_queries(pa.table(gone), IDS) == []


def test_taken_items_are_gathered_by_query_and_user() -> None:
    table = pa.table(
        {
            "user_id": ["u", "u", "", "u", "u"],
            "query": ["blue", "blue", "blue", "", "old"],
            "item_id": ["cup", "mug", "owl", "red", "red"],
            "split": ["test", "test", "test", "test", "train"],
        }
    )
    found = clicked_queries(table, IDS)
    assert (found.queries, found.users) == (["blue", "blue"], ["u", ""])
    assert found.truth.toarray().tolist() == [[1, 1, 0, 0], [0, 0, 1, 0]]
    # What an ad led to is nothing that a search is to find.
    paid = table.append_column("sponsored", pa.array([True, False, True, False, False]))
    found = clicked_queries(paid, IDS)
    assert (found.queries, found.users, found.truth.toarray().tolist()) == (["blue"], ["u"], [[0, 1, 0, 0]])


def nothing_clicked() -> pa.Table:
    return pa.table({name: pa.array([], pa.string()) for name in ("user_id", "query", "item_id", "split")})


def search(queries: list[str], users: list[str], k: int) -> pa.Array:
    """Answers the owl, the mug and nothing more, to anyone."""
    return pa.array((["owl", "mug"] + [""] * k)[:k] * len(queries))


def rank(queries: list[str], item_ids: list[list[str]]) -> list[np.ndarray]:
    """Prefers the owl, then the longer id, then what comes first."""
    return [np.array([1.0 if item == "owl" else 0.0 for item in ids]) for ids in item_ids]


def compared(judged: list[Judged], clicked: Clicked) -> dict[str, Any] | None:
    searches = Searches(catalogue(), judged, clicked)
    return compare_searches(searches, ask_searches(searches, search, rank, OPTIONS), OPTIONS)


def test_judged_ndcg_ranks_the_judged_and_full_searches_the_catalogue() -> None:
    judged = [Judged("blue", np.array([0, 1, 2]), np.array([2.0, 0.0, 1.0]))]
    clicked = clicked_queries(nothing_clicked(), IDS)
    found = compared(judged, clicked)
    assert found is not None
    whole, lexical = found["systems"]
    log3 = math.log2(3)
    ideal = 3 + 1 / log3
    # Ranked owl (1), cup (3), mug (0).
    assert whole["ndcg"] == pytest.approx((1 + 3 / log3) / ideal)
    # Answered owl (1), mug (0): the cup is not found.
    assert whole["ndcg_full"] == pytest.approx(1 / ideal)
    # BM25: mug (0), cup (3), then the owl (1), which only a ranking of judged items holds.
    assert lexical["ndcg"] == pytest.approx((3 / log3 + 1 / 2) / ideal)
    assert lexical["ndcg_full"] == pytest.approx((3 / log3) / ideal)
    assert lexical["pipeline_gain"]["ndcg"] == pytest.approx(whole["ndcg"] - lexical["ndcg"])
    assert (found["queries"], found["judged"], found["clicked"]) == (1, 1, 0)
    assert whole["recall"] is None


def test_recall_of_taken_items_beside_bm25_and_popularity() -> None:
    table = pa.table(
        {
            "user_id": ["u", "u", ""],
            "query": ["blue", "blue", "white"],
            "item_id": ["cup", "mug", "owl"],
            "split": ["test"] * 3,
        }
    )
    found = compared([], clicked_queries(table, IDS))
    assert found is not None
    # At 2: the model finds mug of {cup, mug} and the owl; BM25 all; popularity (red, owl) the owl alone.
    assert [one["recall"] for one in found["systems"]] == [0.75, 1.0, 0.5]
    assert found["systems"][0]["ndcg"] is None
    gains = [one.get("recall_gain") for one in found["systems"]]
    # By search: the model 1/2 and 1, BM25 1 and 1, popularity 0 and 1.
    assert [gain and gain["recall"] for gain in gains] == [None, -0.25, 0.25]
    assert [gain["ci"] for gain in gains[1:]] == [(-0.5, 0.0), (0.0, 0.5)]


def test_without_a_test_query_there_is_no_table() -> None:
    clicked = clicked_queries(nothing_clicked(), IDS)
    assert compared([], clicked) is None
