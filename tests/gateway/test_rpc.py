"""What a shop's backend asks over gRPC, and what it is answered."""

from __future__ import annotations

import asyncio
import base64
import io
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pyarrow.parquet as pq
import pydantic
import pytest
from google.protobuf import json_format

from aisle.gateway.recents.memory import MemoryStore
from aisle.gateway.recents.redis_store import RedisStore

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from PIL import Image

from aisle.gateway import events, questions
from aisle.gateway.items import updates
from aisle.gateway.rpc import gateway_pb2 as messages
from aisle.gateway.rpc.methods import METHODS, SERVICE, message_types
from aisle.gateway.rpc.server import RpcServer

KEY = "0123456789abcdef"
BEARER = (("authorization", f"Bearer {KEY}"),)
CLICK = {"event": "click", "item_id": "mug", "session_id": "s1"}


class Backend:
    """A shop's backend, connected to a gateway's gRPC port."""

    def __init__(self, site: Any, channel: grpc.aio.Channel) -> None:
        self.site, self.channel = site, channel

    async def ask(
        self, name: str, asked: dict[str, Any] | bytes, metadata: Any = BEARER, **call: Any
    ) -> dict[str, Any]:
        took, gave = message_types(name)
        data = asked if isinstance(asked, bytes) else json_format.ParseDict(asked, took()).SerializeToString()
        answer = await self.channel.unary_unary(f"/{SERVICE}/{name}")(
            data, metadata=metadata, **{"timeout": 10, **call}
        )
        return json_format.MessageToDict(gave.FromString(answer), preserving_proto_field_name=True)

    async def refused(self, name: str, asked: dict[str, Any] | bytes, **call: Any) -> tuple[str, str]:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await self.ask(name, asked, **call)
        return refused.value.code().name, refused.value.details() or ""


@pytest.fixture
def asks(site: Callable) -> Callable[..., Any]:
    """Runs a coroutine on a backend of a gateway over a memory store."""

    def run(use: Callable[[Any], Coroutine], store: Any = None, key: str = KEY, rate: float = 0.0) -> Any:
        async def opened() -> Any:
            async with site(store or MemoryStore(1_000)) as one:
                server = RpcServer(one.gateway, key, rate, "127.0.0.1", 0)
                async with server.running(), grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
                    return await use(Backend(one, channel))

        return asyncio.run(opened())

    return run


def test_an_event_that_was_recorded_is_in_the_next_question_and_in_the_files(asks: Callable) -> None:
    async def use(backend: Backend) -> Any:
        event = {**CLICK, "event_id": "e1", "timestamp": "2026-03-01T12:00:00Z", "position": 3, "price": 2.5}
        assert await backend.ask("Record", {"events": [CLICK]}) != {}
        assert await backend.ask("Record", {"events": [event]}) == {"event_ids": ["e1"]}
        of = {"session_id": "s1", "experiment": "x", "arm": "b"}
        answer = await backend.ask("Recommend", {**of, "k": 2}, metadata=())
        assert backend.site.model.requests[-1].inputs["recent_items"] == [["mug"]]
        assert answer.pop("request_id") and answer == {
            "version": "1", "items": [{"item_id": "mug", "score": 2.0}, {"item_id": "cup", "score": 1.0}],
        }  # fmt: skip
        return backend.site.log

    log = asks(use)
    rows = [row for path in (log / "events").iterdir() for row in pq.read_table(path).to_pylist()]
    assert [(row["event"], row["item_id"], row["arm"], row["price"]) for row in rows] == [
        ("click", "mug", None, None), ("click", "mug", None, 2.5),
        ("impression", "mug", "b", None), ("impression", "cup", "b", None),
    ]  # fmt: skip


