"""The client's answers from the server, beside those of the model in this process."""

from __future__ import annotations

import pytest

from aisle.schema.contract import SEARCH
from aisle.serving import Client, Facet, Filters, Recommender, RequestRefused, ScoredItem
from aisle.serving.local import LocalModel

ITEMS = [ScoredItem("a", 4.0), ScoredItem("b", 3.0), ScoredItem("c", 2.0), ScoredItem("d", 1.0)]


@pytest.fixture(scope="module", params=["client", "local model"])
def recommender(request: pytest.FixtureRequest) -> Recommender:
    """Each way to ask."""
    if request.param == "client":
        return Client(request.getfixturevalue("address"), timeout=300)
    return LocalModel(request.getfixturevalue("out") / "serving" / "aisle")


def test_all_questions_are_answered(recommender: Recommender) -> None:
    assert recommender.search("shirt", k=2) == ITEMS[:2]
    assert recommender.recommend("nobody", history=["a"], exclude_seen=True, k=1) == ITEMS[:1]
    assert recommender.similar("unknown", k=9) == ITEMS
    assert recommender.rank("q", "u", ["a", "bbb", ""]) == [
        ScoredItem("a", 1.0),
        ScoredItem("bbb", 3.0),
        ScoredItem("", 0.0),
    ]


def test_a_filtered_search_is_answered_with_facets(recommender: Recommender) -> None:
    found = recommender.search("shirt", k=1, filters=Filters("Home/é", ("Acme",), (2.5, None), True))
    assert found.items == (ITEMS[0],)
    assert found.facets.categories == (Facet("Home/é", 3),)
    # The tiny model's brands tell what reached it.
    assert [facet.value for facet in found.facets.brands] == ["Acme", "2.50", "nan", "true"]


def test_batches_are_answered_row_by_row(recommender: Recommender) -> None:
    assert recommender.search_batch(["", "é✓"], k=1) == [ITEMS[:1]] * 2
    assert recommender.recommend_batch(["", "u"], k=1) == [ITEMS[:1]] * 2
    assert recommender.similar_batch(["a", "b", "c"], k=1) == [ITEMS[:1]] * 3
    answers = recommender.rank_batch(["q", "r"], ["", ""], [["a"], ["b", "cc"]])
    assert [[item.score for item in row] for row in answers] == [[1.0], [1.0, 2.0]]


def test_k_of_zero_is_no_item(recommender: Recommender) -> None:
    assert recommender.search("shirt", k=0) == []


def test_what_the_model_does_not_take_is_refused(recommender: Recommender) -> None:
    with pytest.raises(RequestRefused):
        recommender.predict(SEARCH, {})
