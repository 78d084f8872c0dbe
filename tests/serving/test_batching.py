"""Joining requests to one call and parting its answer, by calls that a test made; no TensorFlow."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from typing import Any

import grpc
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.schema.contract import EXPLAIN, FILTERED_SEARCH, RANK, RECOMMEND, SEARCH, SERVING_DEFAULT, SIMILAR
from aisle.serving.server.batching import Batcher, agreement, join, joined_inputs, split
from aisle.serving.server.calls import Arrays, RequestError, invalid

JOINED = joined_inputs(SEARCH)
QUERIES = st.lists(st.text(max_size=3).map(str.encode), min_size=1, max_size=4)


def asked(queries: list[bytes], k: int = 2) -> Arrays:
    """The inputs of a search."""
    return {
        "query": np.array(queries, object),
        "user_id": np.array([b"u"] * len(queries), object),
        "k": np.array(k, np.int32),
    }


def answer(inputs: Arrays) -> Arrays:
    """A model whose answer to a row tells the row; it refuses a row of b"bad"."""
    rows, k = inputs["query"], int(inputs["k"])
    if b"bad" in rows:
        raise invalid("a bad row")
    ids = [[query + b"/%d" % place for place in range(k)] for query in rows]
    scores = np.array([[len(query)] * k for query in rows], np.float32).reshape(len(rows), k)
    return {"item_ids": np.array(ids, object).reshape(len(rows), k), "scores": scores}


def same(one: Arrays, other: Arrays) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@given(st.lists(QUERIES, min_size=1, max_size=5))
def test_what_was_joined_is_parted_again(requests: list[list[bytes]]) -> None:
    inputs = [asked(queries) for queries in requests]
    joined = join(inputs, JOINED)
    joined.pop("k")
    parts = split(joined, [len(queries) for queries in requests])
    assert parts is not None
    for part, one in zip(parts, inputs, strict=True):
        assert same({**part, "k": one["k"]}, one)


@settings(max_examples=30)  # Each starts threads.
@given(
    st.lists(st.tuples(QUERIES, st.integers(0, 2), st.booleans()), min_size=1, max_size=8), st.integers(0, 6)
)
def test_everyone_has_the_own_answer_whoever_waits_beside(
    requests: list[tuple[list[bytes], int, bool]], most: int
) -> None:
    batcher = Batcher(places=1, rows=most)
    inputs = [asked([b"bad", *queries] if bad else queries, k) for queries, k, bad in requests]

    def ask(one: Arrays) -> Arrays | str:
        try:
            return batcher.run(answer, "model", "search", one, JOINED)
        except RequestError as error:
            return str(error)

    with concurrent.futures.ThreadPoolExecutor(len(requests)) as threads:
        answers = list(threads.map(ask, inputs))
    for (_, _, bad), one, found in zip(requests, inputs, answers, strict=True):
        if bad or b"bad" in one["query"]:
            assert found == "a bad row"
        else:
            assert isinstance(found, dict) and same(found, answer(one))


class Held:
    """A model that answers nothing until it is let go, and counts the rows of each call."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.rows: list[int] = []
        self.answer = answer

    def __call__(self, inputs: Arrays) -> Arrays:
        self.rows.append(len(inputs["query"]))
        self.begun.set()
        assert self.go.wait(600)
        return self.answer(inputs)


class Desk:
    """A batcher with one place, which a first request holds until the model is let go; others wait behind it."""

    def __init__(self, rows: int = 8, wait: float = 0.0) -> None:
        self.model, self.told = Held(), list[int]()
        self.batcher = Batcher(1, rows, wait, lambda _, requests: self.told.append(requests))
        self._threads = concurrent.futures.ThreadPoolExecutor(16)
        self.first = self._submit(asked([b"first"]))
        assert self.model.begun.wait(600)

    def ask(self, inputs: Arrays, **given: Any) -> concurrent.futures.Future[Arrays]:
        """Asks in a thread; returns once the request waits, or has ended."""
        before = self.batcher.waiting
        future = self._submit(inputs, **given)
        while self.batcher.waiting == before and not future.done():
            time.sleep(0.001)
        return future

    def _submit(
        self, inputs: Arrays, seconds: float = 1e6, version: int = 7, joined: frozenset[str] = JOINED
    ) -> concurrent.futures.Future[Arrays]:
        deadline = time.monotonic() + seconds
        return self._threads.submit(self.batcher.run, self.model, version, "search", inputs, joined, deadline)