def test_every_question_is_asked_as_over_http(asks: Callable) -> None:
    async def use(backend: Backend) -> None:
        found = await backend.ask("Search", {"query": "mug", "brand": ["Acme"], "price_max": 20, "k": 2})
        assert backend.site.model.requests[-1].inputs["price_max"] == [20.0]
        assert (len(found["items"]), found["facets"]) == (2, {})
        assert len((await backend.ask("Similar", {"item_id": "mug"}))["items"]) == 2
        ranked = await backend.ask("Rank", {"item_ids": ["nothing", "mug"]})
        assert ranked["items"] == [{"item_id": "nothing"}, {"item_id": "mug", "score": 2.0}]
        code, said = await backend.refused("Explain", {"query": "mug", "item_ids": ["mug"]})
        assert (code, "no answer for 'explain'" in said) == ("INVALID_ARGUMENT", True)

    asks(use)


def test_a_picture_and_texts_are_asked_as_over_http(asks: Callable) -> None:
    with io.BytesIO() as file:
        Image.new("RGB", (400, 300)).save(file, "JPEG")
        picture = base64.b64encode(file.getvalue()).decode()  # As a message's bytes are written in JSON.

    async def use(backend: Backend) -> None:
        backend.site.model.answers |= {
            "similar_by_image": [("mug", 2.0), ("cup", 1.0)],
            "sentiment": {"scores": np.array([0.5, 0.25], np.float32)},
        }
        found = await backend.ask("SimilarByImage", {"image": picture, "k": 1})
        assert found["items"] == [{"item_id": "mug", "score": 2.0}]
        (seen,) = backend.site.model.requests[-1].inputs["image"]
        assert seen.startswith(b"\x89PNG")
        assert await backend.ask("Sentiment", {"texts": ["a", "b"]}) == {"scores": [0.5, 0.25]}
        wrong = await backend.refused("SimilarByImage", {"image": base64.b64encode(b"BM").decode()})
        assert wrong[0] == "INVALID_ARGUMENT" and "can't be used" in wrong[1]
        large = base64.b64encode(bytes(300 << 10)).decode()
        assert (await backend.refused("SimilarByImage", {"image": large}))[0] == "INVALID_ARGUMENT"

    asks(use)


def test_what_is_told_of_items_is_so_at_once_and_may_be_taken_back(asks: Callable) -> None:
    async def use(backend: Backend) -> None:
        async def shown() -> list[str]:
            return [item["item_id"] for item in (await backend.ask("Recommend", {"k": 2}))["items"]]

        told = {"item_id": "mug", "price": 3.5, "withdrawn": True}
        assert await backend.ask("ChangeItems", {"items": [told, {"item_id": "cup", "stock": 4}]}) == {
            "items": "2"
        }
        assert await shown() == ["cup"]
        await backend.ask("ChangeItems", {"items": [{"item_id": "cup", "stock": 0}]})
        assert "items" not in await backend.ask("Recommend", {"in_stock": True})
        await backend.ask("ChangeItems", {"items": [{"item_id": "mug", "take_back": ["withdrawn"]}]})
        assert await shown() == ["mug", "cup"]
        await backend.ask("ChangeItems", {"items": [{"item_id": "mug", "withdrawn": True}]})
        await backend.ask("ReplaceItems", {"items": [{"item_id": "mug", "price": 3.0}]})
        assert await shown() == ["mug", "cup"]

    asks(use)


def test_a_session_is_merged_and_a_user_forgotten(asks: Callable) -> None:
    async def use(backend: Backend) -> None:
        await backend.ask("Record", {"events": [CLICK]})
        assert await backend.ask("Merge", {"session_id": "s1", "user_id": "ann"}) == {"done": True}
        assert [one.item_id for one in (await backend.site.recents.of("u:ann"))[0]] == ["mug"]
        forgotten = await backend.ask("Forget", {"user_id": "ann"})
        assert "trained versions" in " ".join(forgotten["remains"])
        assert await backend.site.recents.of("u:ann") == ([], False)

    asks(use)


