"""Recent events as clients send them, and as servers and models of this and of older versions take them."""

from __future__ import annotations

import asyncio
import datetime
import json
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from aisle.cli.ask.options import read_recents
from aisle.cli.ask.recommend import recommend
from aisle.schema.errors import InputError
from aisle.serving import (
    AsyncClient,
    CallError,
    Client,
    Fallback,
    Filters,
    RecentEvent,
    Recents,
    RequestRefused,
)
from aisle.serving.local import LocalModel
from aisle.serving.testing import AsyncFakeTransport, FakeTransport

EVENTS = [RecentEvent("i1", "purchase", 90.0), RecentEvent("i2", age=30)]
SENT = {
    "recent_items": [["i1", "i2"]],
    "recent_events": [["purchase", "click"]],
    "recent_ages": [[90.0, 30.0]],
}
LISTED = {
    name: [("a", 1.0)] for name in ("search", "filtered_search", "recommend", "similar", "rank", "retrieve")
}
REFUSED = CallError(
    "INVALID_ARGUMENT", "input 'recent_items' is not of this signature; expected ['k', 'query']"
)
OTHERWISE_REFUSED = CallError("INVALID_ARGUMENT", "k is negative")


def asked(*failures: Any, **client: Any) -> tuple[Client, FakeTransport]:
    fake = FakeTransport(LISTED, failures=failures)
    return Client("shop:8500", transport=fake, **client), fake


QUESTIONS: list[tuple[str, Callable[[Any, Sequence[RecentEvent]], Any]]] = [
    ("search", lambda client, recents: client.search("mug", "u", recents=recents)),
    ("filtered_search", lambda client, recents: client.search("mug", filters=Filters(), recents=recents)),
    ("recommend", lambda client, recents: client.recommend("u", recents=recents)),
    ("similar", lambda client, recents: client.similar("i1", recents=recents)),
    ("rank", lambda client, recents: client.rank("mug", "u", ["a"], recents=recents)),
]


@pytest.mark.parametrize(("signature", "ask"), QUESTIONS, ids=[name for name, _ in QUESTIONS])
def test_every_question_brings_them_and_none_without(signature: str, ask: Callable[..., Any]) -> None:
    client, fake = asked()
    ask(client, EVENTS)
    inputs = fake.requests[-1].inputs
    assert fake.requests[-1].signature == signature
    assert SENT.items() <= inputs.items()
    assert inputs["now"] == pytest.approx([time.time()], abs=60)
    ask(client, ())
    assert not {*SENT, "now"} & set(fake.requests[-1].inputs)

    async def same() -> None:
        other = AsyncFakeTransport(LISTED)
        async with AsyncClient("shop:8500", transport=other) as waiting:
            await ask(waiting, EVENTS)
        assert SENT.items() <= other.requests[-1].inputs.items()

    asyncio.run(same())


def test_a_batch_brings_each_its_own_as_of_its_own_moment() -> None:
    client, fake = asked()
    recents = [Recents(EVENTS, now=5.0), (), Recents(EVENTS[:1], now=7.0)]
    client.recommend_batch(["u", "v", "w"], recents=recents)
    inputs = fake.requests[-1].inputs
    assert inputs["recent_items"] == [["i1", "i2"], ["", ""], ["i1", ""]]
    assert inputs["recent_ages"] == [[90.0, 30.0], [0.0, 0.0], [90.0, 0.0]]
    assert (inputs["now"][0], inputs["now"][2]) == (5.0, 7.0)
    with pytest.raises(InputError, match="1 recents came with 2 queries"):
        client.search_batch(["a", "b"], recents=[EVENTS])


