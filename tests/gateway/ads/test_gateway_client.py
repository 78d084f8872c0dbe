"""A backend's client of a gateway, asking a real one over HTTP."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

import uvicorn

from aisle.cli.live.gateway import listen
from aisle.gateway.app import create_app
from aisle.schema.errors import InputError
from aisle.serving import DeadlineExceeded, GatewayClient, RequestRefused, ShownItem, Unreachable
from tests.gateway.ads.conftest import campaign

KEY = "0123456789abcdef"


def test_a_backend_asks_for_lists_and_slots_and_tells_what_came_of_them(sells: Callable) -> None:
    def backend(address: str) -> None:
        with GatewayClient(address, KEY, timeout=30.0) as client:
            found = client.search("mug", "ann", k=3, session="s1", in_stock=True)
            assert [item.item_id for item in found] == ["i1", "i4", "i3"]
            assert found[1] == ShownItem("i4", pytest.approx(0.28), True, "c") and not found[0].sponsored
            assert [item.item_id for item in client.search("mug", k=2, sponsored=False)] == ["i1", "i2"]
            assert (len(client.recommend("ann", 2)), client.recommend().version) == (2, 1)
            slots = client.ads("mug", "ann", 3)
            assert [(item.item_id, item.campaign_id) for item in slots] == [("i4", "c")]
            click = {"event": "click", "item_id": "i4", "request_id": slots.request_id}
            assert client.record({**click, "event_id": "e1"}, {**click, "event_id": "e2"}) == ["e1", "e2"]
            with pytest.raises(
                RequestRefused, match="slots is 0: Input should be greater than or equal to 1"
            ):
                client.ads(slots=0)
            with pytest.raises(RequestRefused, match="unknown"):
                client.search("mug", unknown=1)
        with (
            GatewayClient(address, timeout=30.0) as client,
            pytest.raises(RequestRefused, match="the key is missing"),
        ):
            client.record(click)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            where = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with pytest.raises(DeadlineExceeded, match="within 0.05 s"):
                GatewayClient(where, timeout=0.05).ads()

    async def use(site: Any) -> int:
        app = create_app(site.gateway, KEY, 0.0)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        with listen("127.0.0.1", 0) as listener:
            serving = asyncio.create_task(server.serve([listener]))
            await asyncio.to_thread(backend, f"http://127.0.0.1:{listener.getsockname()[1]}")
            server.should_exit = True
            await serving
        return (await site.gateway.ads.charging.ledger.changes(0)).accounts["c"].spent

    assert sells(use, [campaign("c", "i4")], options={"reserve": 10_000_000}) == 36


def test_a_gateway_that_is_away_and_an_address_that_is_none_are_told() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match=f"no gateway answers at http://127.0.0.1:{port}"):
        GatewayClient(f"http://127.0.0.1:{port}").ads()
    for address in ("localhost:8080", "ftp://shop", "http://shop/path"):
        with pytest.raises(InputError, match="expected a gateway's, such as http://localhost:8080"):
            GatewayClient(address)
    with pytest.raises(InputError, match="expected seconds above 0"):
        GatewayClient("http://shop", timeout=float("nan"))


def test_each_thread_has_a_connection_of_its_own() -> None:
    client, found = GatewayClient("http://localhost:1"), []
    threads = [threading.Thread(target=lambda: found.append(client._connection())) for _ in range(2)]
    for thread in threads:
        thread.start()
        thread.join()
    assert found[0] is not found[1] and client._connection() is client._connection()
