"""What the server counts, against requests that a test made; a real gRPC server, no TensorFlow."""

from __future__ import annotations

import concurrent.futures
import urllib.request
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from aisle.serving.server.metrics import Metrics, Observing, count
from aisle.serving.wire import messages_pb2

METHOD = "/tensorflow.serving.PredictionService/Predict"


def predict(request: Any, context: grpc.ServicerContext) -> Any:
    if request.model_spec.name == "unknown":
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown model")
    if request.model_spec.name == "broken":
        raise ValueError("broken")
    return messages_pb2.PredictResponse()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def channel(metrics: Metrics) -> Iterator[grpc.Channel]:
    handler = grpc.unary_unary_rpc_method_handler(
        predict,
        messages_pb2.PredictRequest.FromString,
        messages_pb2.PredictResponse.SerializeToString,
    )
    server = grpc.server(
        concurrent.futures.ThreadPoolExecutor(2),
        interceptors=[Observing([count(metrics)], metrics.under_way)],
    )
    service, _, name = METHOD[1:].partition("/")
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {name: handler})])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    server.stop(None).wait()


def ask(channel: grpc.Channel, model: str, signature: str, rows: int = 1) -> str:
    request = messages_pb2.PredictRequest(
        model_spec=messages_pb2.ModelSpec(name=model, signature_name=signature)
    )
    request.inputs["query"].string_val.extend([b"mug"] * rows)
    request.inputs["query"].tensor_shape.dim.add(size=rows)
    request.inputs["k"].int_val.append(3)
    try:
        channel.unary_unary(METHOD)(request.SerializeToString(), timeout=120)
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"


def requests(metrics: Metrics, *labels: str) -> float:
    names = ("method", "signature", "code")
    return (
        metrics.registry.get_sample_value("aisle_requests_total", dict(zip(names, labels, strict=True)))
        or 0.0
    )


def test_requests_are_counted_by_signature_and_by_how_they_ended(
    metrics: Metrics, channel: grpc.Channel
) -> None:
    for _ in range(2):
        assert ask(channel, "aisle", "search") == "OK"
    assert ask(channel, "unknown", "search") == "NOT_FOUND"
    assert ask(channel, "broken", "rank") == "UNKNOWN"
    assert requests(metrics, "Predict", "search", "OK") == 2
    assert requests(metrics, "Predict", "search", "NOT_FOUND") == 1
    assert requests(metrics, "Predict", "rank", "UNKNOWN") == 1
    assert metrics.registry.get_sample_value("aisle_requests_under_way") == 0


def test_bytes_that_are_no_message_are_counted(metrics: Metrics, channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError, match="Exception deserializing request!"):
        channel.unary_unary(METHOD)(b"\xff\xff no message", timeout=120)
    assert requests(metrics, "Predict", "", "INTERNAL") == 1


def test_a_signature_that_nobody_has_makes_no_series_of_its_own(
    metrics: Metrics, channel: grpc.Channel
) -> None:
    for name in ("made-up", "another"):
        ask(channel, "aisle", name)
    assert requests(metrics, "Predict", "other", "OK") == 2


def test_the_rows_of_a_batch_are_measured(metrics: Metrics, channel: grpc.Channel) -> None:
    ask(channel, "aisle", "search", rows=5)
    given = {"signature": "search"}
    assert metrics.registry.get_sample_value("aisle_request_rows_sum", given) == 5
    assert metrics.registry.get_sample_value("aisle_request_rows_bucket", {**given, "le": "4.0"}) == 0
    assert metrics.registry.get_sample_value("aisle_request_rows_bucket", {**given, "le": "8.0"}) == 1


def test_prometheus_reads_them_over_http(metrics: Metrics, channel: grpc.Channel) -> None:
    ask(channel, "aisle", "search")
    metrics.version.set(7)
    port = metrics.listen("127.0.0.1", 0)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=120) as page:
        text = page.read().decode()
    assert 'aisle_requests_total{code="OK",method="Predict",signature="search"} 1.0' in text
    assert "aisle_model_version 7.0" in text
