"""The embedded server: the gRPC calls of TF Serving that aisle needs, in Python. It is not TF Serving.

For a laptop, a test and the canary. It answers the same requests by the same SavedModel as stock
TF Serving, so a client can't tell; it batches nothing and serves one model.
"""

from __future__ import annotations

import concurrent.futures
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import click

from aisle.schema.errors import AisleError, InputError

POLL_SECONDS = 1.0
GRACE_SECONDS = 5.0
"""How long requests under way may take once the server is told to end."""
MAX_MESSAGE_BYTES = 64 << 20


def serve(base: str, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Serves until SIGTERM or SIGINT, switching to each newer version that loads.

    Args:
        base: the model's folder, which holds a folder for each version.
        host: address to listen on.
        port: 0 for a free one.
        on_ready: called once with HOST:PORT when requests are answered.

    Raises:
        InputError: `base` holds no version, or the address can't be listened on.
        AisleError: no version can be loaded.
    """
    stop = threading.Event()
    _end_on_signals(stop)
    # TensorFlow reads these when it is imported.
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from aisle.serving.versions import Versions

    versions = Versions(base)
    if stop.is_set():
        return
    server, bound = _start(versions, host, port)
    try:
        on_ready(f"{host}:{bound}")
        while not stop.wait(POLL_SECONDS):
            if versions.refresh():
                logging.getLogger(__name__).warning("now serving %s", versions.view)
    finally:
        server.stop(GRACE_SECONDS).wait()


def _start(versions: Any, host: str, port: int) -> tuple[Any, int]:
    """A started gRPC server and its port."""
    import grpc
    from grpc_health.v1 import health, health_pb2, health_pb2_grpc
    from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

    from aisle.serving.service import ModelService, PredictionService

    server = grpc.server(
        concurrent.futures.ThreadPoolExecutor(max_workers=max(4, os.cpu_count() or 1)),
        # Without SO_REUSEPORT off, a second server would silently share the first one's port.
        options=[
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(versions), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(versions), server)
    checks = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    for name in ("", "tensorflow.serving.PredictionService"):
        checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    try:
        bound = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError:
        bound = 0
    if not bound:
        raise InputError(f"can't listen on {host}:{port}; another program may: choose a free --port, or 0")
    server.start()
    return server, bound


def _end_on_signals(stop: threading.Event) -> None:
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())


@click.command()
@click.option("--base", required=True, help="The model's folder, which holds a folder for each version.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8500, show_default=True, type=click.IntRange(0, 65535), help="0: a free one.")
def main(base: str, host: str, port: int) -> None:
    """Serve a SavedModel by the embedded server (not TF Serving)."""
    try:
        serve(base, host, port, lambda address: print(f"listening on {address}", flush=True))
    except AisleError as error:
        click.echo(f"aisle: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
