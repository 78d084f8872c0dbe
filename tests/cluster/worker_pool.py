"""A pool of Beam's Python workers on loopback: `worker_pool PORT` starts one, a process of its own, for each that asks.

It is `apache_beam.runners.worker.worker_pool_main`, but that one listens on all addresses of the machine.
"""

from __future__ import annotations

import concurrent.futures
import sys

import grpc
from apache_beam.portability.api import beam_fn_api_pb2_grpc
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer


def main(port: str) -> None:
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    pool = BeamFnExternalWorkerPoolServicer(use_process=True)
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:])
