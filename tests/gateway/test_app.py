"""What a shop's site asks over HTTP, and what it is answered."""

from __future__ import annotations

import asyncio
import datetime
import json
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pyarrow.parquet as pq
import pytest

from aisle.gateway.recents.memory import MemoryStore
from aisle.gateway.recents.redis_store import RedisStore
from aisle.gateway.service import utc_now

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

KEY = "0123456789abcdef"
BEARER = {"Authorization": f"Bearer {KEY}"}
CLICK = {"event": "click", "item_id": "mug", "session_id": "s1"}

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.timezone.utc)

Asks = Callable[[Callable[[Any], Coroutine]], Any]


@pytest.fixture
def asks(site: Callable) -> Callable[..., Any]:
    """Runs a coroutine on a site over a memory store."""

    def run(use: Callable[[Any], Coroutine], store: Any = None, **app: Any) -> Any:
        async def opened() -> Any:
            clock = app.get("now", utc_now)
            memory = MemoryStore(1_000, lambda: clock().timestamp())
            async with site(store or memory, **app) as one:
                return await use(one)

        return asyncio.run(opened())

    return run


def _recent(site: Any) -> tuple[str, list[str]]:
    """Of whom the model was asked last, and with which recent items."""
    inputs = site.model.requests[-1].inputs
    return inputs.get("user_id", [""])[0], inputs.get("recent_items", [[]])[0]


def test_an_anonymous_visitors_last_click_is_in_the_next_question(asks: Asks) -> None:
    async def use(site: Any) -> None:
        for event in (
            {**CLICK},
            {**CLICK, "item_id": "cup", "event": "impression"},
            {**CLICK, "item_id": "pot"},
        ):
            recorded = (await site.http.post("/v1/events", json=event)).json()
            assert (len(recorded["event_ids"]), recorded["stale"]) == (1, False)
        answer = (await site.http.get("/v1/recommend", params={"session_id": "s1", "k": 2})).json()
        assert _recent(site) == ("", ["mug", "pot"])
        assert site.model.requests[-1].inputs["recent_events"] == [["click", "click"]]
        assert answer["items"] == [{"item_id": "mug", "score": 2.0}, {"item_id": "cup", "score": 1.0}]
        assert (answer["version"], answer["stale"]) == (1, False)

    asks(use)


def test_a_users_past_is_not_replaced_by_what_they_just_did(asks: Asks) -> None:
    async def use(site: Any) -> None:
        await site.http.post("/v1/events", json={**CLICK, "user_id": "ann"})
        await site.http.post("/v1/recommend", json={"user_id": "ann"})
        assert _recent(site) == ("ann", ["mug"])
        assert site.model.requests[-1].inputs["history"] == [[]]

    asks(use)


def test_every_question_brings_what_its_visitor_did_as_of_now(asks: Asks) -> None:
    async def use(site: Any) -> None:
        event = {**CLICK, "event": "add_to_cart", "timestamp": "2026-01-01T11:59:30Z"}
        await site.http.post("/v1/events", json=event)
        for path, asked in (
            ("search", {"query": "mug"}),
            ("search", {"query": "mug", "in_stock": True}),
            ("recommend", {}),
            ("similar", {"item_id": "cup"}),
            ("rank", {"item_ids": ["cup"]}),
        ):
            await site.http.post(f"/v1/{path}", json={**asked, "session_id": "s1"})
            inputs = site.model.requests[-1].inputs
            assert (inputs["recent_items"], inputs["recent_events"]) == ([["mug"]], [["cart"]])
            assert (inputs["recent_ages"], inputs["now"]) == ([[30.0]], [NOON.timestamp()])

    asks(use, now=lambda: NOON)


