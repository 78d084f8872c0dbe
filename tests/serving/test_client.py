"""What the client sends, and what it makes of the answer; the server is a fake."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

import aisle.serving
from aisle.schema.errors import InputError
from aisle.serving import (
    BadAnswer,
    Client,
    Explanation,
    Facet,
    Facets,
    FilteredItems,
    Filters,
    FoundBy,
    MessageTooLarge,
    Part,
    ScoredItem,
    VersionStatus,
    WordMatch,
)
from aisle.serving.client import questions
from aisle.serving.testing import Answer, FakeTransport
from aisle.serving.wire import messages_pb2
from aisle.serving.wire.tensors import to_array

TWO = [("a", 2.0), ("b", 1.0)]


def client(**answers: Answer) -> tuple[Client, FakeTransport]:
    """A client and its server, which answers by the signatures' names."""
    server = FakeTransport(answers)
    return Client("shop:8500", transport=server), server


def lists(ids: list[list[str]], scores: list[list[float]]) -> dict[str, np.ndarray]:
    encoded = np.array([[item.encode() for item in row] for row in ids], object)
    return {"item_ids": encoded, "scores": np.array(scores, np.float32)}


def message(server: FakeTransport) -> messages_pb2.PredictRequest:
    return messages_pb2.PredictRequest.FromString(server.requests[-1].payload)


def test_a_search_names_model_and_signature_and_sends_the_contracts_inputs() -> None:
    asked, server = client(search=TWO)
    assert asked.search("rote Schuhe ✓", user_id="u1", k=2) == [ScoredItem("a", 2.0), ScoredItem("b", 1.0)]
    assert server.requests[0].inputs == {"query": ["rote Schuhe ✓"], "user_id": ["u1"], "k": 2}
    spec = message(server).model_spec
    assert (spec.name, spec.signature_name, spec.WhichOneof("version_choice")) == ("aisle", "search", None)
    assert message(server).inputs["k"].dtype == messages_pb2.DT_INT32


def test_empty_places_are_dropped() -> None:
    asked, _ = client(similar=TWO[:1])
    assert asked.similar("x", k=3) == [ScoredItem("a", 2.0)]


def test_a_domain_is_asked_of_its_own_signature_and_nothing_stands_in_for_it() -> None:
    asked, server = client(recommend_within=lists([["a"], ["b"]], [[1.0], [2.0]]))
    found = asked.recommend_batch(["u", ""], k=1, domain="food")
    assert found == [[ScoredItem("a", 1.0)], [ScoredItem("b", 2.0)]]
    assert server.requests[0].signature == "recommend_within"
    assert server.requests[0].inputs["domain"] == ["food", "food"]
    # What the two-tower retrieves knows no domain.
    assert questions.recommend(["u"], None, False, 1, domain="food").fallback is None


def test_histories_of_a_batch_are_padded_behind() -> None:
    asked, server = client(recommend=lists([["a"], ["b"], [""]], [[1.0], [2.0], [-np.inf]]))
    answers = asked.recommend_batch(["u", "v", ""], [["x", "y"], [], ["z"]], exclude_seen=True, k=1)
    assert answers == [[ScoredItem("a", 1.0)], [ScoredItem("b", 2.0)], []]
    assert server.requests[0].inputs == {
        "user_id": ["u", "v", ""],
        "history": [["x", "y"], ["", ""], ["z", ""]],
        "exclude_seen": True,
        "k": 1,
    }


def test_no_history_is_an_empty_row() -> None:
    asked, server = client(recommend=TWO)
    asked.recommend("u", k=1)
    assert to_array(message(server).inputs["history"]).shape == (1, 0)


def test_ranked_items_keep_their_order_and_padding_is_not_among_them() -> None:
    asked, server = client(rank={"scores": np.array([[0.5, 2.0], [1.0, 9.0]], np.float32)})
    answers = asked.rank_batch(["q", "r"], ["", "u"], [["a", "b"], ["c"]])
    assert answers == [[ScoredItem("a", 0.5), ScoredItem("b", 2.0)], [ScoredItem("c", 1.0)]]
    assert server.requests[0].inputs["item_ids"] == [["a", "b"], ["c", ""]]


