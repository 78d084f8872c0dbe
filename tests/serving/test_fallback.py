"""What is answered where ranking is late: another answer that says so, before the deadline, or the error."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.schema.errors import InputError
from aisle.serving import (
    AsyncClient,
    BadAnswer,
    CallError,
    Canary,
    Client,
    DeadlineExceeded,
    Fallback,
    Overloaded,
    ScoredItem,
    ServingError,
    Unreachable,
)
from aisle.serving.testing import AsyncFakeTransport, FakeClock, FakeTransport

LATE = ["DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "CANCELLED"]
FALLBACK = Fallback()
ANSWERS = {"rank": [("a", 2.0), ("b", 1.0)], "recommend": [("a", 2.0)], "retrieve": [("b", 0.5)]}


class Slow(FakeTransport):
    """A server whose signatures take so many seconds to answer, and their calls' timeouts at most."""

    def __init__(
        self, clock: FakeClock, seconds: dict[str, float], failures: Iterable[str | None] = ()
    ) -> None:
        super().__init__(ANSWERS, failures=failures)
        self.clock, self.seconds = clock, seconds
        self.called_at: list[float] = []

    def call(self, method: str, request: bytes, timeout: float) -> bytes:
        self.called_at.append(self.clock.now)
        answer, error = b"", None
        try:
            answer = super().call(method, request, timeout)
        except CallError as failed:
            error = failed
        seconds = self.seconds.get(self.requests[-1].signature, 0.0)
        self.clock.sleep(min(seconds, timeout))
        if seconds >= timeout:
            raise CallError("DEADLINE_EXCEEDED", "")
        if error:
            raise error
        return answer


def client(
    *failures: str | None, fallback: Fallback | None = FALLBACK, **seconds: float
) -> tuple[Client, Slow]:
    """A client with a timeout of 10 s whose server fails so before it answers, and takes so long."""
    clock = FakeClock()
    server = Slow(clock, seconds, failures)
    asked = Client(
        "shop:8500", timeout=10, fallback=fallback, transport=server, clock=clock, sleep=clock.sleep
    )
    return asked, server


def test_an_answer_in_time_is_none_of_the_fallbacks() -> None:
    asked, server = client()
    ranked, recommended = asked.rank("mug", "u1", ["b", "a"]), asked.recommend("u1", k=2)
    assert ranked == [ScoredItem("b", 1.0), ScoredItem("a", 2.0)]
    assert recommended == [ScoredItem("a", 2.0)]
    assert (ranked.fallback, recommended.fallback) == (False, False)
    assert [request.signature for request in server.requests] == ["rank", "recommend"]


@pytest.mark.parametrize("code", LATE)
def test_candidates_that_are_not_ranked_come_back_in_their_order(code: str) -> None:
    clock = FakeClock()
    fake = FakeTransport(failures=itertools.repeat(code))
    asked = Client(
        "shop:8500", timeout=1, fallback=Fallback(), transport=fake, clock=clock, sleep=clock.sleep
    )
    ranked = asked.rank("mug", "u1", ["b", "a", "c"])
    assert ranked == [ScoredItem("b", 0.0), ScoredItem("a", 0.0), ScoredItem("c", 0.0)]
    assert ranked.fallback
    # Whoever sorts by score keeps that order.
    assert sorted(ranked, key=lambda item: -item.score) == ranked
    both = asked.rank_batch(["mug", "cup"], ["", ""], [["a"], ["c", "b"]])
    assert [[item.item_id for item in row] for row in both] == [["a"], ["c", "b"]]
    assert all(row.fallback for row in both)


@pytest.mark.parametrize("code", ["DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"])
def test_recommendations_that_are_not_ranked_are_retrieved(code: str) -> None:
    asked, server = client(code, None, code)
    retrieved = asked.recommend("u1", ["x"], exclude_seen=True, k=2)
    assert (retrieved, retrieved.fallback) == ([ScoredItem("b", 0.5)], True)
    first, second = server.requests
    assert (first.signature, second.signature) == ("recommend", "retrieve")
    assert first.inputs == second.inputs
    assert [row.fallback for row in asked.recommend_batch(["u1", ""], k=1)] == [True, True]


