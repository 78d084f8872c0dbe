"""Two gateways' processes on one store: what kills, floods, wrong clocks and wrong requests do to them."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import datetime
import http.client
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest

from aisle.gateway.events import microseconds
from aisle.gateway.files.records import ROW
from aisle.gateway.spool import read_spool
from aisle.serving.testing import FakeTransport, serve
from tests.gateway.conftest import ANSWERS, RedisServer, open_redis

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

KEY = "0123456789abcdef"
BEARER = {"Authorization": f"Bearer {KEY}"}


@dataclasses.dataclass
class Running:
    """A gateway's process."""

    process: subprocess.Popen[str]
    address: str
    log: pathlib.Path

    def send(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] = BEARER
    ) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        with contextlib.closing(http.client.HTTPConnection(self.address, timeout=30)) as connection:
            connection.request(method, path, body, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def record(self, *events: dict[str, Any]) -> dict[str, Any]:
        """Records events; returns what was said of them."""
        status, said = self.send("POST", "/v1/events", json.dumps(events).encode())
        assert status == 200, said
        return said

    def rows(self) -> dict[str, dict[str, Any]]:
        """The events on its disk by their ids, in hours' files or before."""
        whole = [pq.read_table(path).to_pylist() for path in (self.log / "events").glob("*.parquet")]
        spooled = [read_spool(path) for path in sorted((self.log / ".spool").glob("*.jsonl"))]
        rows = [row for rows in whole for row in rows if row["source"] is None]
        rows += [record[ROW] for records in spooled for record in records if ROW in record]
        return {row["event_id"]: row for row in rows}


@dataclasses.dataclass
class Shop:
    """Two gateways on one store, before a server whose model answers always the same."""

    model: FakeTransport
    store: RedisServer
    gateways: list[Running]

    def known(self, gateway: int, session: str) -> list[str]:
        """The items that a gateway tells the model of a visitor."""
        status, said = self.gateways[gateway].send("GET", f"/v1/recommend?session_id={session}")
        assert status == 200, said
        return list(self.model.requests[-1].inputs.get("recent_items", [[]])[0])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop, whose processes are killed after the tests, each of which has visitors of its own."""
    folder = tmp_path_factory.mktemp("shop")
    model = FakeTransport(ANSWERS)
    server, port = serve(model)
    one = Shop(model, open_redis(folder), [])
    words = [
        sys.executable,
        "-m",
        "aisle.cli.main",
        "gateway",
        "--target",
        f"127.0.0.1:{port}",
        "--port",
        "0",
    ]
    logs = [folder / name for name in ("first", "second")]
    started = [
        subprocess.Popen(
            [*words, "--store", one.store.address, "--log", str(log)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "AISLE_GATEWAY_KEY": KEY},
        )
        for log in logs
    ]
    try:
        for process, log in zip(started, logs, strict=True):
            assert process.stdout is not None
            one.gateways.append(Running(process, process.stdout.readline().split("//")[-1].strip(), log))
        yield one
    finally:
        for process in started:
            process.kill()
            process.communicate()
        one.store.kill()
        server.stop(None)


def _click(item: str, session: str, **more: Any) -> dict[str, Any]:
    return {"event": "click", "item_id": item, "session_id": session, **more}


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_store_killed_under_load_fails_no_question_and_loses_no_event(shop: Shop) -> None:
    over = threading.Event()
    accepted: list[str] = []
    stale: list[list[bool]] = [[] for _ in range(4)]

    def visit(number: int) -> None:
        gateway = shop.gateways[number % 2]
        while not over.is_set():
            accepted.extend(gateway.record(_click("mug", f"s{number}"))["event_ids"])
            status, said = gateway.send("GET", f"/v1/recommend?session_id=s{number}")
            assert status == 200, said
            stale[number].append(said["stale"])

    def all_were_told(last: bool) -> bool:
        return all(told and told[-1] is last for told in stale)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        visits = [pool.submit(visit, number) for number in range(4)]
        try:
            _until(lambda: all_were_told(False))
            shop.store.kill()
            _until(lambda: all_were_told(True))
            shop.store.start()
            _until(lambda: all_were_told(False))
        finally:
            over.set()
        for one in visits:
            one.result()
    written = [event_id for gateway in shop.gateways for event_id in gateway.rows()]
    assert set(accepted) <= set(written) and len(accepted) == len(set(accepted)) >= 12


def test_what_one_gateway_was_told_the_other_knows_also_after_the_store_was_away(shop: Shop) -> None:
    first, second = shop.gateways
    first.record(_click("mug", "told"))
    assert shop.known(1, "told") == ["mug"]
    shop.store.kill()
    assert first.record(_click("cup", "told"))["stale"] and second.record(_click("pot", "told"))["stale"]
    assert shop.known(0, "told") == shop.known(1, "told") == []
    shop.store.start()
    # The store came back with nothing; what was told meanwhile waited in both.
    _until(lambda: shop.known(0, "told") == ["cup", "pot"])
    assert shop.known(1, "told") == ["cup", "pot"]


def test_clocks_that_are_a_day_apart_neither_lose_an_event_nor_let_it_come_from_the_future(
    shop: Shop,
) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    first, second = shop.gateways
    first.record(_click("tomorrow's", "days", event_id="ahead", timestamp=(now + day).isoformat()))
    second.record(_click("yesterday's", "days", event_id="behind", timestamp=(now - day).isoformat()))
    second.record(_click("now's", "days"))
    assert shop.known(0, "days") == ["yesterday's", "tomorrow's", "now's"]
    ahead, behind = first.rows()["ahead"]["timestamp"], second.rows()["behind"]["timestamp"]
    assert microseconds(now) <= ahead < microseconds(now + day / 24)
    assert behind == microseconds(now - day)


WRONG = {
    "an unknown kind": (json.dumps({"event": "stare", "item_id": "mug"}).encode(), BEARER, 422),
    "nested lists": (b"[" * 100_000, BEARER, 400),
    "nested objects": (b'{"a":' * 50_000, BEARER, 400),
    "a megabyte": (b"x" * 1_000_000, BEARER, 413),
    "a wrong key": (json.dumps({"event": "click", "item_id": "mug"}).encode(), {"Authorization": KEY}, 401),
    "no key": (json.dumps({"event": "click", "item_id": "mug"}).encode(), {}, 401),
}


def test_wrong_requests_are_refused_and_an_unknown_item_is_none(shop: Shop) -> None:
    first, second = shop.gateways
    for name, (body, headers, status) in WRONG.items():
        came, said = first.send("POST", "/v1/events", body, headers)
        assert (came, list(said)) == (status, ["error"]), name
    first.record(_click("no such item", "wrong", event_id="unknown"))
    assert shop.known(1, "wrong") == ["no such item"]
    assert first.rows()["unknown"]["item_id"] == "no such item" and "unknown" not in second.rows()


def test_ten_thousand_events_of_a_bot_fill_neither_the_memory_nor_what_others_did(shop: Shop) -> None:
    first, second = shop.gateways
    second.record(_click("mug", "somebody"))
    memory = []
    for batch in range(20):
        first.record(*(_click(f"i{batch * 500 + number}", "bot") for number in range(500)))
        memory.append(psutil.Process(first.process.pid).memory_info().rss)
    assert shop.known(1, "bot") == [f"i{number}" for number in range(9_950, 10_000)]
    assert shop.known(0, "somebody") == ["mug"]
    # A batch is a few hundred KB: ten of them kept would show.
    assert memory[-1] - memory[9] < 10 << 20
    assert sum(row.get("session_id") == "bot" for row in first.rows().values()) == 10_000