def facets(names: list[str], counts: list[int]) -> dict[str, np.ndarray]:
    values = np.array([[name.encode() for name in names]], object)
    number = np.array([counts], np.int32)
    return {
        "category_facets": values, "category_counts": number,
        "brand_facets": values[:, :1], "brand_counts": number[:, :1],
    }  # fmt: skip


FOUND = {**lists([["a", ""]], [[2.0, -np.inf]]), **facets(["Home", "Home/Kitchen", ""], [3, 2, 0])}


def test_a_filtered_search_sends_its_filters_and_reads_the_facets() -> None:
    asked, server = client(filtered_search=FOUND)
    filters = Filters(category="Home", brands=("Acme", "Ajax"), price=(2, 19.5), in_stock=True)
    assert asked.search("mug", "u1", k=2, filters=filters) == FilteredItems(
        (ScoredItem("a", 2.0),),
        Facets((Facet("Home", 3), Facet("Home/Kitchen", 2)), (Facet("Home", 3),)),
    )
    assert server.requests[0].signature == "filtered_search"
    assert server.requests[0].inputs == {
        "query": ["mug"], "user_id": ["u1"], "k": 2, "category": ["Home"], "brand": [["Acme", "Ajax"]],
        "price_min": [2.0], "price_max": [19.5], "in_stock": True,
    }  # fmt: skip


def test_open_filters_are_sent_as_no_number_and_no_brand() -> None:
    asked, server = client(filtered_search=FOUND)
    asked.search("mug", k=2, filters=Filters(price=(None, 5.0)))
    inputs = {name: to_array(proto) for name, proto in message(server).inputs.items()}
    assert np.isnan(inputs["price_min"]).tolist() == [True]
    assert inputs["price_max"].tolist() == [5.0]
    assert (inputs["brand"].shape, inputs["category"].tolist()) == ((1, 0), [b""])


@pytest.mark.parametrize("lost", ["category_facets", "category_counts", "brand_facets", "brand_counts"])
def test_an_answer_without_a_facet_is_a_bad_one(lost: str) -> None:
    tensors = {**lists([["a"]], [[1.0]]), **facets(["Home"], [1])}
    asked, _ = client(filtered_search={name: value for name, value in tensors.items() if name != lost})
    with pytest.raises(BadAnswer, match="not of the contract"):
        asked.search("mug", k=1, filters=Filters())


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"price": (5, 2)}, "the lowest price is 5, above the highest, 2"),
        ({"price": (-1, None)}, "price to filter by is -1"),
        ({"price": (None, float("nan"))}, "price to filter by is nan"),
        ({"price": (float("inf"), None)}, "price to filter by is inf"),
        ({"price": ("5", None)}, "price to filter by is '5'"),
        ({"price": (True, None)}, "price to filter by is True"),
        ({"price": 5}, "price is 5"),
        ({"price": (1, 2, 3)}, r"price is \(1, 2, 3\)"),
        ({"brands": "Acme"}, "brands is 'Acme'"),
        ({"brands": ("Acme", 3)}, r"brands is \('Acme', 3\)"),
        ({"brands": ("\udcff",)}, "not UTF-8"),
        ({"category": None}, "category is None"),
        ({"category": "\udcff"}, "not UTF-8"),
    ],
)
def test_filters_that_make_no_sense_are_refused_before_anything_is_sent(
    wrong: dict[str, object], named: str
) -> None:
    asked, server = client(filtered_search=FOUND)
    with pytest.raises(InputError, match=named):
        asked.search("mug", k=2, filters=Filters(**wrong))  # type: ignore[arg-type]
    assert not server.requests


def test_an_empty_batch_and_no_candidates_are_not_sent() -> None:
    asked, server = client()
    assert asked.search_batch([]) == []
    assert asked.recommend_batch([]) == []
    assert asked.rank("q", "", []) == []
    assert asked.rank_batch(["q", "r"], ["", ""], [[], []]) == [[], []]
    assert not server.requests


@pytest.mark.parametrize(
    ("ask", "named"),
    [
        (lambda c: c.search("x", k=-1), "k is -1"),
        (lambda c: c.search("x", k=2**31), "k is 2147483648"),
        (lambda c: c.search("x", k=2.0), "k is 2.0"),
        (lambda c: c.search(b"x"), "queries holds b'x'"),
        (lambda c: c.search("\udcff"), "not UTF-8"),
        (lambda c: c.search_batch("shoes"), "queries is one string"),
        (lambda c: c.rank("q", "", "abc"), "item_ids is one string"),
        (lambda c: c.search_batch(["a", "b"], ["u"]), "1 user_ids came with 2 queries"),
    ],
)
def test_a_wrong_argument_is_named_and_not_sent(ask: Callable[[Client], object], named: str) -> None:
    asked, server = client(search=TWO)
    with pytest.raises(InputError, match=named):
        ask(asked)
    assert not server.requests


