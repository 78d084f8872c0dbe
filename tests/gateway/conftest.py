"""A real Redis where one is installed, and a gateway over real stores and logs, whose model's server is the client's fake."""

from __future__ import annotations

import contextlib
import datetime
import pathlib
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest

from aisle.gateway.ads.service import Ads
from aisle.gateway.arms.assigning import Experiments
from aisle.gateway.items.redis_items import RedisItems
from aisle.gateway.items.service import Items
from aisle.gateway.log import EventLog
from aisle.gateway.recents.delivery import Delivery
from aisle.gateway.recents.store import Store
from aisle.gateway.recording import utc_now
from aisle.gateway.service import Gateway
from aisle.serving import AsyncClient, AsyncTransport, Retry
from aisle.serving.testing import AsyncFakeTransport


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class RedisServer:
    """A redis-server's process, which can be killed and started again at its port."""

    def __init__(self, program: str, folder: pathlib.Path) -> None:
        self._port = free_port()
        local = ("--bind", "127.0.0.1", "--port", str(self._port))
        self._command = [program, *local, "--save", "", "--dir", str(folder)]
        self.address = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port)):
                return
            time.sleep(0.02)
        raise AssertionError("redis-server does not listen")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def open_redis(folder: pathlib.Path) -> RedisServer:
    """Starts one; skips the test where none is installed."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("no redis-server is installed (Debian: apt-get install redis-server)")
    return RedisServer(program, folder)


@pytest.fixture
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = open_redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


ANSWERS = {
    name: [("mug", 2.0), ("cup", 1.0)]
    for name in ("search", "filtered_search", "recommend", "similar", "rank")
}
"""What the fake model says."""


class Site:
    """A shop's site: asks a gateway as a browser would, but without a network.

    Attributes:
        model: the model's server, which notes what it was asked.
        http: asks, by the transport.
        log: the data folder.
        recents: the way to the store.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        store: Store,
        now: Callable[[], datetime.datetime],
        shared: RedisItems | None = None,
        model: AsyncTransport | None = None,
        experiments: Experiments | None = None,
        sells: Callable[[Items], Ads] = lambda items: None,  # type: ignore[assignment, return-value]
        **app: object,
    ) -> None:
        from aisle.gateway.app import create_app

        self.log = folder
        self.model = model or AsyncFakeTransport(ANSWERS)
        client = AsyncClient("shop:8500", transport=self.model, retry=Retry(attempts=1))
        self.recents = Delivery(store)
        log = EventLog(folder, now)
        items = Items(client, shared, folder, now)
        self.gateway = Gateway(client, self.recents, log, items, now, experiments, sells(items))
        served = create_app(self.gateway, **{"key": "", "rate": 0.0, **app})  # type: ignore[arg-type]
        self.transport = httpx.ASGITransport(served)
        self.http = httpx.AsyncClient(transport=self.transport, base_url="http://gateway")


@pytest.fixture
def site(tmp_path: pathlib.Path) -> Callable[..., contextlib.AbstractAsyncContextManager[Site]]:
    """Opens a site over a store."""

    @contextlib.asynccontextmanager
    async def opened(
        store: Store, now: Callable[[], datetime.datetime] = utc_now, name: str = "live", **more: object
    ) -> AsyncIterator[Site]:
        one = Site(tmp_path / name, store, now, **more)  # type: ignore[arg-type]
        async with one.gateway.running(), one.http:
            yield one

    return opened
