"""Predict as TF Serving answers it: right answers, and the status code of every wrong request."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

GOOD = {"query": ["shirt"], "user_id": [""], "k": 3}
K_OF_INT64 = tf.make_tensor_proto(3, tf.int64)
NO_QUERY = {name: value for name, value in GOOD.items() if name != "query"}


def outputs(response: Any) -> dict[str, Any]:
    return {name: tf.make_ndarray(value).tolist() for name, value in response.outputs.items()}


def test_every_output_of_a_signature_is_answered(asking: Any) -> None:
    answer = outputs(asking.predict("search", GOOD))
    assert answer == {"item_ids": [[b"a", b"b", b"c"]], "scores": [[4.0, 3.0, 2.0]]}


def test_each_row_of_a_batch_is_answered(asking: Any) -> None:
    inputs = {"query": ["q", "é✓"], "user_id": ["", "u"], "item_ids": [["a", "bb"], ["ccc", ""]]}
    assert outputs(asking.predict("rank", inputs)) == {"scores": [[1.0, 2.0], [3.0, 0.0]]}


def test_no_rows_have_no_answers(asking: Any) -> None:
    none = tf.make_tensor_proto(tf.constant([], tf.string))
    answer = asking.predict("search", {"query": none, "user_id": none, "k": 3})
    assert tf.make_ndarray(answer.outputs["scores"]).shape == (0, 3)


def test_an_empty_signature_name_means_serving_default(asking: Any) -> None:
    response = asking.predict("", {"examples": ["", ""]})
    assert outputs(response) == {"scores": [0.0, 0.0]}
    assert response.model_spec.signature_name == "serving_default"


def test_a_filter_leaves_the_outputs_it_names(asking: Any) -> None:
    assert outputs(asking.predict("search", GOOD, "scores")) == {"scores": [[4.0, 3.0, 2.0]]}


@pytest.mark.parametrize("wanted", [["colour"], ["scores", "scores"], ["scores", "colour"]])
def test_a_filter_of_unknown_or_repeated_outputs_is_an_invalid_argument(
    asking: Any, wanted: list[str]
) -> None:
    code, details = asking.refused(asking.predict, "search", GOOD, *wanted)
    assert code == "INVALID_ARGUMENT"
    assert wanted[-1] in details


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        (NO_QUERY, "query"),
        (GOOD | {"colour": ["red"]}, "colour"),
        (NO_QUERY | {"colour": ["red"]}, ""),
        ({}, "query"),
        (GOOD | {"k": K_OF_INT64}, "int64"),
        (GOOD | {"query": [1.0]}, "float"),
        (GOOD | {"k": [3, 3]}, ""),
        (GOOD | {"k": -1}, "k is negative"),
    ],
    ids=["missing", "extra", "another name", "none", "dtype", "strings", "shape", "refused by the graph"],
)
def test_a_wrong_input_is_an_invalid_argument_that_names_it(
    asking: Any, inputs: dict[str, Any], named: str
) -> None:
    code, details = asking.refused(asking.predict, "search", inputs)
    assert code == "INVALID_ARGUMENT"
    assert named in details


def _unreadable(**change: Any) -> Any:
    """An integer k as no server can read it: of unknown or negative size, or with too few bytes."""
    proto = tf.make_tensor_proto([3])
    if "size" in change:
        proto.tensor_shape.dim[0].size = change["size"]
    proto.tensor_shape.unknown_rank = change.get("unknown_rank", False)
    if "content" in change:
        proto.ClearField("int_val")
        proto.tensor_content = change["content"]
    return proto


@pytest.mark.parametrize("change", [{"unknown_rank": True}, {"size": -1}, {"content": b"1"}])
def test_a_tensor_that_can_not_be_read_is_an_invalid_argument(asking: Any, change: dict[str, Any]) -> None:
    inputs = GOOD | {"k": _unreadable(**change)}
    assert asking.refused(asking.predict, "search", inputs)[0] == "INVALID_ARGUMENT"


def test_an_unknown_signature_is_a_failed_precondition(asking: Any) -> None:
    code, details = asking.refused(asking.predict, "find", GOOD)
    assert code == "FAILED_PRECONDITION"
    assert "find" in details


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"model": "other"}, "NOT_FOUND"),
        ({"model": ""}, "INVALID_ARGUMENT"),
        ({"version": 8}, "NOT_FOUND"),
        ({"version": -1}, "NOT_FOUND"),
    ],
)
def test_an_unknown_model_or_version_has_its_code(asking: Any, spec: dict[str, Any], expected: str) -> None:
    assert asking.refused(asking.predict, "search", GOOD, **spec)[0] == expected


def test_a_request_without_a_model_is_an_invalid_argument(asking: Any) -> None:
    request = predict_pb2.PredictRequest()
    assert asking.refused(asking.prediction.Predict, request, timeout=300)[0] == "INVALID_ARGUMENT"


def test_bytes_that_are_no_message_are_an_internal_error(asking: Any, address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        raw = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        assert asking.refused(raw, b"\xff\xff no message", timeout=300)[0] == "INTERNAL"


def test_a_message_that_is_too_large_is_resource_exhausted(asking: Any, real: bool) -> None:
    if real:
        pytest.skip("TF Serving takes messages of up to 2 GiB, which is as much as protobuf sends")
    query = tf.make_tensor_proto([b"x" * (65 << 20)])
    code, _ = asking.refused(asking.predict, "search", GOOD | {"query": query})
    assert code == "RESOURCE_EXHAUSTED"
