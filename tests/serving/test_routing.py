"""Which version a request is sent to: pinned, or by a stable hash of its user."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from aisle.schema.errors import InputError
from aisle.serving import AsyncClient, BadAnswer, Canary, Client, ScoredItem
from aisle.serving.testing import AsyncFakeTransport, FakeTransport
from aisle.serving.wire import messages_pb2

USERS = [f"u{number}" for number in range(20_000)]
HALF = Canary(share=0.5)
OF_CANARY, OF_STABLE = "u2", "u0"
"""Users of HALF's versions."""
EIGHT = ["stable", "stable", "canary", "canary", "canary", "canary", "canary", "stable"]
"""Those of u0 to u7."""


class Versions(FakeTransport):
    """Ranks an item by its length, the canary by the negative of it."""

    def call(self, method: str, request: bytes, timeout: float) -> bytes:
        message = messages_pb2.PredictRequest.FromString(request)
        sign = -1 if message.model_spec.version_label == "canary" else 1
        items = np.array([text.decode() for text in message.inputs["item_ids"].string_val])
        rows = len(message.inputs["user_id"].string_val)
        lengths = np.char.str_len(items).astype(np.float32).reshape(rows, -1)
        self.answers["rank"] = {"scores": sign * lengths}
        return super().call(method, request, timeout)


def versions_asked(server: FakeTransport) -> list[str | int | None]:
    return [request.version for request in server.requests]


def client(**options: Any) -> tuple[Client, FakeTransport]:
    server = FakeTransport(dict.fromkeys(["search", "recommend", "similar", "rank"], [("a", 1.0)]))
    return Client("shop:8500", transport=server, **options), server


@pytest.mark.parametrize(
    ("options", "version"), [({}, None), ({"label": "stable"}, "stable"), ({"version": 7}, 7)]
)
def test_a_pinned_version_is_named_in_every_question(
    options: dict[str, Any], version: str | int | None
) -> None:
    asked, server = client(**options)
    asked.search("mug", "u1")
    asked.similar("a")
    asked.rank_batch(["q", "r"], [OF_CANARY, OF_STABLE], [["a"], ["a"]])
    assert versions_asked(server) == [version] * 3


def test_the_share_of_the_users_is_that_of_the_canary() -> None:
    labels = [Canary(share=0.05).label_of(user) for user in USERS]
    # Twenty thousand draws of 1 in 20: a standard deviation is 31.
    assert abs(labels.count("canary") - 1000) < 200
    assert set(labels) == {"canary", "stable"}


@pytest.mark.parametrize(("share", "label"), [(0, "stable"), (1, "canary")])
def test_no_share_is_nobody_and_the_whole_is_everybody(share: float, label: str) -> None:
    assert {Canary(share).label_of(user) for user in USERS[:2000]} == {label}


def test_a_larger_share_keeps_the_users_of_a_smaller_one() -> None:
    shares = (0.0, 0.001, 0.05, 0.3, 0.31, 1.0)
    drawn = [{user for user in USERS[:2000] if Canary(share).label_of(user) == "canary"} for share in shares]
    assert all(small <= large for small, large in itertools.pairwise(drawn))
    assert len(drawn[-2]) < len(drawn[-1])


def test_a_users_version_is_the_same_in_every_process_and_release() -> None:
    # From printf '\\0u0' | sha256sum: a first digit below 8 is the canary's.
    assert [HALF.label_of(user) for user in USERS[:8]] == EIGHT
    code = "from aisle.serving import Canary; print(*(Canary(0.5).label_of(f'u{n}') for n in range(8)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == EIGHT


def test_another_salt_draws_other_users() -> None:
    assert len({Canary(0.5, salt=str(number)).label_of("u1") for number in range(30)}) == 2


def test_each_users_requests_go_to_its_version_and_anonymous_ones_to_the_other() -> None:
    asked, server = client(canary=HALF)
    asked.search("mug", OF_CANARY)
    asked.recommend(OF_STABLE)
    asked.rank("mug", OF_CANARY, ["a"])
    asked.search("mug")
    asked.similar("a")
    assert versions_asked(server) == ["canary", "stable", "canary", "stable", "stable"]


def test_a_batch_is_asked_by_version_and_answered_in_its_order() -> None:
    server = Versions()
    asked = Client("shop:8500", transport=server, canary=HALF)
    users = [OF_CANARY, OF_STABLE, "", OF_CANARY]
    answers = asked.rank_batch(list("qrst"), users, [["a", "bb"], ["ccc"], ["d"], ["eeee", "f"]])
    assert answers == [
        [ScoredItem("a", -1), ScoredItem("bb", -2)],
        [ScoredItem("ccc", 3)],
        [ScoredItem("d", 1)],
        [ScoredItem("eeee", -4), ScoredItem("f", -1)],
    ]
    assert [(request.version, request.inputs["query"]) for request in server.requests] == [
        ("canary", ["q", "t"]),
        ("stable", ["r", "s"]),
    ]
    assert [request.inputs["user_id"] for request in server.requests] == [[OF_CANARY] * 2, [OF_STABLE, ""]]


def test_a_batch_of_one_version_is_one_request() -> None:
    asked, server = client(canary=HALF)
    asked.recommend_batch([OF_STABLE, "", OF_STABLE], [["a"], [], ["b", "c"]])
    assert versions_asked(server) == ["stable"]
    assert server.requests[0].inputs["user_id"] == [OF_STABLE, "", OF_STABLE]


def test_parts_that_make_no_whole_are_a_bad_answer() -> None:
    # The first part is of two rows, and answered with three.
    answer = {"scores": np.ones((3, 1), np.float32)}
    asked = Client("shop:8500", transport=FakeTransport({"rank": answer}), canary=HALF)
    with pytest.raises(BadAnswer, match="make no whole"):
        asked.rank_batch(list("qrs"), [OF_CANARY, OF_STABLE, OF_CANARY], [["a"], ["b"], ["c"]])


def test_the_client_for_asyncio_goes_the_same_ways() -> None:
    server = AsyncFakeTransport({"search": [("a", 1.0)]})

    async def ask() -> None:
        async with AsyncClient("shop:8500", transport=server, canary=HALF) as asked:
            await asked.search_batch(["q", "r"], [OF_CANARY, OF_STABLE])
        async with AsyncClient("shop:8500", transport=server, version=7) as asked:
            await asked.search("q")

    asyncio.run(ask())
    assert versions_asked(server) == ["canary", "stable", 7]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"label": "stable", "version": 7}, "label and version came together"),
        ({"version": 7, "canary": HALF}, "version and canary came together"),
        ({"label": ""}, "label is ''; expected a version label"),
        ({"version": 0}, "version is 0"),
        ({"version": "7"}, "version is '7'"),
    ],
)
def test_a_version_that_can_not_be_asked_is_named(options: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        Client("shop:8500", **options)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="expected a number from 0 to 1"):
        Canary(share)