@pytest.mark.parametrize(("signature", "ask"), QUESTIONS, ids=[name for name, _ in QUESTIONS])
def test_a_model_that_takes_none_is_asked_without(signature: str, ask: Callable[..., Any]) -> None:
    client, fake = asked(REFUSED)
    assert ask(client, EVENTS)
    with_recents, without = fake.requests
    assert (with_recents.signature, without.signature) == (signature, signature)
    assert "recent_items" in with_recents.inputs and "recent_items" not in without.inputs
    refusing, fake = asked(OTHERWISE_REFUSED)
    with pytest.raises(RequestRefused, match="k is negative"):
        ask(refusing, EVENTS)
    assert len(fake.requests) == 1


def test_a_model_that_takes_none_is_told_an_anonymous_visitors_as_their_history() -> None:
    client, fake = asked(REFUSED)
    client.recommend_batch(["", "u"], recents=[EVENTS, EVENTS])
    assert fake.requests[-1].inputs["history"] == [["i1", "i2"], ["", ""]]


def test_what_stands_in_for_a_late_answer_has_them_too() -> None:
    client, fake = asked("DEADLINE_EXCEEDED", fallback=Fallback())
    assert client.recommend("u", recents=EVENTS).fallback
    assert fake.requests[-1].signature == "retrieve"
    assert SENT.items() <= fake.requests[-1].inputs.items()


def test_an_age_that_is_no_number_is_told() -> None:
    with pytest.raises(InputError, match="expected seconds"):
        RecentEvent("i1", age="soon")  # type: ignore[arg-type]


CUT_OFF = datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.timezone.utc)
"""Of the tiny model, whose scores are one higher for each recent event."""


def test_a_server_takes_them_or_does_without_and_tells_the_cut_off(target: str) -> None:
    with Client(target, timeout=60) as client:
        assert client.recommend("u", k=1)[0].score == 4.0
        assert client.recommend("u", k=1, recents=EVENTS)[0].score == 6.0
        assert [found[0].score for found in client.similar_batch(["a", "b"], recents=[EVENTS, ()])] == [
            6.0,
            4.0,
        ]
        assert client.cut_off() == CUT_OFF


def test_the_command_line_says_them_by_item_kind_and_seconds(target: str) -> None:
    events = read_recents(["i1", "i2:cart", "sku:9:purchase:2.5", "click"])
    assert events == [
        RecentEvent("i1"),
        RecentEvent("i2", "cart"),
        RecentEvent("sku:9", "purchase", 2.5),
        RecentEvent("click"),
    ]
    words = ["--recent", "i1:cart:30", "--recent", "i2", "--target", target, "--json", "-k", "1"]
    done = CliRunner().invoke(recommend, ["u1", *words])
    assert (done.exit_code, json.loads(done.stdout)[0]["score"]) == (0, 6.0)


def test_the_model_in_this_process_takes_them_too(out: pathlib.Path) -> None:
    model = LocalModel(out / "serving" / "aisle")
    assert model.search("red", k=1)[0].score == 4.0
    assert model.search("red", k=1, recents=EVENTS)[0].score == 6.0
    assert model.cut_off() == CUT_OFF


def test_a_pushed_model_of_before_is_asked_without(tmp_path: pathlib.Path) -> None:
    import tensorflow as tf

    class Before(tf.Module):
        @tf.function(
            input_signature=[tf.TensorSpec([None], tf.string, "item_id"), tf.TensorSpec([], tf.int32, "k")]
        )
        def similar(self, item_id: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
            return {
                "item_ids": tf.fill([tf.size(item_id), k], "old"),
                "scores": tf.ones([tf.size(item_id), k]),
            }

        @tf.function(input_signature=[tf.TensorSpec([None, None], tf.string, "item_ids")])
        def titles(self, item_ids: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"titles": item_ids}

    before = Before()
    signatures = {"similar": before.similar, "titles": before.titles}
    tf.saved_model.save(before, str(tmp_path / "1"), signatures=signatures)
    model = LocalModel(tmp_path)
    assert model.similar("a", k=1, recents=EVENTS)[0].item_id == "old"
    assert model.cut_off() is None
    assert np.isfinite(model.similar("a", k=1)[0].score)