def test_a_session_that_signed_in_is_nobodys_any_more(asks: Asks) -> None:
    async def use(site: Any) -> Any:
        await site.http.post("/v1/events", json=CLICK)
        await site.http.post("/v1/users/merge", json={"session_id": "s1", "user_id": "ann/1"})
        await site.http.get("/v1/recommend", params={"session_id": "s1"})
        assert _recent(site) == ("", [])
        assert [one.item_id for one in (await site.recents.of("u:ann/1"))[0]] == ["mug"]
        forgotten = (await site.http.delete("/v1/users/ann%2F1")).json()
        assert forgotten["done"] and "trained versions" in " ".join(forgotten["remains"])
        assert await site.recents.of("u:ann/1") == ([], False)
        return site.log

    log = asks(use)
    rows = [row for path in (log / "events").iterdir() for row in pq.read_table(path).to_pylist()]
    assert [row for row in rows if row["event"] != "impression"] == []


@pytest.mark.parametrize(
    ("path", "asked", "sent"),
    [
        ("search", {"query": "mug", "user_id": "u1"}, {"query": ["mug"], "user_id": ["u1"], "k": 10}),
        ("similar", {"item_id": "mug", "k": 2}, {"item_id": ["mug"], "k": 2}),
        ("rank", {"query": "mug", "item_ids": ["mug", "x"]}, {"item_ids": [["mug", "x"]], "query": ["mug"]}),
    ],
)
def test_each_question_is_asked_alike_by_get_and_post(asks: Asks, path: str, asked: dict, sent: dict) -> None:
    async def use(site: Any) -> None:
        answers = []
        for answer in (
            await site.http.post(f"/v1/{path}", json=asked),
            await site.http.get(f"/v1/{path}", params=asked),
        ):
            answers.append({**answer.json(), "request_id": ""})
            assert site.model.requests[-1].signature == path
            assert sent.items() <= site.model.requests[-1].inputs.items()
        assert answers[0] == answers[1] and answers[0]["items"]

    asks(use)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("text/plain", 422),
        ("application/x-www-form-urlencoded", 422),
    ],
)
def test_a_question_is_json_by_its_header_so_that_no_form_of_another_site_can_ask(
    asks: Asks, kind: str, status: int
) -> None:
    async def use(site: Any) -> None:
        headers = {"Content-Type": kind}
        answer = await site.http.post("/v1/search", content=b'{"query": "mug", "k": 1}', headers=headers)
        assert answer.status_code == status
        if status == 200:
            assert answer.headers["Content-Type"] == "application/json"
            assert answer.json()["items"] == [{"item_id": "mug", "score": 2.0}]

    asks(use)


def test_no_question_and_no_event_waits_for_a_thread(asks: Asks) -> None:
    async def use(site: Any) -> list[str]:
        await site.http.get("/v1/recommend", params={"session_id": "s1"})
        await site.http.post("/v1/events", json=CLICK, headers=BEARER)
        return [thread.name for thread in threading.enumerate()]

    # The disk has a thread of asyncio's own.
    assert not [name for name in asks(use, key=KEY) if "AnyIO" in name]


def test_an_item_that_the_model_does_not_know_has_no_score(asks: Asks) -> None:
    async def use(site: Any) -> Any:
        return (await site.http.get("/v1/rank", params={"item_ids": ["nothing", "mug"]})).json()["items"]

    assert asks(use) == [{"item_id": "nothing", "score": None}, {"item_id": "mug", "score": 2.0}]


def test_a_search_with_a_filter_counts_what_it_found(asks: Asks) -> None:
    async def use(site: Any) -> None:
        asked = {"query": "mug", "brand": ["Acme", "Ajax"], "price_max": 20}
        answer = (await site.http.get("/v1/search", params=asked)).json()
        inputs = site.model.requests[-1].inputs
        assert site.model.requests[-1].signature == "filtered_search"
        assert (inputs["brand"], inputs["price_max"]) == ([["Acme", "Ajax"]], [20.0])
        assert answer["facets"] == {"categories": [], "brands": []}

    asks(use)