WRONG: list[tuple[str, dict[str, Any] | bytes, str, str]] = [
    ("Record", {"events": []}, "INVALID_ARGUMENT", "events"),
    (
        "Record",
        {"events": [{"event": "stare", "item_id": "a"}]},
        "INVALID_ARGUMENT",
        "events.0.event is 'stare'",
    ),
    ("Record", {"events": [{**CLICK, "price": "Infinity"}]}, "INVALID_ARGUMENT", "finite"),
    ("Record", {"events": [{**CLICK, "timestamp": "yesterday"}]}, "INVALID_ARGUMENT", "timestamp"),
    ("Record", b"\xff\xff\xff", "INVALID_ARGUMENT", "no such message"),
    ("Record", b"\x0a\x04\x1a\x02\xff\xff", "INVALID_ARGUMENT", "no UTF-8"),
    ("Record", {"events": [{**CLICK, "text": "a" * 4_000}] * 70}, "RESOURCE_EXHAUSTED", "larger"),
    ("ChangeItems", {"items": []}, "INVALID_ARGUMENT", "items"),
    ("ChangeItems", {"items": [{"item_id": "a", "price": -1}]}, "INVALID_ARGUMENT", "items.0.price is -1"),
    ("ChangeItems", {"items": [{"item_id": "a", "take_back": ["x"]}]}, "INVALID_ARGUMENT", "items.0.x"),
    ("Sentiment", {"texts": []}, "INVALID_ARGUMENT", "texts"),
    ("SimilarByImage", {}, "INVALID_ARGUMENT", "image"),
    ("Search", {"k": 0}, "INVALID_ARGUMENT", "k is 0"),
    ("Search", {"price_min": 9, "price_max": 1}, "INVALID_ARGUMENT", "lowest price is 9"),
    ("Forget", {"user_id": " "}, "INVALID_ARGUMENT", "user_id"),
]


def test_what_is_wrong_is_said_in_one_line(asks: Callable) -> None:
    async def use(backend: Backend) -> None:
        for name, asked, code, said in WRONG:
            came = await backend.refused(name, asked)
            assert came[0] == code and said in came[1] and len(came[1]) < 400, (name, came)

    asks(use)


@pytest.mark.parametrize("sent", ["", "Bearer ", f"Bearer {KEY}0", f"Basic {KEY}"])
def test_events_and_users_take_the_key_and_questions_do_not(asks: Callable, sent: str) -> None:
    async def use(backend: Backend) -> None:
        metadata = (("authorization", sent),) if sent else ()
        keyed = {
            "Record": {"events": [CLICK]},
            "Merge": {"session_id": "s", "user_id": "u"},
            "Forget": {"user_id": "u"},
            "ChangeItems": {"items": [{"item_id": "mug", "stock": 0}]},
            "ReplaceItems": {"items": [{"item_id": "mug", "stock": 0}]},
        }
        for name, asked in keyed.items():
            assert (await backend.refused(name, asked, metadata=metadata))[0] == "UNAUTHENTICATED"
        assert (await backend.ask("Search", {"query": "mug"}, metadata=metadata))["items"]

    asks(use)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        ("UNAVAILABLE", "UNAVAILABLE"),
        ("RESOURCE_EXHAUSTED", "UNAVAILABLE"),
        ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"),
        ("INTERNAL", "INTERNAL"),
    ],
)
def test_a_model_that_fails_is_told_from_a_wrong_question(asks: Callable, failure: str, code: str) -> None:
    async def use(backend: Backend) -> None:
        backend.site.model._failures = iter([failure])
        came = await backend.refused("Search", {"query": "mug"})
        assert came[0] == code and "model" in came[1] and "shop:8500" not in came[1]

    asks(use)