def test_recommend_leaves_its_fallback_the_rest_of_the_time() -> None:
    asked, server = client(recommend=99, retrieve=2)
    assert asked.recommend("u1").fallback
    assert server.called_at == [0, 7]
    assert [request.timeout for request in server.requests] == [7, 3]


def test_rank_has_all_of_the_time_for_its_fallback_takes_none() -> None:
    asked, server = client(rank=99)
    assert asked.rank("mug", "u1", ["a"]).fallback
    assert [request.timeout for request in server.requests] == [10]
    assert server.clock.now == 10


def test_a_fallback_that_is_late_too_is_a_passed_deadline() -> None:
    asked, server = client(recommend=99, retrieve=99)
    with pytest.raises(DeadlineExceeded, match="within 10 s"):
        asked.recommend("u1")
    assert server.clock.now == 10


@given(
    share=st.floats(0.01, 0.99),
    timeout=st.floats(0.01, 100),
    recommend=st.floats(0, 2),
    retrieve=st.floats(0, 2),
    down_for=st.floats(0, 2),
)
@settings(max_examples=50)
def test_no_fallback_outlasts_the_deadline(
    share: float, timeout: float, recommend: float, retrieve: float, down_for: float
) -> None:
    clock = FakeClock()
    down = itertools.takewhile(lambda _: clock.now < down_for * timeout, itertools.repeat("UNAVAILABLE"))
    server = Slow(clock, {"recommend": recommend * timeout, "retrieve": retrieve * timeout}, down)
    asked = Client(
        "shop:8500",
        timeout=timeout,
        fallback=Fallback(share),
        transport=server,
        clock=clock,
        sleep=clock.sleep,
    )
    try:
        answer = asked.recommend("u1")
    except (DeadlineExceeded, Unreachable):
        pass
    else:
        assert answer == [ScoredItem("b", 0.5)] if answer.fallback else [ScoredItem("a", 2.0)]
    assert clock.now <= timeout * (1 + 1e-9)
    assert all(at < timeout for at in server.called_at)


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "NOT_FOUND", "INTERNAL"])
def test_what_is_wrong_and_not_late_has_no_fallback(code: str) -> None:
    asked, server = client(code)
    with pytest.raises(ServingError):
        asked.rank("mug", "u1", ["a"])
    assert len(server.requests) == 1


def test_an_answer_outside_the_contract_has_no_fallback() -> None:
    asked, server = client()
    server.answers["rank"] = b"\xff\xff"
    with pytest.raises(BadAnswer):
        asked.rank("mug", "u1", ["a"])


def test_other_questions_have_no_fallback() -> None:
    for ask in (lambda c: c.search("mug"), lambda c: c.similar("a"), lambda c: c.explain("mug", ["a"])):
        with pytest.raises(Overloaded):
            ask(client("RESOURCE_EXHAUSTED")[0])


def test_without_leave_there_is_no_fallback() -> None:
    asked, server = client("RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED", fallback=None)
    for ask in (lambda: asked.rank("mug", "u1", ["a"]), lambda: asked.recommend("u1")):
        with pytest.raises(Overloaded):
            ask()
    assert [request.timeout for request in server.requests] == [10, 10]


def test_a_fallback_asks_the_version_of_the_user() -> None:
    fake = FakeTransport(ANSWERS, failures=["RESOURCE_EXHAUSTED"])
    asked = Client("shop:8500", fallback=Fallback(), canary=Canary(1), transport=fake)
    assert asked.recommend("u1").fallback
    assert [request.version for request in fake.requests] == ["canary", "canary"]


def test_the_client_for_asyncio_falls_back_the_same() -> None:
    fake = AsyncFakeTransport(ANSWERS, failures=["RESOURCE_EXHAUSTED"] * 2)

    async def ask() -> list[Any]:
        async with AsyncClient("shop:8500", fallback=Fallback(), transport=fake) as asked:
            return [await asked.rank("mug", "u1", ["b", "a"]), await asked.recommend("u1", k=1)]

    ranked, retrieved = asyncio.run(ask())
    assert (ranked, ranked.fallback) == ([ScoredItem("b", 0.0), ScoredItem("a", 0.0)], True)
    assert (retrieved, retrieved.fallback) == ([ScoredItem("b", 0.5)], True)


@pytest.mark.parametrize("share", [0, 1, -1, float("nan")])
def test_a_share_that_leaves_one_no_time_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        Fallback(share)
