"""The embedded server: the gRPC calls of TF Serving that aisle needs, in Python. It is not TF Serving.

For a laptop, a test and the canary. It answers the same requests by the same SavedModel as stock
TF Serving, so a client can't tell; it serves one model.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import errno
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aisle.schema.errors import InputError
from aisle.serving.server.heap import keep_little
from aisle.serving.server.loaded.tensorflow_settings import set_tensorflow
from aisle.serving.server.tls import ServerTls

if TYPE_CHECKING:
    import grpc

    from aisle.serving.server.batching import Batcher
    from aisle.serving.server.metrics import Metrics, Observer

POLL_SECONDS = 1.0
GRACE_SECONDS = 5.0
"""How long requests under way may take once the server is told to end."""
TURN_SECONDS = 0.0005
"""For which a thread keeps Python's lock while another waits: a request changes threads some ten times, and at Python's 5
ms each it waits for a version that is being loaded."""
MAX_MESSAGE_BYTES = 64 << 20
MOST_ROWS, MOST_WAIT_MS = 4096, 60_000
"""Of a call that requests are joined to."""
_SERVICES = (
    "tensorflow.serving.PredictionService",
    "tensorflow.serving.ModelService",
    "grpc.health.v1.Health",
)


@dataclasses.dataclass(frozen=True)
class ServerOptions:
    """How the server listens, and what it tells.

    Attributes:
        host: address to listen on.
        port: 0 for a free one.
        tls: certificates; None is plain text.
        workers: requests that are answered at once.
        batch: rows that requests waiting at the same time are joined to at most; 0 and 1 join none.
        batch_wait_ms: for which a call that has fewer rows waits for more.
        waiting: requests that may wait for a worker; more are refused at once (RESOURCE_EXHAUSTED).
        metrics_port: of Prometheus's page, on `host`; 0 for a free one, None for none.
        log_folder: where a sample of the requests is written; "" for none.
        log_share: of the requests that are logged, 0 to 1.
    """

    host: str = "127.0.0.1"
    port: int = 8500
    tls: ServerTls | None = None
    workers: int = max(4, os.cpu_count() or 1)
    waiting: int = 64
    batch: int = 0
    batch_wait_ms: float = 0.0
    metrics_port: int | None = None
    log_folder: str = ""
    log_share: float = 0.01

    def __post_init__(self) -> None:
        """Raises InputError: a value is out of its range; it is named as the command names it."""
        for name in ("port", "metrics_port"):
            if not 0 <= (getattr(self, name) or 0) < 65536:
                flag = name.replace("_", "-")
                raise InputError(f"--{flag} is {getattr(self, name)}; expected 0 to 65535")
        if not 0.0 <= self.log_share <= 1.0:
            raise InputError(f"--log-share is {self.log_share}; expected a share, 0 to 1")
        if not 0 <= self.batch <= MOST_ROWS:
            raise InputError(f"--batch is {self.batch}; expected 0 (off) to {MOST_ROWS} rows")
        if not 0.0 <= self.batch_wait_ms <= MOST_WAIT_MS:
            raise InputError(
                f"--batch-wait-ms is {self.batch_wait_ms}; expected 0 to {MOST_WAIT_MS} milliseconds"
            )
        if self.workers < 1 or self.waiting < 0:
            raise InputError(f"--waiting is {self.waiting}; expected 0 or more (and at least 1 worker)")


def serve(base: str, options: ServerOptions, on_ready: Callable[[str], None]) -> None:
    """Serves until SIGTERM or SIGINT, switching to each newer version that loads.

    Args:
        base: the model's folder, which holds a folder for each version.
        options: how to listen.
        on_ready: called once with HOST:PORT when requests are answered.

    Raises:
        InputError: `base` holds no version, an address can't be listened on, or a certificate can't be used.
        AisleError: no version can be loaded.
    """
    stop = threading.Event()
    _end_on_signals(stop)
    # Told before TensorFlow's slow import.
    credentials = options.tls.credentials() if options.tls else None
    check_addresses(options)
    set_tensorflow()
    from aisle.serving.server.loaded.versions import Versions
    from aisle.serving.server.warmup import warm_up

    keep_little()
    # What is imported stays, and need not be gone through whenever what a version leaves behind is collected.
    gc.freeze()
    sys.setswitchinterval(TURN_SECONDS)
    versions = Versions(base, prepare=warm_up)
    if stop.is_set():
        return
    with contextlib.ExitStack() as ending:
        metrics, interceptor = _observed(options, ending)
        metrics.version.set(versions.current.version)
        server, bound = _start(versions, options, credentials, interceptor, metrics)
        ending.callback(lambda: server.stop(GRACE_SECONDS).wait())
        on_ready(f"{options.host}:{bound}")
        while not stop.wait(POLL_SECONDS):
            if versions.refresh():
                metrics.version.set(versions.current.version)
                logging.getLogger(__name__).warning("now serving %s", versions.view)


def check_addresses(options: ServerOptions) -> None:
    """Raises InputError where an address can't be listened on; known before anything slow is loaded."""
    _check_free(options.host, options.port, "--port")
    if options.metrics_port is not None:
        _check_free(options.host, options.metrics_port, "--metrics-port")


