"""What a visitor notices of new versions and of restarts."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
import threading
import time
from typing import Any

import numpy as np

from aisle.serving import Client, ServingError
from benchmarks.serving.answering import Restarting
from benchmarks.serving.load import Load, Running
from benchmarks.serving.model_server import (
    ModelServer,
    make_questions,
    publish,
    serialized,
    serving,
    versions_folder,
)

KEPT = 2
"""Versions in the folder while others come."""
FREED = 2.0
"""Seconds after a switch, by when the version before is gone from memory."""
LONGEST = 300.0
"""Seconds that a version may take until it is served."""
DOWN = 1.0
"""Seconds that a restarted server is away."""


@dataclasses.dataclass(frozen=True)
class Switched:
    """What was seen while versions were switched.

    Attributes:
        switches: how many.
        requests: sent in all.
        failed: of them.
        steady: p99 before the first switch, ms.
        switching: p99 of the requests under way between a version's folder and its first answer, ms.
        quiet: p99 of all others after the first switch, ms.
        seconds: median from a version's folder to its answers.
        memory: MB before the first switch, after a tenth of them, and after the last.
    """

    switches: int
    requests: int
    failed: int
    steady: float
    switching: float
    quiet: float
    seconds: float
    memory: tuple[float, float, float]


def switch(model: pathlib.Path, scratch: pathlib.Path, count: int, rate: float, steady: float) -> Switched:
    """Publishes `count` versions, one after the other, under `rate` requests a second from another process."""
    publish(model, scratch, 1)
    requests = [serialized(question) for kind in make_questions(model).values() for question in kind]
    requests = [requests[row] for row in np.random.default_rng(0).permutation(len(requests))]
    with serving(scratch) as server, Client(server.target, timeout=60) as client:
        # Enough clients that one who waits keeps no other from asking when it is due.
        load = Running(server.target, requests, scratch, clients=16, seconds=1e6, rate=rate)
        try:
            time.sleep(steady)
            memory, times = [_megabytes(server)], [(0.0, time.monotonic())]
            for number in range(count):
                times.append(switch_once(model, scratch, number + 2, client))
                time.sleep(FREED)
                memory.append(_megabytes(server))
        finally:
            load.stop()
        return _switched(load.result(), times, memory)


def _megabytes(server: ModelServer) -> float:
    """The memory it holds; not a number once it has ended."""
    return (server.resident() or float("nan")) / 1e6


def switch_once(model: pathlib.Path, out: pathlib.Path, version: int, client: Client) -> tuple[float, float]:
    """Publishes a version, waits until it is served, and removes the one of `KEPT` before; when it began and ended."""
    started = time.monotonic()
    publish(model, out, version)
    while client.versions()[0].version != version:
        if time.monotonic() - started > LONGEST:
            raise RuntimeError(f"version {version} isn't served after {LONGEST:g} s: {client.versions()}")
        time.sleep(0.05)
    answered = time.monotonic()
    if version > KEPT:
        shutil.rmtree(versions_folder(out) / str(version - KEPT))
    return started, answered


def _switched(seen: Load, times: list[tuple[float, float]], memory: list[float]) -> Switched:
    (_, begun), windows = times[0], times[1:]
    under_way = np.zeros(len(seen.due), bool)
    for start, end in windows:
        under_way |= (seen.due < end) & (seen.due + seen.seconds > start)
    before = seen.due + seen.seconds <= begun

    def p99(rows: Any) -> float:
        return float(np.percentile(seen.seconds[rows], 99) * 1e3) if rows.any() else float("nan")

    return Switched(
        len(windows),
        len(seen.codes),
        seen.failed,
        p99(before),
        p99(under_way),
        p99(~before & ~under_way),
        float(np.median([end - start for start, end in windows])),
        (memory[0], memory[max(1, len(windows) // 10)], memory[-1]),
    )


@dataclasses.dataclass(frozen=True)
class Restarted:
    """What callers saw of a server that was restarted again and again."""

    restarts: int
    asked: int
    failed: int
    slowest: float
    """Seconds that the slowest answer took, its retries included."""


def restart(seconds: float, every: float, deadline: float, callers: int = 4) -> Restarted:
    """Ends and starts a gRPC server `every` so many seconds while callers with a deadline ask it.

    The server is a process that is killed; it answers without a model, so that it is there again at once after it
    was away for a second: what is measured is the client.
    """
    server = Restarting()
    took: list[float] = []
    failures: list[ServingError] = []
    over = threading.Event()

    def ask() -> None:
        with Client(server.target, timeout=deadline) as client:
            while not over.is_set():
                started = time.monotonic()
                try:
                    client.search("mug", k=2)
                except ServingError as error:
                    failures.append(error)
                took.append(time.monotonic() - started)
                time.sleep(0.01)

    threads = [threading.Thread(target=ask) for _ in range(callers)]
    for thread in threads:
        thread.start()
    restarts, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(every - DOWN)
        server.restart(DOWN)
        restarts += 1
    time.sleep(deadline)
    over.set()
    for thread in threads:
        thread.join()
    server.end()
    return Restarted(restarts, len(took), len(failures), max(took))
