"""What the embedded server tells Prometheus of itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import grpc
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from aisle.schema.contract import SIGNATURES

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_SIGNATURES = frozenset(signature.name for signature in SIGNATURES)


class Metrics:
    """The server's metrics.

    `aisle_requests_total` and `aisle_request_seconds` by method and signature, the first by status code too;
    `aisle_stage_seconds` by signature and stage; `aisle_request_rows` by signature; `aisle_requests_under_way`;
    `aisle_model_version`, the newest that is served; `aisle_batch_requests` by signature and `aisle_batch_waiting`.

    Attributes:
        registry: where they are registered, one for each server.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        given: dict[str, Any] = {"registry": self.registry}
        asked = ["method", "signature"]
        self.requests = Counter("aisle_requests", "Requests answered.", [*asked, "code"], **given)
        self.seconds = Histogram(
            "aisle_request_seconds",
            "Seconds from a request's arrival to its answer.",
            asked,
            buckets=_SECONDS,
            **given,
        )
        self.stages = Histogram(
            "aisle_stage_seconds", "Seconds of each stage.", ["signature", "stage"], buckets=_SECONDS, **given
        )
        self.rows = Histogram(
            "aisle_request_rows", "Rows of a request.", ["signature"], buckets=_ROWS, **given
        )
        self.batches = Histogram(
            "aisle_batch_requests",
            "Requests that one call of the model answered.",
            ["signature"],
            buckets=_ROWS[:8],
            **given,
        )
        self.waiting = Gauge("aisle_batch_waiting", "Requests that wait to be joined.", **given)
        self.under_way = Gauge("aisle_requests_under_way", "Requests that are being answered.", **given)
        self.version = Gauge("aisle_model_version", "The newest version that is served.", **given)

    def observe_stage(self, signature: str, stage: str, seconds: float) -> None:
        """An `ObserveStage` (see `service`)."""
        self.stages.labels(signature, stage).observe(seconds)

    def observe_batch(self, signature: str, requests: int) -> None:
        """What a `Batcher` tells of each call."""
        self.batches.labels(signature).observe(requests)

    def listen(self, host: str, port: int) -> int:
        """Answers Prometheus at `http://HOST:PORT/metrics`; returns the port (0 takes a free one)."""
        server, _ = start_http_server(port, addr=host, registry=self.registry)
        return int(server.server_port)


def signature_label(request: Any) -> str:
    """The signature a request names, "" for none; what the contract doesn't have is "other"."""
    spec = getattr(request, "model_spec", None)
    name = str(spec.signature_name) if spec is not None else ""
    return name if name in _SIGNATURES or not name else "other"


def row_count(request: Any) -> int:
    """The rows of a PredictRequest: the most that the first dimension of an input has."""
    sizes = [tensor.tensor_shape.dim[0].size for tensor in request.inputs.values() if tensor.tensor_shape.dim]
    return max(sizes, default=0)


Observer = Callable[[str, Any, str, float], None]
"""Told of each answered request: the method's full name, the request (an `object` without fields where its bytes were
no message), the status code's name, seconds."""


_UNREADABLE = object()
"""In place of a request whose bytes are no message."""


class Observing(grpc.ServerInterceptor):
    """Tells observers of every request with one answer, however it ended."""

    def __init__(self, observers: Sequence[Observer], under_way: Gauge) -> None:
        self._observers = observers
        self._under_way = under_way

    def intercept_service(self, continuation: Callable, details: grpc.HandlerCallDetails) -> Any:
        """See `grpc.ServerInterceptor`."""
        handler = continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler

        def read(payload: bytes) -> Any:
            # What a deserializer raises, gRPC (1.66) answers the same way and keeps 16 KB of it for ever.
            try:
                return handler.request_deserializer(payload)
            except Exception:
                return _UNREADABLE

        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            started = time.perf_counter()
            code = "UNKNOWN"
            try:
                if request is _UNREADABLE:
                    context.abort(grpc.StatusCode.INTERNAL, "Exception deserializing request!")
                with self._under_way.track_inprogress():
                    response = handler.unary_unary(request, context)
                code = _code(context, "OK")
                return response
            except BaseException:
                code = _code(context, "UNKNOWN")
                raise
            finally:
                seconds = time.perf_counter() - started
                for observe in self._observers:
                    observe(details.method, request, code, seconds)

        return grpc.unary_unary_rpc_method_handler(answer, read, handler.response_serializer)


def count(metrics: Metrics) -> Observer:
    """Counts requests."""

    def observe(method: str, request: Any, code: str, seconds: float) -> None:
        labels = method.rpartition("/")[2], signature_label(request)
        metrics.requests.labels(*labels, code).inc()
        metrics.seconds.labels(*labels).observe(seconds)
        if hasattr(request, "inputs"):
            metrics.rows.labels(labels[1]).observe(row_count(request))

    return observe


def _code(context: grpc.ServicerContext, otherwise: str) -> str:
    """The status that a call was given, `otherwise` where it was given none."""
    code = context.code()
    return code.name if isinstance(code, grpc.StatusCode) else otherwise
