"""A pool of Beam's Python workers: `python -m aisle.components.plans.worker_pool PORT [HOST]` starts one for each that asks.

Beam's own pool (`apache_beam.runners.worker.worker_pool_main`) starts a Python for each, which imports for longer than a small
piece of work takes, and listens on all addresses. Here a worker is forked from a process that has imported what the pipeline's
work needs. Whoever reaches the port may run code: it listens on loopback unless another address is named.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import signal
import sys
import traceback
from typing import Any

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc

_IMPORTED = (
    "apache_beam.runners.worker.sdk_worker",
    "aisle.components.cleaner.spread",
    "tensorflow_data_validation",
    "tensorflow_transform.beam",
)
"""Before the first worker is asked for; none of them starts a thread, which a fork would lose."""


class WorkerPool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):  # type: ignore[misc]
    """Starts a worker where a runner asks for one: what `--environment_type=EXTERNAL` speaks to.

    A worker ends when its runner closes the connection, and not when it is asked to be stopped: each of Flink's task managers
    numbers its workers from 1, so that a number doesn't tell whose worker is meant.
    """

    def __init__(self, imported: tuple[str, ...] = _IMPORTED) -> None:
        """Args: `imported`: modules that are imported once, for all workers."""
        self._forks = multiprocessing.get_context("forkserver")
        self._forks.set_forkserver_preload(list(imported))
        # The first fork waits until all of it is imported.
        first = self._forks.Process(target=int)
        first.start()
        first.join()

    def StartWorker(self, request: Any, context: Any) -> Any:
        """Starts a worker; an error is told in the answer, as Beam wants it."""
        try:
            where = (request.control_endpoint.url, request.worker_id)
            self._forks.Process(target=_work, args=where, daemon=True).start()
        except Exception:
            return beam_fn_api_pb2.StartWorkerResponse(error=traceback.format_exc())
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(self, request: Any, context: Any) -> Any:
        """Leaves it to the worker."""
        return beam_fn_api_pb2.StopWorkerResponse()


def _work(control: str, worker: str) -> None:
    """Is a worker until the runner goes."""
    from apache_beam.runners.worker.sdk_worker import SdkHarness

    SdkHarness(control, worker_id=worker).run()


def main(port: str, host: str = "127.0.0.1") -> None:
    """Serves until it is ended, and ends its workers then."""
    # Before TensorFlow is imported, by which workers inherit it.
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(WorkerPool(), server)
    server.add_insecure_port(f"{host}:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:])
