"""Updates of items over HTTP: kept, shared by all gateways on a store, and written for the next run."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import pathlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest

from aisle.components.cleaner.clean import clean
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.example_gen.options import TableReading
from aisle.components.example_gen.reader import read_table
from aisle.gateway.items.log import SCHEMA, ItemLog
from aisle.gateway.items.redis_items import RedisItems
from aisle.gateway.items.shelf import Shelf
from aisle.gateway.items.sync import HEARD_SECONDS, Sync
from aisle.gateway.items.updates import FIELDS, Entry, Key
from aisle.gateway.recents.memory import MemoryStore
from aisle.gateway.service import utc_now
from aisle.schema.tables import ITEMS
from aisle.serving import AsyncGrpcTransport
from aisle.serving.testing import AsyncFakeTransport, FakeTransport, serve
from tests.gateway.hand_made_shop import answers

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")


async def _mugs(site: Any, **asked: Any) -> list[str]:
    answer = await site.http.get("/v1/search", params={"query": "mug", **asked})
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def _rows(folder: pathlib.Path) -> list[dict[str, Any]]:
    return [row for path in sorted((folder / "items").iterdir()) for row in pq.read_table(path).to_pylist()]


def test_what_was_told_is_in_the_next_answer_and_in_a_file_for_the_next_run(
    site: Callable[..., Any], tmp_path: pathlib.Path
) -> None:
    async def use() -> None:
        model = AsyncFakeTransport(answers())
        async with site(MemoryStore(1_000), model=model) as one:
            told = [{"item_id": "i1", "withdrawn": True}, {"item_id": "i3", "price": 1.5, "stock": 4}]
            answer = await one.http.patch("/v1/items", json=told)
            assert (answer.status_code, answer.json()) == (200, {"items": 2, "stale": False})
            assert await _mugs(one, k=2) == ["i2", "i3"]
            assert await _mugs(one, price_max=3) == ["i3", "i6"]
            ranked = await one.http.post("/v1/rank", json={"query": "mug", "item_ids": ["i1", "i2"]})
            assert [item["score"] for item in ranked.json()["items"]] == [None, 1.0]
            new = {"item_id": "n1", "title": "new mug", "price": 2}
            assert (await one.http.put("/v1/items", json=new)).json()["items"] == 1
            # What a new item is shown as has no score.
            answer = await one.http.get("/v1/search", params={"query": "new mug", "k": 1})
            assert answer.json()["items"] == [{"item_id": "n1", "score": None}]
            # Of an item that nobody knows the title of there is no row.
            await one.http.patch("/v1/items", json={"item_id": "nobody", "stock": 1})
            assert (await one.http.put("/v1/items", json={"item_id": "i3", "stock": 0})).status_code == 200

    asyncio.run(use())
    names = ("item_id", "title", "price", "stock", "withdrawn")
    assert [tuple(row[name] for name in names) for row in _rows(tmp_path / "live")] == [
        ("i1", "red mug", None, None, True),
        ("i3", "mug rack", None, 0, None),
        ("n1", "new mug", 2.0, None, None),
    ]


def test_who_bought_a_new_item_is_asked_for_as_one_who_looked_at_the_like_and_not_shown_it_again(
    site: Callable[..., Any],
) -> None:
    async def use() -> None:
        model = AsyncFakeTransport(answers())
        async with site(MemoryStore(1_000), model=model) as one:
            await one.http.patch("/v1/items", json={"item_id": "n1", "title": "red lamp"})
            await _mugs(one)  # By which the gateway knows the version.
            await one.gateway.items._analogues.learn()

            async def recommended(session: str, **asked: Any) -> list[str]:
                answer = await one.http.get("/v1/recommend", params={"session_id": session, **asked})
                return [item["item_id"] for item in answer.json()["items"]]

            await one.http.post("/v1/events", json={"event": "purchase", "item_id": "n1", "session_id": "s"})
            assert "n1" not in await recommended("s") and "n1" in await recommended("other")
            asked = [one.inputs for one in model.requests if one.signature == "recommend"]
            assert [one.get("recent_items") for one in asked] == [[["i1"]], None]
            assert asked[0]["recent_events"] == [["click"]]
            # What is like it was never seen.
            assert "n1" not in await recommended("s", exclude_seen=True)
            assert model.requests[-1].inputs["recent_items"] == [["n1"]]

    asyncio.run(use())


def test_without_a_shared_store_a_gateway_remembers_by_its_own_files(site: Callable[..., Any]) -> None:
    async def use() -> list[list[str]]:
        found = []
        for told in ({"item_id": "i1", "withdrawn": True}, {"item_id": "i2", "withdrawn": True}):
            async with site(MemoryStore(1_000), model=AsyncFakeTransport(answers())) as one:
                await one.http.patch("/v1/items", json=told)
                found.append(await _mugs(one, k=2))
        return found

    assert asyncio.run(use()) == [["i2", "i3"], ["i3", "i4"]]


def test_of_two_in_one_batch_and_of_two_times_the_later_counts(site: Callable[..., Any]) -> None:
    async def use() -> None:
        async with site(MemoryStore(1_000), model=AsyncFakeTransport(answers())) as one:
            await one.http.patch(
                "/v1/items", json=[{"item_id": "i1", "price": 9}, {"item_id": "i1", "price": 10}]
            )
            assert await _mugs(one, price_min=9.5) == ["i1", "i3"]
            late = {"item_id": "i1", "price": 3, "timestamp": "2020-01-01T00:00:00Z"}
            await one.http.patch("/v1/items", json=late)
            assert await _mugs(one, price_min=9.5) == ["i1", "i3"]
            # A time to come is now, so that what is told after it counts.
            for told in ({"price": 3, "timestamp": "2999-01-01T00:00:00Z"}, {"price": 20}):
                await one.http.patch("/v1/items", json={"item_id": "i1", **told})
            assert await _mugs(one, price_min=15) == ["i1"]

    asyncio.run(use())


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"item_id": ""}, "body.0.item_id is ''"),
        ({"item_id": "i1", "price": -1}, "body.0.price is -1"),
        ({"item_id": "i1", "sotck": 1}, "body.0.sotck is 1"),
        ({"item_id": "i1", "stock": 1.5}, "body.0.stock is 1.5"),
        ([], "body is []"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_of_it_is_taken(
    site: Callable[..., Any], told: Any, said: str
) -> None:
    async def use() -> None:
        async with site(MemoryStore(1_000), model=AsyncFakeTransport(answers())) as one:
            answer = await one.http.patch("/v1/items", json=told)
            assert answer.status_code == 422 and said in answer.json()["error"]
            assert not one.gateway.items._shelf

    asyncio.run(use())


def test_the_file_of_items_has_the_tables_columns() -> None:
    table = {column.name for column in ITEMS.columns}
    assert set(SCHEMA.names) == (table - {"available_at", "domain"}) | {"withdrawn", "updated_at"}
    assert set(FIELDS) < set(SCHEMA.names)


def test_what_a_crash_left_in_the_spool_is_taken_up(site: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    async def use() -> list[str]:
        now = datetime.datetime.now(datetime.timezone.utc)
        crashed = ItemLog(tmp_path / "live", lambda: now)
        await crashed.append({Key("i1", "withdrawn"): Entry(5, "true")})
        async with site(MemoryStore(1_000), model=AsyncFakeTransport(answers())) as one:
            return await _mugs(one, k=1)

    assert asyncio.run(use()) == ["i2"]
    assert [row["item_id"] for row in _rows(tmp_path / "live")] == ["i1"]


def test_an_hour_waits_while_its_titles_cannot_be_asked(tmp_path: pathlib.Path) -> None:
    async def use() -> None:
        log, shelf = ItemLog(tmp_path, lambda: datetime.datetime(2026, 3, 1)), Shelf()
        entries = {Key("i1", "stock"): Entry(5, "2")}
        shelf.put(entries)
        await log.append(entries)

        async def away(_: Any) -> dict[str, str]:
            raise ConnectionError

        with pytest.raises(ConnectionError):
            await log.roll(shelf, away, everything=True)
        assert await log.recovered() == entries and _rows(tmp_path) == []

    asyncio.run(use())


@pytest.fixture
def model_server() -> Iterator[str]:
    """The shop made by hand behind a real connection."""
    server, port = serve(FakeTransport(answers()))
    yield f"127.0.0.1:{port}"
    server.stop(None)


@contextlib.asynccontextmanager
async def _two(site: Callable[..., Any], address: str, target: str) -> AsyncIterator[tuple[Any, Any]]:
    """Two gateways on a store, each asking over gRPC; the clock of the first is an hour ahead."""

    def options(name: str) -> dict[str, Any]:
        model = AsyncGrpcTransport(target, 1 << 22)
        return {"shared": RedisItems(address), "model": model, "name": name}

    def ahead() -> datetime.datetime:
        return utc_now() + datetime.timedelta(hours=1)

    store = MemoryStore(1_000)
    async with site(store, ahead, **options("one")) as one, site(store, **options("other")) as other:
        yield one, other


async def _until(site: Any, expected: list[str], **asked: Any) -> None:
    """Waits until a gateway answers so, for some seconds."""
    found: list[str] = []
    for _ in range(500):
        if (found := await _mugs(site, **{"k": 2, **asked})) == expected:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(found)


def test_what_one_gateway_is_told_the_others_know_also_after_the_store_was_lost(
    site: Callable[..., Any], redis_server: Any, model_server: str
) -> None:
    async def use() -> None:
        async with _two(site, redis_server.address, model_server) as (one, other):
            told = await one.http.patch("/v1/items", json={"item_id": "i1", "withdrawn": True})
            assert told.json()["stale"] is False and await _mugs(one, k=2) == ["i2", "i3"]
            await _until(other, ["i2", "i3"])
            redis_server.kill()
            told = await other.http.patch("/v1/items", json={"item_id": "i2", "withdrawn": True})
            assert told.json() == {"items": 1, "stale": True}
            answer = (await other.http.get("/v1/search", params={"query": "mug", "k": 2})).json()
            assert [item["item_id"] for item in answer["items"]] == ["i3", "i4"] and answer["stale"]
            assert await _mugs(one, k=2) == ["i2", "i3"]
            redis_server.start()  # And has nothing any more.
            await _until(one, ["i3", "i4"])
            await _until(other, ["i3", "i4"])
            assert not (await one.http.get("/v1/recommend")).json()["stale"]
        async with _two(site, redis_server.address, model_server) as (one, _):
            assert await _mugs(one, k=2) == ["i3", "i4"]

    asyncio.run(use())


def test_no_question_after_the_answer_to_an_update_lacks_it_at_whichever_gateway(
    site: Callable[..., Any], redis_server: Any, model_server: str
) -> None:
    async def use() -> None:
        async with _two(site, redis_server.address, model_server) as gateways:
            for one in gateways:  # Until both listen.
                await one.http.patch("/v1/items", json={"item_id": "i2", "withdrawn": True})
                await _until(gateways[0], ["i1", "i3"]), await _until(gateways[1], ["i1", "i3"])
            for number in range(30):
                one, other = gateways[number % 2], gateways[1 - number % 2]
                gone = number % 3 > 0
                told = await one.http.patch("/v1/items", json={"item_id": "i1", "withdrawn": gone})
                assert told.json() == {"items": 1, "stale": False}
                (there,) = await other.gateway.items.current.told(["i1"], None)
                assert there.withdrawn is gone, number
                assert await _mugs(other, k=2) == (["i3", "i4"] if gone else ["i1", "i3"]), number

    asyncio.run(use())


def test_a_gateway_that_does_not_say_that_it_has_an_update_is_not_waited_for_long(redis_server: Any) -> None:
    async def use() -> None:
        deaf, sync = RedisItems(redis_server.address), Sync(Shelf(), RedisItems(redis_server.address))
        await deaf.changed(0.05)  # From now on it is told, and never reads.
        started = time.monotonic()
        assert not await sync.tell({Key("i1", "stock"): Entry(5, "2")})
        assert HEARD_SECONDS <= time.monotonic() - started < 20 * HEARD_SECONDS
        # What changes nothing has nothing to wait for.
        assert await sync.tell({Key("i1", "stock"): Entry(5, "2")}) and not sync.stale
        await deaf.close(), await sync.close()

    asyncio.run(use())


def test_what_was_told_last_counts_whichever_gateways_clock_is_ahead(
    site: Callable[..., Any], redis_server: Any, model_server: str
) -> None:
    async def use() -> None:
        async with _two(site, redis_server.address, model_server) as (ahead, other):
            await ahead.http.patch("/v1/items", json={"item_id": "i6", "price": 50})
            await _until(other, ["i6"], price_min=40)
            await other.http.patch("/v1/items", json={"item_id": "i6", "price": 60})
            assert await _mugs(other, price_min=55) == ["i6"]
            await _until(ahead, ["i6"], price_min=55)

    asyncio.run(use())


def test_a_store_of_more_than_one_request_is_read_whole(redis_server: Any) -> None:
    async def use() -> None:
        store, entries = RedisItems(redis_server.address), {}
        for number in range(2_500):
            entries[Key(f"i:{number} ünï", "stock")] = Entry(number, str(number))
        await store.add(entries)
        await store.add({Key("i:7 ünï", "stock"): Entry(6, "99"), Key("i:8 ünï", "stock"): Entry(9, "98")})
        found, place = {}, 0
        while True:
            read = await store.since(place)
            found.update(read.entries)
            place = read.place
            if place >= read.last:
                break
        assert found == {**entries, Key("i:8 ünï", "stock"): Entry(9, "98")}
        assert (await store.since(place)).entries == {}
        await store.close()

    asyncio.run(use())


def test_a_run_takes_what_was_told_last_and_the_rest_from_the_shops_own_table(tmp_path: pathlib.Path) -> None:
    async def use() -> None:
        log, shelf = ItemLog(tmp_path / "live", lambda: datetime.datetime(2026, 3, 1)), Shelf()
        entries = {Key("a", "price"): Entry(5, "7.5"), Key("b", "withdrawn"): Entry(6, "true")}
        shelf.put(entries)
        await log.append(entries)

        async def titles(_: Any) -> dict[str, str]:
            return {"a": "red mug", "b": "blue mug"}

        await log.roll(shelf, titles, everything=True)

    asyncio.run(use())
    own = (
        "item_id,title,description,category,price,stock\na,red mug,large,Home,4.0,3\nb,blue mug,,Home,5.0,1\n"
    )
    (tmp_path / "items.csv").write_text(own, encoding="utf-8")
    (tmp_path / "told").symlink_to(tmp_path / "live" / "items")
    read = read_table(str(tmp_path), ITEMS, reading=TableReading(files=("items.csv", "told")))
    assert read.quarantine.num_rows == 0
    cleaned = clean({"items": read.rows}, {"items": read.provenance}, {}, CleanerOptions()).tables["items"]
    names = ("item_id", "title", "description", "category", "price", "stock")
    assert [tuple(row[name] for name in names) for row in cleaned.to_pylist()] == [
        ("a", "red mug", "large", "Home", 7.5, 3),
        ("b", "blue mug", None, "Home", 5.0, 1),
    ]