def test_a_store_that_is_down_keeps_events_safe_and_forgets_nobody(asks: Callable) -> None:
    async def use(backend: Backend) -> None:
        recorded = await backend.ask("Record", {"events": [{**CLICK, "event_id": "e1"}]})
        assert recorded == {"event_ids": ["e1"], "stale": True}
        assert (await backend.refused("Forget", {"user_id": "ann"}))[0] == "UNAVAILABLE"

    asks(use, RedisStore("redis://127.0.0.1:1/0", 1_000))


def test_a_deadline_that_passes_ends_the_call_and_loses_no_event(asks: Callable, redis_server: Any) -> None:
    async def use(backend: Backend) -> Any:
        redis_server.process.send_signal(signal.SIGSTOP)  # It takes connections and says nothing.
        event = {"events": [{**CLICK, "event_id": "e1"}]}
        try:
            assert (await backend.refused("Record", event, timeout=0.05))[0] == "DEADLINE_EXCEEDED"
        finally:
            redis_server.process.send_signal(signal.SIGCONT)
        found: list[Any] = []
        for _ in range(400):
            await asyncio.sleep(0.05)
            found, _ = await backend.site.recents.of("s:s1")
            if found:
                break
        return backend.site.log, found

    log, found = asks(use, RedisStore(redis_server.address, 1_000))
    assert [one.event_id for one in found] == ["e1"]
    (path,) = (log / "events").iterdir()
    assert pq.read_table(path)["event_id"].to_pylist() == ["e1"]


def test_who_asks_too_often_is_told_when_to_ask_again(asks: Callable) -> None:
    async def use(backend: Backend) -> None:
        for _ in range(2):
            await backend.ask("Search", {"query": "mug"})
        code, said = await backend.refused("Search", {"query": "mug"})
        assert (code, "ask again in" in said) == ("RESOURCE_EXHAUSTED", True)

    asks(use, rate=1.0)


def test_it_tells_its_health_its_methods_and_its_answers(asks: Callable) -> None:
    from grpc_health.v1 import health_pb2, health_pb2_grpc
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    async def use(backend: Backend) -> None:
        checks = health_pb2_grpc.HealthStub(backend.channel)
        for name in ("", SERVICE):
            answer = await checks.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        asked = iter([reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE)])
        told = reflection_pb2_grpc.ServerReflectionStub(backend.channel).ServerReflectionInfo(asked)
        (file,) = (await told.read()).file_descriptor_response.file_descriptor_proto
        assert b"RecommendRequest" in file
        await backend.ask("Similar", {"item_id": "mug"})
        count = ("aisle_gateway_requests_total", {"route": f"/{SERVICE}/Similar", "code": "OK"})
        assert backend.site.gateway.metrics.registry.get_sample_value(*count) == 1

    asks(use)


def _names(model: type[pydantic.BaseModel]) -> set[str]:
    return set(model.model_fields)


@pytest.mark.parametrize("name", METHODS)
def test_a_request_has_the_fields_of_http(name: str) -> None:
    assert set(message_types(name)[0].DESCRIPTOR.fields_by_name) == _names(METHODS[name].asked)


@pytest.mark.parametrize(
    ("message", "model"),
    [
        ("Event", events.EVENT), ("Answer", questions.Answer), ("Item", questions.Item), ("Why", questions.Why),
        ("Explained", questions.Explained), ("FacetCounts", questions.FacetCounts),
        ("FacetCount", questions.FacetCount), ("Recorded", questions.Recorded), ("Done", questions.Done),
        ("Updated", updates.Updated), ("Sentiments", questions.Sentiments),
    ],
)  # fmt: skip
def test_a_message_has_the_fields_of_json(message: str, model: type[pydantic.BaseModel]) -> None:
    assert set(getattr(messages, message).DESCRIPTOR.fields_by_name) == _names(model)


def test_an_item_is_told_by_the_fields_of_json_and_what_is_taken_back() -> None:
    assert set(messages.ItemUpdate.DESCRIPTOR.fields_by_name) == _names(updates.ItemUpdate) | {"take_back"}
