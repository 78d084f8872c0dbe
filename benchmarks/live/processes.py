"""The processes that a live shop is of: its store of recent events, its model's server, its gateway."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from benchmarks.serving.model_server import ModelServer, listening, serving
from benchmarks.shared.ports import free_port

SETTINGS = (
    *("gate.max_quarantined_share=0.05", "labels.test_days=14", "pretrain.steps=2"),
    *("retrieval.steps=120", "retrieval.batch=256", "candidates.users=60", "candidates.test_users=60"),
    *("ranker.layers=1", "ranker.epochs=1", "ranker.text_rows=500", "evaluator.resamples=100"),
    *("bless.min_auc=0", "bless.popularity_ratio=0.01", "bless.baseline_ratio=0", "bless.max_drop=1"),
)
"""What makes a run short, and its model blessed whatever it has learnt."""
SIZE = ("--users", "400", "--items", "300", "--days", "60")


class StoreServer:
    """A redis-server or valkey-server that keeps nothing on the disk, and can be killed and started at its port.

    Attributes:
        address: redis://HOST:PORT/DATABASE.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        """Starts it.

        Raises:
            RuntimeError: none is installed, or it doesn't listen.
        """
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        if program is None:
            raise RuntimeError("no redis-server is installed; Debian: apt-get install redis-server")
        self._port = free_port()
        self.address = f"redis://127.0.0.1:{self._port}/0"
        local = ("--bind", "127.0.0.1", "--port", str(self._port))
        self._words = [program, *local, "--save", "", "--dir", str(folder)]
        self.start()

    def start(self) -> None:
        """Starts it anew, with nothing in it."""
        self._process = subprocess.Popen(self._words, stdout=subprocess.DEVNULL)
        for _ in range(500):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port)):
                return
            time.sleep(0.02)
        raise RuntimeError(f"{self._words[0]} doesn't listen on port {self._port}")

    def kill(self) -> None:
        """Ends it as kill -9 does."""
        self._process.kill()
        self._process.wait()


@dataclasses.dataclass(frozen=True)
class Shop:
    """A live shop.

    Attributes:
        store: of recent events.
        server: of the model.
        gateway: between the two and the site.
        log: the data folder that the gateway writes.
    """

    store: StoreServer
    server: ModelServer
    gateway: ModelServer
    log: pathlib.Path


@contextlib.contextmanager
def live_shop(out: pathlib.Path, folder: pathlib.Path, *options: str) -> Iterator[Shop]:
    """Runs a shop on the newest version of an output folder; raises RuntimeError where a process doesn't start.

    Args:
        out: the output folder.
        folder: where the gateway's log goes.
        options: of the gateway.
    """
    store, log = StoreServer(folder), folder / "live"
    try:
        words = ("--store", store.address, "--log", str(log), *options)
        with (
            serving(out) as server,
            listening("gateway", "--target", server.target, *words) as gateway,
        ):
            yield Shop(store, server, gateway, log)
    finally:
        store.kill()


def make_run(folder: pathlib.Path, size: Sequence[str] = SIZE) -> pathlib.Path:
    """The output of a short run on a small simulated shop, which is in `shop`; raises CalledProcessError.

    Args:
        folder: that gets both.
        size: of the shop, as `aisle simulate` takes it.
    """
    aisle, out = [sys.executable, "-m", "aisle.cli.main"], folder / "out"
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    print("no --out: a small shop is simulated, and a model trained on it", file=sys.stderr, flush=True)
    subprocess.run([*aisle, "simulate", str(folder / "shop"), *size], check=True, stdout=sys.stderr)
    subprocess.run(
        [*aisle, "run", str(folder / "shop"), "--out", str(out), *settings], check=True, stdout=sys.stderr
    )
    return out
