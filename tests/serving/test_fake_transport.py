"""The fake that users test their own code with answers as a server would."""

from __future__ import annotations

import doctest
import itertools

import numpy as np
import pytest

import aisle.serving.testing
from aisle.serving import CallError, Client, Filters, Overloaded, RequestRefused, ScoredItem, Unreachable
from aisle.serving.testing import FakeClock, FakeTransport

MUGS = [("red", 0.5), ("blue", 0.25)]


def client(fake: FakeTransport) -> Client:
    clock = FakeClock()
    return Client("shop:8500", transport=fake, clock=clock, sleep=clock.sleep)


def test_its_example_does_what_it_says() -> None:
    found = doctest.testmod(aisle.serving.testing)
    assert (found.failed, found.attempted > 0) == (0, True)


def test_every_row_is_answered_the_items_cut_to_k() -> None:
    asked = client(FakeTransport({"search": MUGS, "recommend": MUGS, "similar": MUGS}))
    assert asked.search_batch(["mug", "cup"], k=1) == [[ScoredItem("red", 0.5)]] * 2
    assert asked.recommend("u1", ["x"], k=9) == [ScoredItem("red", 0.5), ScoredItem("blue", 0.25)]
    assert asked.similar("red", k=0) == []


def test_items_are_ranked_and_explained_by_their_scores() -> None:
    asked = client(FakeTransport({"rank": MUGS, "explain": MUGS}))
    assert [item.score for item in asked.rank("mug", "", ["blue", "none", "red"])] == [0.25, -np.inf, 0.5]
    explained = asked.explain("mug", ["blue", "none"])
    assert [(one.item_id, one.score) for one in explained] == [("blue", 0.25), ("none", -np.inf)]
    assert sum(part.contribution for part in explained[0].parts) == 0.25


def test_a_filtered_search_has_no_facets_unless_they_are_given() -> None:
    found = client(FakeTransport({"filtered_search": MUGS})).search("mug", k=2, filters=Filters("Home"))
    assert [item.item_id for item in found.items] == ["red", "blue"]
    assert (found.facets.categories, found.facets.brands) == ((), ())


def test_a_signature_without_an_answer_is_refused_by_name() -> None:
    with pytest.raises(
        RequestRefused, match=r"no answer for 'rank'; the test gave it those for \['search'\]"
    ):
        client(FakeTransport({"search": MUGS})).rank("mug", "", ["a"])


def test_failures_come_in_turn_and_are_recorded() -> None:
    fake = FakeTransport(
        {"search": MUGS}, failures=[None, "RESOURCE_EXHAUSTED", CallError("UNAVAILABLE", "")]
    )
    asked = client(fake)
    assert asked.search("one")
    with pytest.raises(Overloaded):
        asked.search("two")
    assert asked.search("three")
    assert [request.inputs["query"] for request in fake.requests] == [["one"], ["two"], ["three"], ["three"]]


def test_a_server_may_be_down_for_good() -> None:
    with pytest.raises(Unreachable):
        client(FakeTransport(failures=itertools.repeat("UNAVAILABLE"))).search("mug")


def test_answers_may_change_between_calls() -> None:
    fake = FakeTransport({"search": MUGS})
    asked = client(fake)
    asked.search("mug")
    fake.answers["search"] = []
    assert asked.search("mug") == []
