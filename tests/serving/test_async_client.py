"""The client for asyncio asks what the client asks, and fails as it fails."""

from __future__ import annotations

import asyncio
import inspect
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aisle.schema.contract import SERVING_DEFAULT
from aisle.schema.errors import InputError
from aisle.serving import (
    AsyncClient,
    AsyncRecommender,
    Client,
    DeadlineExceeded,
    Filters,
    MessageTooLarge,
    ModelNotFound,
    Recommender,
    RequestRefused,
    Retry,
    Unreachable,
)
from aisle.serving.testing import AsyncFakeTransport, FakeClock, FakeTransport

ITEMS = [("a", 2.0), ("b", 1.0)]
ANSWERS: dict[str, Any] = {
    **dict.fromkeys(
        ["search", "filtered_search", "recommend", "recommend_within", "similar", "rank", "explain"], ITEMS
    ),
    "titles": {"titles": np.array([[b"mug", b""]], object)},
}
QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "search": lambda c: c.search("mug", "u1", k=3),
    "filtered search": lambda c: c.search("mug", k=3, filters=Filters("Home", price=(1, 2))),
    "search_batch": lambda c: c.search_batch(["mug", "cup"], k=1),
    "recommend": lambda c: c.recommend("u1", ["x"], exclude_seen=True, k=2),
    "recommend_batch": lambda c: c.recommend_batch(["u1", ""], k=2),
    "recommend within": lambda c: c.recommend("u1", k=2, domain="food"),
    "similar": lambda c: c.similar("a", k=1),
    "similar_batch": lambda c: c.similar_batch(["a", "b"], k=1),
    "rank": lambda c: c.rank("mug", "u1", ["b", "a"]),
    "rank_batch": lambda c: c.rank_batch(["mug", "cup"], ["", ""], [["b"], ["a", "b"]]),
    "explain": lambda c: c.explain("mug", ["a", "zz"]),
    "titles": lambda c: c.titles(["a", "zz"], version=1),
    "versions": lambda c: c.versions(),
}


def ask(question: Callable[[AsyncClient], Any], server: AsyncFakeTransport, **options: Any) -> Any:
    async def run() -> Any:
        clock = FakeClock()
        async with AsyncClient(
            "shop:8500", transport=server, clock=clock, sleep=clock.async_sleep, **options
        ) as asked:
            return await question(asked)

    return asyncio.run(run())


@pytest.mark.parametrize("question", QUESTIONS)
def test_both_clients_send_the_same_and_answer_the_same(question: str) -> None:
    fake, async_fake = FakeTransport(ANSWERS), AsyncFakeTransport(ANSWERS)
    expected = QUESTIONS[question](Client("shop:8500", transport=fake, clock=FakeClock()))
    assert ask(QUESTIONS[question], async_fake) == expected
    assert async_fake.requests == fake.requests
    assert async_fake.closed


def test_both_clients_have_the_same_methods_with_the_same_arguments() -> None:
    for one, other in ((Recommender, AsyncRecommender), (Client, AsyncClient)):
        for name, method in inspect.getmembers(one, inspect.isfunction):
            if not name.startswith("_"):
                assert inspect.signature(method) == inspect.signature(getattr(other, name)), name
    assert list(inspect.signature(Client).parameters) == list(inspect.signature(AsyncClient).parameters)


def test_a_server_that_comes_back_is_asked_again() -> None:
    server = AsyncFakeTransport(ANSWERS, failures=["CANCELLED", "UNAVAILABLE"])
    assert len(ask(lambda c: c.search("mug"), server)) == 2
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("code", "error"),
    [("UNAVAILABLE", Unreachable), ("DEADLINE_EXCEEDED", DeadlineExceeded), ("NOT_FOUND", ModelNotFound)],
)
def test_errors_are_those_of_the_client(code: str, error: type[Exception]) -> None:
    server = AsyncFakeTransport(ANSWERS, failures=itertools.repeat(code))
    with pytest.raises(error, match="shop:8500"):
        ask(lambda c: c.search("mug"), server, retry=Retry(attempts=2))


def test_a_wrong_argument_is_named_and_not_sent() -> None:
    server = AsyncFakeTransport(ANSWERS)
    with pytest.raises(InputError, match="k is -1"):
        ask(lambda c: c.search("mug", k=-1), server)
    with pytest.raises(MessageTooLarge):
        ask(lambda c: c.search("mug" * 100), server, max_message_bytes=200)
    assert not server.requests


def test_a_real_server_is_asked_many_questions_at_once(fake_server: Callable[..., tuple[Any, str]]) -> None:
    target = fake_server(FakeTransport(ANSWERS))[1]

    async def run() -> list[Any]:
        async with AsyncClient(target, timeout=300) as asked:
            with pytest.raises(RequestRefused, match="no answer for 'serving_default'"):
                await asked.predict(SERVING_DEFAULT, {})
            return await asyncio.gather(*(asked.search(f"mug {number}", k=1) for number in range(20)))

    assert [[item.item_id for item in found] for found in asyncio.run(run())] == [["a"]] * 20


def test_a_cancelled_task_asks_no_more() -> None:
    async def run() -> None:
        async with AsyncClient("127.0.0.1:1", timeout=60) as asked:
            asking = asyncio.ensure_future(asked.search("mug"))
            await asyncio.sleep(0.2)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    asyncio.run(run())