def test_what_was_shown_is_written_with_the_answer_it_came_by(asks: Asks) -> None:
    async def use(site: Any) -> Any:
        await site.http.get("/v1/search", params={"query": "red mug", "user_id": "ann", "session_id": "s1"})
        of = {"experiment": "x", "arm": "b"}
        await site.http.get("/v1/similar", params={"item_id": "mug", **of})
        await site.http.get("/v1/rank", params={"item_ids": "mug"})
        return site.log

    log = asks(use)
    (path,) = (log / "events").iterdir()
    names = ("event", "source", "user_id", "session_id", "query", "position", "item_id", "version", "arm")
    assert [tuple(row[name] for name in names) for row in pq.read_table(path).to_pylist()] == [
        ("impression", "search", "ann", "s1", "red mug", 1, "mug", "1", None),
        ("impression", "search", "ann", "s1", "red mug", 2, "cup", "1", None),
        ("impression", "similar", None, None, None, 1, "mug", "1", "b"),
        ("impression", "similar", None, None, None, 2, "cup", "1", "b"),
    ]


def test_what_a_forgotten_user_was_shown_a_moment_ago_is_not_written(asks: Asks) -> None:
    async def use(site: Any) -> Any:
        for user in ("ann", "bob"):
            await site.http.get("/v1/search", params={"query": "mug", "user_id": user, "k": 1})
        await site.http.delete("/v1/users/ann")
        return site.log

    log = asks(use)
    rows = [row for path in (log / "events").iterdir() for row in pq.read_table(path).to_pylist()]
    assert [row["user_id"] for row in rows] == ["bob"]


def test_without_the_store_answers_are_stale_and_events_are_safe(asks: Asks) -> None:
    async def use(site: Any) -> Any:
        recorded = await site.http.post("/v1/events", json={**CLICK, "event_id": "e1"})
        assert (recorded.status_code, recorded.json()) == (200, {"event_ids": ["e1"], "stale": True})
        answer = await site.http.get("/v1/recommend", params={"session_id": "s1"})
        assert (answer.status_code, answer.json()["stale"]) == (200, True)
        assert (await site.http.get("/v1/search", params={"query": "mug"})).json()["stale"] is False
        gone = await site.http.delete("/v1/users/ann")
        assert gone.status_code == 503 and "store" in gone.json()["error"]
        return site.log

    log = asks(use, RedisStore("redis://127.0.0.1:1/0", 1_000))
    rows = [row for path in (log / "events").iterdir() for row in pq.read_table(path).to_pylist()]
    assert [row["event_id"] for row in rows if row["source"] is None] == ["e1"]


DEEP = b"[" * 100_000
WRONG: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("POST", "/v1/events", {"content": DEEP}, 400, "body"),
    ("POST", "/v1/search", {"content": DEEP}, 400, "body"),
    ("POST", "/v1/events", {"content": b"a" * 1_000_000}, 413, "larger than 256 KiB"),
    ("POST", "/v1/events", {"content": b"{"}, 422, "JSON"),
    ("POST", "/v1/events", {"content": b'[{"event": "\\ud800", "item_id": "a"}]'}, 422, r"\ud800"),
    ("POST", "/v1/events", {"content": b'[{"\\ud800": 1}]'}, 422, r"\ud800"),
    ("POST", "/v1/events", {"content": b'{"event": "click", "item_id": "a", "price": 1e999}'}, 422, "finite"),
    ("POST", "/v1/events", {"content": b"1" * 5_000}, 400, "body"),
    (
        "POST",
        "/v1/events",
        {"json": {"event": "stare", "item_id": "a"}},
        422,
        "body.0.event is 'stare': no kind",
    ),
    ("POST", "/v1/users/merge", {"json": {"session_id": "s"}}, 422, "user_id"),
    ("GET", "/v1/search?k=0", {}, 422, "query.k is '0'"),
    ("GET", "/v1/search?price_min=9&price_max=1", {}, 422, "lowest price is 9"),
    ("GET", "/v1/search?user=ann", {}, 422, "query.user is 'ann'"),
    ("GET", "/v1/explain?query=mug&item_ids=mug", {}, 422, "no answer for 'explain'"),
    ("DELETE", "/v1/users/%20", {}, 422, "user_id"),
    ("GET", "/v1/users/ann", {}, 405, "Not Allowed"),
    ("GET", "/v2", {}, 404, "Not Found"),
]