def test_what_waits_is_one_call() -> None:
    desk = Desk()
    waiting = [desk.ask(asked(rows)) for rows in ([b"a"], [b"b", b"c"], [b"d"])]
    desk.model.go.set()
    assert [future.result()["item_ids"][0, 0] for future in waiting] == [b"a/0", b"b/0", b"d/0"]
    assert desk.first.result()["item_ids"].shape == (1, 2)
    assert desk.model.rows == [1, 4]
    assert desk.told == [1, 3]
    assert desk.batcher.waiting == 0


def test_a_call_has_no_more_rows_than_it_may() -> None:
    desk = Desk(rows=4)
    waiting = [desk.ask(asked([b"q"] * rows)) for rows in (3, 2, 2, 9)]
    desk.model.go.set()
    assert [len(future.result()["item_ids"]) for future in waiting] == [3, 2, 2, 9]
    assert sorted(desk.model.rows) == [1, 3, 4, 9]


def _crooked() -> Arrays:
    """A request whose inputs have different rows, which a model may take all the same."""
    return asked([b"q"]) | {"user_id": np.array([b"u", b"v"], object)}


@pytest.mark.parametrize(
    ("inputs", "given"),
    [
        (asked([b"q"], k=3), {}),
        (asked([b"q"]), {"version": 8}),
        (asked([b"q"]), {"joined": frozenset()}),
        (_crooked(), {}),
        (asked([]), {}),
    ],
    ids=["another k", "another version", "a signature that isn't joined", "unequal rows", "no rows"],
)
def test_what_does_not_agree_is_not_joined(inputs: Arrays, given: dict[str, Any]) -> None:
    desk = Desk()
    waiting = [desk.ask(asked([b"q"])), desk.ask(inputs, **given), desk.ask(asked([b"r"]))]
    desk.model.go.set()
    assert [future.exception() for future in waiting] == [None] * 3
    assert sorted(desk.told) == [1, 1, 2]


def test_other_dimensions_have_to_agree() -> None:
    histories = [np.full((1, length), b"i", object) for length in (2, 2, 3)]
    keys = [agreement({"history": history}, {"history"}) for history in histories]
    assert keys[0] == keys[1] != keys[2]


def test_a_bad_request_does_not_fail_those_it_waits_with() -> None:
    desk = Desk()
    good, bad = desk.ask(asked([b"a"])), desk.ask(asked([b"bad"]))
    desk.model.go.set()
    assert good.result()["item_ids"][0, 0] == b"a/0"
    with pytest.raises(RequestError, match="a bad row"):
        bad.result()


def test_an_answer_without_a_row_for_each_row_is_asked_for_one_by_one() -> None:
    desk = Desk()

    def shared(inputs: Arrays) -> Arrays:
        return answer(inputs) | {"parts": np.array([b"words"], object)}

    desk.model.answer = shared
    waiting = [desk.ask(asked([b"a"])), desk.ask(asked([b"b"]))]
    desk.model.go.set()
    assert [future.result()["item_ids"][0, 0] for future in waiting] == [b"a/0", b"b/0"]
    assert desk.model.rows == [1, 2, 1, 1]
    assert split({"parts": np.array(3)}, [1, 1]) is None


def test_a_request_whose_time_is_over_is_not_asked() -> None:
    desk = Desk()
    late = desk.ask(asked([b"late"]), seconds=0.01)
    with pytest.raises(RequestError) as error:
        late.result()
    assert error.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    desk.model.go.set()
    desk.first.result()
    assert desk.model.rows == [1]
    assert desk.batcher.waiting == 0


def test_a_batch_waits_for_others_until_it_is_full() -> None:
    batcher, rows = Batcher(2, rows=2, wait=600.0), list[int]()

    def call(inputs: Arrays) -> Arrays:
        rows.append(len(inputs["query"]))
        return answer(inputs)

    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        asking = [
            threads.submit(batcher.run, call, 7, "search", asked([query]), JOINED) for query in (b"a", b"b")
        ]
        assert [future.result()["item_ids"][0, 0] for future in asking] == [b"a/0", b"b/0"]
    assert rows == [2]


def test_signatures_are_joined_along_what_their_answers_have_rows_for() -> None:
    recent = {"recent_items", "recent_events", "recent_ages", "now"}
    assert joined_inputs(SEARCH) == {"query", "user_id"} | recent
    assert joined_inputs(FILTERED_SEARCH) == recent | {
        "query",
        "user_id",
        "category",
        "brand",
        "price_min",
        "price_max",
    }
    assert joined_inputs(RECOMMEND) == {"user_id", "history"} | recent
    assert joined_inputs(SIMILAR) == {"item_id"} | recent
    assert joined_inputs(RANK) == {"query", "user_id", "item_ids"} | recent
    assert joined_inputs(SERVING_DEFAULT) == {"examples"}
    assert joined_inputs(EXPLAIN) == frozenset()