def _check_free(host: str, port: int, flag: str) -> None:
    """Raises InputError where nothing can listen there, without listening: who asks while it loads is refused at once."""
    failed: OSError | None = None
    try:
        name = host.strip("[]") or None  # None is every address of this machine.
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        found, failed = [], error
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as listener:
            # As the server itself does: the connections of one that has just ended are no hindrance.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(address)
                return
            except OSError as error:
                failed = error
    assert failed is not None
    taken = failed.errno in (errno.EADDRINUSE, errno.EACCES)
    mend = f"choose a free {flag}, or 0" if taken else "name an address of this machine by --host"
    raise InputError(f"can't listen on {host}:{port}: {failed.strerror}; {mend}")


def _observed(options: ServerOptions, ending: contextlib.ExitStack) -> tuple[Metrics, Any]:
    """The metrics, and what tells them, and the request log, of every request."""
    from aisle.serving.server.metrics import Metrics, Observing, count

    metrics = Metrics()
    observers: list[Observer] = [count(metrics)]
    if options.metrics_port is not None:
        try:
            port = metrics.listen(options.host, options.metrics_port)
        except OSError as error:
            raise InputError(
                f"can't listen on {options.host}:{options.metrics_port} for metrics: {error.strerror}; "
                "choose a free --metrics-port, or 0"
            ) from error
        print(f"metrics at http://{options.host}:{port}/metrics", file=sys.stderr, flush=True)
    if options.log_folder:
        from aisle.serving.server.request_log import RequestLog

        log = RequestLog(options.log_folder, options.log_share)
        ending.callback(log.close)
        observers.append(log.observe)
    return metrics, Observing(observers, metrics.under_way)


def _start(
    versions: Any,
    options: ServerOptions,
    credentials: grpc.ServerCredentials | None,
    interceptor: Any,
    metrics: Metrics,
) -> tuple[Any, int]:
    """A started gRPC server and its port."""
    import grpc
    from grpc_health.v1 import health, health_pb2, health_pb2_grpc
    from grpc_reflection.v1alpha import reflection
    from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

    from aisle.serving.server.service import ModelService, PredictionService

    batcher = _batcher(options, metrics)
    # Requests that are to be joined wait in threads of their own; no more of them run than otherwise.
    threads = options.workers + (options.waiting if batcher else 0)
    server = grpc.server(
        concurrent.futures.ThreadPoolExecutor(max_workers=threads),
        interceptors=[interceptor],
        maximum_concurrent_rpcs=options.workers + options.waiting,
        # Without SO_REUSEPORT off, a second server would silently share the first one's port.
        options=[
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ],
    )
    answering = PredictionService(versions, metrics.observe_stage, batcher)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(answering, server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(versions), server)
    checks = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    for name in ("", _SERVICES[0]):
        checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    reflection.enable_server_reflection((*_SERVICES, reflection.SERVICE_NAME), server)
    address = f"{options.host}:{options.port}"
    try:
        bound = (
            server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
        )
    except RuntimeError:
        bound = 0
    if not bound:
        raise InputError(f"can't listen on {address}; another program may: choose a free --port, or 0")
    server.start()
    return server, bound


def _batcher(options: ServerOptions, metrics: Metrics) -> Batcher | None:
    """What joins requests, and tells the metrics of it; None where none are joined."""
    from aisle.serving.server.batching import Batcher

    if options.batch < 2:
        return None
    batcher = Batcher(options.workers, options.batch, options.batch_wait_ms / 1000, metrics.observe_batch)
    metrics.waiting.set_function(lambda: batcher.waiting)
    return batcher


def _end_on_signals(stop: threading.Event) -> None:
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
