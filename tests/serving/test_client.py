"""What the client sends, what it makes of the answer, and how it fails; the server is a fake."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

import aisle.serving
from aisle.schema.errors import InputError
from aisle.serving import (
    BadAnswer,
    CallError,
    Client,
    DeadlineExceeded,
    Explanation,
    Facet,
    Facets,
    FilteredItems,
    Filters,
    FoundBy,
    MessageTooLarge,
    ModelNotFound,
    Overloaded,
    Part,
    RequestRefused,
    Retry,
    ScoredItem,
    ServingError,
    Unreachable,
    WordMatch,
)
from aisle.serving.wire import messages_pb2
from aisle.serving.wire.tensors import to_array, to_proto


@dataclasses.dataclass
class FakeServer:
    """A transport that answers by a list of results, the last of them for good."""

    results: list[bytes | CallError]
    requests: list[messages_pb2.PredictRequest] = dataclasses.field(default_factory=list)
    timeouts: list[float] = dataclasses.field(default_factory=list)
    closed: bool = False

    def call(self, method: str, request: bytes, timeout: float) -> bytes:
        assert method == "/tensorflow.serving.PredictionService/Predict"
        self.requests.append(messages_pb2.PredictRequest.FromString(request))
        self.timeouts.append(timeout)
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        if isinstance(result, CallError):
            raise result
        return result

    def close(self) -> None:
        self.closed = True


def response(**outputs: np.ndarray) -> bytes:
    protos = {name: to_proto(value) for name, value in outputs.items()}
    return messages_pb2.PredictResponse(outputs=protos).SerializeToString()


def lists(ids: list[list[str]], scores: list[list[float]]) -> bytes:
    encoded = np.array([[item.encode() for item in row] for row in ids], object)
    return response(item_ids=encoded, scores=np.array(scores, np.float32))


def client(*results: bytes | CallError, **options: object) -> tuple[Client, FakeServer]:
    server = FakeServer(list(results))
    return Client("shop:8500", transport=server, sleep=lambda seconds: None, **options), server


def sent(server: FakeServer) -> dict[str, object]:
    return {name: to_array(proto).tolist() for name, proto in server.requests[-1].inputs.items()}


TWO = lists([["a", "b"]], [[2.0, 1.0]])


def test_a_search_names_model_and_signature_and_sends_the_contracts_inputs() -> None:
    asked, server = client(TWO)
    assert asked.search("rote Schuhe ✓", user_id="u1", k=2) == [ScoredItem("a", 2.0), ScoredItem("b", 1.0)]
    assert sent(server) == {"query": ["rote Schuhe ✓".encode()], "user_id": [b"u1"], "k": 2}
    spec = server.requests[0].model_spec
    assert (spec.name, spec.signature_name, spec.WhichOneof("version_choice")) == ("aisle", "search", None)
    assert server.requests[0].inputs["k"].dtype == messages_pb2.DT_INT32


def test_empty_places_are_dropped() -> None:
    asked, _ = client(lists([["a", "", ""]], [[2.0, -np.inf, -np.inf]]))
    assert asked.similar("x", k=3) == [ScoredItem("a", 2.0)]


def test_histories_of_a_batch_are_padded_behind() -> None:
    asked, server = client(lists([["a"], ["b"], [""]], [[1.0], [2.0], [-np.inf]]))
    answers = asked.recommend_batch(["u", "v", ""], [["x", "y"], [], ["z"]], exclude_seen=True, k=1)
    assert answers == [[ScoredItem("a", 1.0)], [ScoredItem("b", 2.0)], []]
    assert sent(server) == {
        "user_id": [b"u", b"v", b""],
        "history": [[b"x", b"y"], [b"", b""], [b"z", b""]],
        "exclude_seen": True,
        "k": 1,
    }


def test_no_history_is_an_empty_row() -> None:
    asked, server = client(lists([["a"]], [[1.0]]))
    asked.recommend("u", k=1)
    assert to_array(server.requests[0].inputs["history"]).shape == (1, 0)


def test_ranked_items_keep_their_order_and_padding_is_not_among_them() -> None:
    asked, server = client(response(scores=np.array([[0.5, 2.0], [1.0, 9.0]], np.float32)))
    answers = asked.rank_batch(["q", "r"], ["", "u"], [["a", "b"], ["c"]])
    assert answers == [[ScoredItem("a", 0.5), ScoredItem("b", 2.0)], [ScoredItem("c", 1.0)]]
    assert sent(server)["item_ids"] == [[b"a", b"b"], [b"c", b""]]


def facets(names: list[str], counts: list[int]) -> dict[str, np.ndarray]:
    values = np.array([[name.encode() for name in names]], object)
    number = np.array([counts], np.int32)
    return {
        "category_facets": values, "category_counts": number,
        "brand_facets": values[:, :1], "brand_counts": number[:, :1],
    }  # fmt: skip


FOUND = response(
    item_ids=np.array([[b"a", b""]], object), scores=np.array([[2.0, -np.inf]], np.float32),
    **facets(["Home", "Home/Kitchen", ""], [3, 2, 0]),
)  # fmt: skip


def test_a_filtered_search_sends_its_filters_and_reads_the_facets() -> None:
    asked, server = client(FOUND)
    filters = Filters(category="Home", brands=("Acme", "Ajax"), price=(2, 19.5), in_stock=True)
    assert asked.search("mug", "u1", k=2, filters=filters) == FilteredItems(
        (ScoredItem("a", 2.0),),
        Facets((Facet("Home", 3), Facet("Home/Kitchen", 2)), (Facet("Home", 3),)),
    )
    assert server.requests[0].model_spec.signature_name == "filtered_search"
    assert sent(server) == {
        "query": [b"mug"], "user_id": [b"u1"], "k": 2, "category": [b"Home"], "brand": [[b"Acme", b"Ajax"]],
        "price_min": [2.0], "price_max": [19.5], "in_stock": True,
    }  # fmt: skip


def test_open_filters_are_sent_as_no_number_and_no_brand() -> None:
    asked, server = client(FOUND)
    asked.search("mug", k=2, filters=Filters(price=(None, 5.0)))
    inputs = {name: to_array(proto) for name, proto in server.requests[0].inputs.items()}
    assert np.isnan(inputs["price_min"]).tolist() == [True]
    assert inputs["price_max"].tolist() == [5.0]
    assert (inputs["brand"].shape, inputs["category"].tolist()) == ((1, 0), [b""])


@pytest.mark.parametrize("lost", ["category_facets", "category_counts", "brand_facets", "brand_counts"])
def test_an_answer_without_a_facet_is_a_bad_one(lost: str) -> None:
    tensors = {"item_ids": np.array([[b"a"]], object), "scores": np.ones((1, 1), np.float32)}
    tensors |= facets(["Home"], [1])
    asked, _ = client(response(**{name: value for name, value in tensors.items() if name != lost}))
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
    asked, server = client(FOUND)
    with pytest.raises(InputError, match=named):
        asked.search("mug", k=2, filters=Filters(**wrong))  # type: ignore[arg-type]
    assert not server.requests


def test_an_empty_batch_and_no_candidates_are_not_sent() -> None:
    asked, server = client(TWO)
    assert asked.search_batch([]) == []
    assert asked.rank("q", "", []) == []
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
    asked, server = client(TWO)
    with pytest.raises(InputError, match=named):
        ask(asked)
    assert not server.requests


@pytest.mark.parametrize(
    "target", ["shop", "shop:", ":8500", "shop:0", "shop:65536", "shop:８５", "shop:http"]
)
def test_a_target_without_host_or_port_is_refused(target: str) -> None:
    with pytest.raises(InputError, match="expected HOST:PORT"):
        Client(target)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("UNAVAILABLE", Unreachable),
        ("CANCELLED", Unreachable),
        ("DEADLINE_EXCEEDED", DeadlineExceeded),
        ("RESOURCE_EXHAUSTED", Overloaded),
        ("NOT_FOUND", ModelNotFound),
        ("INVALID_ARGUMENT", RequestRefused),
        ("FAILED_PRECONDITION", RequestRefused),
        ("INTERNAL", ServingError),
    ],
)
def test_every_status_has_its_error_in_one_line(code: str, error: type[ServingError]) -> None:
    asked, _ = client(CallError(code, "first\nsecond"))
    with pytest.raises(ServingError) as raised:
        asked.search("x")
    assert type(raised.value) is error
    assert "shop:8500" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert (raised.value.code, raised.value.details) == (code, "first second")


def test_an_unreachable_servers_error_says_how_to_start_one() -> None:
    asked, server = client(CallError("UNAVAILABLE", "refused"))
    with pytest.raises(Unreachable, match="aisle serve"):
        asked.search("x")
    assert len(server.requests) == Retry().attempts


def test_a_server_that_comes_back_is_asked_again() -> None:
    # A server that is stopping cancels what reached it.
    asked, server = client(CallError("CANCELLED", ""), CallError("UNAVAILABLE", ""), TWO)
    assert len(asked.search("x", k=2)) == 2
    assert len(server.requests) == 3
    assert server.timeouts == sorted(server.timeouts, reverse=True)


def test_only_what_did_not_arrive_is_sent_again() -> None:
    asked, server = client(CallError("INTERNAL", ""), TWO)
    with pytest.raises(ServingError):
        asked.search("x", k=2)
    assert len(server.requests) == 1


def test_retries_end_before_the_timeout() -> None:
    asked, server = client(CallError("UNAVAILABLE", ""), timeout=1.0, retry=Retry(attempts=9, pause=30))
    with pytest.raises(Unreachable):
        asked.search("x")
    assert len(server.requests) == 1


def test_pauses_grow_with_jitter_up_to_the_longest() -> None:
    pauses = list(Retry(attempts=7, pause=0.1, longest_pause=1.0).pauses())
    limits = [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert all(limit / 2 <= pause <= limit for pause, limit in zip(pauses, limits, strict=True))
    assert pauses != list(Retry(attempts=7, pause=0.1, longest_pause=1.0).pauses())


def test_a_message_that_is_too_large_is_not_sent() -> None:
    asked, server = client(TWO, max_message_bytes=1000)
    with pytest.raises(MessageTooLarge, match="at most 1000"):
        asked.search("x" * 1000)
    assert not server.requests


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff\xff",
        response(item_ids=np.array([[b"a", b"b"]], object)),
        lists([["a", "b"], ["c", "d"]], [[2.0, 1.0], [1.0, 0.0]]),
        lists([["a"]], [[2.0]]),
    ],
    ids=["bytes", "no scores", "rows", "places"],
)
def test_an_answer_outside_the_contract_is_a_bad_answer(answer: bytes) -> None:
    asked, _ = client(answer)
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
    asked, server = client(response(**EXPLAINED))
    found, unknown = asked.explain("mini fridge", ["a", "zz"], "u1")
    assert sent(server) == {"query": [b"mini fridge"], "user_id": [b"u1"], "item_ids": [[b"a", b"zz"]]}
    assert found == Explanation(
        "a",
        2.0,
        (Part("words", 1.5), Part("bias", 0.5)),
        (WordMatch("mini", "mini", 1.0), WordMatch("fridge", "café", 0.5)),
        (FoundBy("lexical", 12),),
    )
    assert (unknown.score, unknown.found_by) == (-np.inf, ())


def test_nothing_to_explain_asks_nothing() -> None:
    asked, server = client(TWO)
    assert asked.explain("x", []) == []
    assert not server.requests


@pytest.mark.parametrize("name", EXPLAINED)
def test_an_explanation_outside_the_contract_is_a_bad_answer(name: str) -> None:
    without = {output: value for output, value in EXPLAINED.items() if output != name}
    for answer in (response(**without), response(**without, **{name: EXPLAINED[name][..., None]})):
        with pytest.raises(BadAnswer):
            client(answer)[0].explain("mini fridge", ["a", "zz"])


def test_leaving_the_client_closes_the_transport() -> None:
    asked, server = client(TWO)
    with asked:
        pass
    assert server.closed


def test_everything_promised_is_there() -> None:
    assert list(aisle.serving.__all__) == sorted(aisle.serving.__all__)
    for name in aisle.serving.__all__:
        assert hasattr(aisle.serving, name)


def test_the_client_is_imported_fast_and_without_tensorflow() -> None:
    code = (
        "import sys, time; start = time.perf_counter(); import aisle.serving; "
        "print(time.perf_counter() - start, *sorted({'tensorflow', 'tfx', 'grpc'} & set(sys.modules)))"
    )

    def run() -> list[str]:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return done.stdout.split()

    # The machine may be busy with other things: the best of a few tells what the import needs.
    assert min(float(seconds) for seconds, *_ in [run() for _ in range(3)]) < 0.5
    assert run()[1:] == []
