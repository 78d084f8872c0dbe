"""The pool starts a worker for each that asks, whatever number it asks by, and a worker ends with its runner."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

pytest.importorskip("apache_beam")

from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc

from aisle.components.plans.worker_pool import WorkerPool


class _Runner(beam_fn_api_pb2_grpc.BeamFnControlServicer):  # type: ignore[misc]
    """What a worker connects to: notes by which number it came, and asks for nothing until it goes."""

    def __init__(self) -> None:
        self.came: queue.Queue[str] = queue.Queue()
        self.gone = threading.Event()
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
        beam_fn_api_pb2_grpc.add_BeamFnControlServicer_to_server(self, self._server)
        self.url = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Control(self, requests: Any, context: Any) -> Iterator[Any]:
        self.came.put(dict(context.invocation_metadata())["worker_id"])
        self.gone.wait(120)
        yield from ()

    def ask(self, pool: WorkerPool, worker: str) -> str:
        """Asks for a worker; returns the error."""
        request = beam_fn_api_pb2.StartWorkerRequest(worker_id=worker)
        request.control_endpoint.url = self.url
        return str(pool.StartWorker(request, None).error)


def _left(count: int) -> bool:
    """Whether so many workers are left, within a minute."""
    end = time.monotonic() + 60
    while len(multiprocessing.active_children()) != count and time.monotonic() < end:
        time.sleep(0.05)
    return len(multiprocessing.active_children()) == count


def test_two_runners_that_number_their_workers_alike_have_one_each_which_ends_with_its_runner() -> None:
    pool, runners = WorkerPool(("apache_beam.runners.worker.sdk_worker",)), (_Runner(), _Runner())
    assert [runner.ask(pool, "1-1") for runner in runners] == ["", ""]
    assert [runner.came.get(timeout=120) for runner in runners] == ["1-1", "1-1"]
    pool.StopWorker(beam_fn_api_pb2.StopWorkerRequest(worker_id="1-1"), None)
    time.sleep(0.5)
    assert _left(2)
    for left, runner in ((1, runners[0]), (0, runners[1])):
        runner.gone.set()
        assert _left(left)


def test_what_keeps_a_worker_from_starting_is_told_in_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, runner = WorkerPool(()), _Runner()
    monkeypatch.setattr(pool, "_forks", None)
    assert "AttributeError" in runner.ask(pool, "1-1")