@pytest.mark.parametrize(
    "target", ["shop", "shop:", ":8500", "shop:0", "shop:65536", "shop:８５", "shop:http"]
)
def test_a_target_without_host_or_port_is_refused(target: str) -> None:
    with pytest.raises(InputError, match="expected HOST:PORT"):
        Client(target)


def test_a_message_that_is_too_large_is_not_sent() -> None:
    server = FakeTransport({"search": TWO})
    with pytest.raises(MessageTooLarge, match="at most 1000"):
        Client("shop:8500", transport=server, max_message_bytes=1000).search("x" * 1000)
    assert not server.requests


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff\xff",
        {"item_ids": np.array([[b"a", b"b"]], object)},
        lists([["a", "b"], ["c", "d"]], [[2.0, 1.0], [1.0, 0.0]]),
        lists([["a"]], [[2.0]]),
    ],
    ids=["bytes", "no scores", "rows", "places"],
)
def test_an_answer_outside_the_contract_is_a_bad_answer(answer: Answer) -> None:
    asked, _ = client(search=answer)
    with pytest.raises(BadAnswer):
        asked.search("x", k=2)


EXPLAINED = {
    "scores": np.array([[2.0, -np.inf]], np.float32),
    "parts": np.array([b"words", b"bias"], object),
    "contributions": np.array([[[1.5, 0.5], [0.0, 0.0]]], np.float32),
    "words": np.array([[b"mini", b"fridge"]], object),
    "word_contributions": np.array([[[1.0, 0.5], [0.0, 0.0]]], np.float32),
    "matched_words": np.array([[[b"mini", b"caf\xc3\xa9"], [b"", b""]]], object),
    "sources": np.array([b"dense", b"lexical"], object),
    "source_ranks": np.array([[[0, 12], [0, 0]]], np.int32),
}


def test_an_explanation_names_parts_words_and_the_sources_that_found_it() -> None:
    asked, server = client(explain=EXPLAINED)
    found, unknown = asked.explain("mini fridge", ["a", "zz"], "u1")
    assert server.requests[0].inputs == {
        "query": ["mini fridge"],
        "user_id": ["u1"],
        "item_ids": [["a", "zz"]],
    }
    assert found == Explanation(
        "a",
        2.0,
        (Part("words", 1.5), Part("bias", 0.5)),
        (WordMatch("mini", "mini", 1.0), WordMatch("fridge", "café", 0.5)),
        (FoundBy("lexical", 12),),
    )
    assert (unknown.score, unknown.found_by) == (-np.inf, ())


def test_nothing_to_explain_asks_nothing() -> None:
    asked, server = client()
    assert asked.explain("x", []) == []
    assert not server.requests


@pytest.mark.parametrize("name", EXPLAINED)
def test_an_explanation_outside_the_contract_is_a_bad_answer(name: str) -> None:
    without = {output: value for output, value in EXPLAINED.items() if output != name}
    for answer in (without, {**without, name: EXPLAINED[name][..., None]}):
        with pytest.raises(BadAnswer):
            client(explain=answer)[0].explain("mini fridge", ["a", "zz"])


def test_the_versions_on_the_server_are_told() -> None:
    known = [VersionStatus(7, "AVAILABLE", ""), VersionStatus(8, "END", "no such file")]
    assert Client("shop:8500", transport=FakeTransport(versions=known)).versions() == known


def test_leaving_the_client_closes_the_transport() -> None:
    asked, server = client()
    with asked:
        pass
    assert server.closed


def test_everything_promised_is_there() -> None:
    assert list(aisle.serving.__all__) == sorted(aisle.serving.__all__)
    for name in aisle.serving.__all__:
        assert hasattr(aisle.serving, name)


def test_importing_the_client_imports_nothing_slow() -> None:
    slow = ("tensorflow", "tfx", "grpc", "pyarrow", "polars", "pandas", "scipy", "prometheus_client")
    code = f"import sys, aisle.serving; print(sorted(set({slow!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