def test_what_is_wrong_is_said_in_one_line(asks: Asks) -> None:
    async def use(site: Any) -> None:
        for method, path, sent, status, said in WRONG:
            headers = {**BEARER, "Content-Type": "application/json"}
            answer = await site.http.request(method, path, headers=headers, **sent)
            assert (answer.status_code, list(answer.json())) == (status, ["error"]), path
            assert said in answer.json()["error"] and len(answer.json()["error"]) < 400

    asks(use, key=KEY)


@pytest.mark.parametrize("sent", ["", "Bearer ", f"Bearer {KEY}0", f"Basic {KEY}", "Bearer ключ"])
def test_events_and_users_take_the_key_and_questions_do_not(asks: Asks, sent: str) -> None:
    async def use(site: Any) -> None:
        headers = {"Authorization": sent.encode()} if sent else {}
        for method, path in (
            ("POST", "/v1/events"),
            ("POST", "/v1/users/merge"),
            ("DELETE", "/v1/users/ann"),
            ("GET", "/metrics"),
        ):
            answer = await site.http.request(method, path, headers=headers, json=CLICK)
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), path
        assert (await site.http.get("/v1/search", params={"query": "mug"})).status_code == 200
        assert (await site.http.get("/metrics", headers=BEARER)).status_code == 200

    asks(use, key=KEY)


def test_who_asks_too_often_is_told_when_to_ask_again(asks: Asks) -> None:
    async def use(site: Any) -> list[int]:
        answers = [await site.http.get("/healthz") for _ in range(4)]
        assert answers[-1].headers["Retry-After"] == "1"
        return [answer.status_code for answer in answers]

    assert asks(use, rate=1.0) == [200, 200, 429, 429]


@pytest.mark.parametrize(
    ("origins", "allowed"), [((), None), (("https://shop.example",), "https://shop.example")]
)
def test_pages_of_named_sites_alone_may_ask(
    asks: Asks, origins: tuple[str, ...], allowed: str | None
) -> None:
    async def use(site: Any) -> Any:
        answer = await site.http.get("/healthz", headers={"Origin": "https://shop.example"})
        return answer.headers.get("Access-Control-Allow-Origin")

    assert asks(use, origins=origins) == allowed


@pytest.mark.parametrize(
    ("failure", "status"),
    [("UNAVAILABLE", 503), ("RESOURCE_EXHAUSTED", 503), ("DEADLINE_EXCEEDED", 504), ("INTERNAL", 502)],
)
def test_a_server_that_fails_is_told_from_a_wrong_question(asks: Asks, failure: str, status: int) -> None:
    async def use(site: Any) -> int:
        site.model._failures = iter([failure])
        answer = await site.http.get("/v1/search", params={"query": "mug"})
        # Where the server is, is nobody's business.
        assert "model" in answer.json()["error"] and "shop:8500" not in answer.text
        return answer.status_code

    assert asks(use) == status


def test_the_contract_tells_every_route_and_which_take_the_key(asks: Asks) -> None:
    async def use(site: Any) -> Any:
        return (await site.http.get("/openapi.json")).json()

    contract = asks(use)
    operations = {
        (method, path): "security" in operation
        for path, methods in contract["paths"].items()
        for method, operation in methods.items()
    }
    keyed = {
        ("post", "/v1/events"),
        ("post", "/v1/users/merge"),
        ("delete", "/v1/users/{user_id}"),
        ("get", "/metrics"),
        ("put", "/v1/items"),
        ("patch", "/v1/items"),
        ("get", "/v1/campaigns"),
    }
    asked = {
        (method, f"/v1/{name}") for method in ("get", "post") for name in ("search", "recommend", "similar")
    }
    asked |= {
        (method, f"/v1/{name}")
        for method in ("get", "post")
        for name in ("rank", "explain", "ads", "sentiment")
    }
    asked |= {("post", "/v1/similar_by_image")}
    assert {operation for operation, needs in operations.items() if needs} == keyed
    assert set(operations) == keyed | asked | {("get", "/healthz")}
    assert "purchase" not in json.dumps(contract["paths"])
    assert list(contract["paths"]["/metrics"]["get"]["responses"]["200"]["content"]) == ["text/plain"]
    event = contract["components"]["schemas"]["Event"]["properties"]["event"]
    assert {"click", "purchase"} <= set(event["examples"])
