"""Our messages are TensorFlow Serving's, byte for byte, and our tensors NumPy's."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from aisle.serving.wire import messages_pb2 as ours
from aisle.serving.wire.tensors import to_array, to_proto

# Built in a process of its own, from the real messages: importing them takes all of TensorFlow.
REAL = """
import json
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import get_model_status_pb2, predict_pb2

def content(array):
    proto = tf.make_tensor_proto(array)
    if array.dtype != object:
        assert array.size == 1 or proto.tensor_content
        if not proto.tensor_content:
            for field in ("float_val", "double_val", "int_val", "int64_val", "bool_val"):
                proto.ClearField(field)
            proto.tensor_content = array.tobytes()
    return proto

request = predict_pb2.PredictRequest(output_filter=["scores"])
request.model_spec.name, request.model_spec.signature_name = "aisle", "search"
request.model_spec.version.value = 1234567890123
request.inputs["query"].CopyFrom(content(np.array([["h\\u00e9".encode(), b""], [b"\\x00\\xff", b"=1"]], object)))
request.inputs["k"].CopyFrom(content(np.array(-7, np.int32)))
request.inputs["flag"].CopyFrom(content(np.array(True)))
request.inputs["long"].CopyFrom(content(np.array([2**62, -1], np.int64)))
request.inputs["single"].CopyFrom(content(np.array([1.5, -np.inf], np.float32)))
request.inputs["double"].CopyFrom(content(np.array([0.1, 2.0], np.float64)))
response = predict_pb2.PredictResponse()
response.model_spec.name, response.model_spec.version_label = "aisle", "stable"
response.outputs["values"].CopyFrom(tf.compat.v1.make_tensor_proto([1.5, 2.5], tf.float32, verify_shape=True))
response.outputs["values"].ClearField("tensor_content")
response.outputs["values"].float_val.extend([1.5, 2.5])
response.outputs["same"].CopyFrom(tf.make_tensor_proto(3.0, tf.float32, shape=[2, 2]))
status = get_model_status_pb2.GetModelStatusResponse()
status.model_version_status.add(version=10, state=30)
status.model_version_status.add(version=11, state=50).status.error_message = "broken"
status.model_version_status[1].status.error_code = 2
asked = get_model_status_pb2.GetModelStatusRequest()
asked.model_spec.name = "aisle"
print(json.dumps([m.SerializeToString(deterministic=True).hex() for m in (request, response, status, asked)]))
"""


@pytest.fixture(scope="module")
def real() -> list[bytes]:
    done = subprocess.run([sys.executable, "-c", REAL], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [bytes.fromhex(text) for text in json.loads(done.stdout.splitlines()[-1])]


def test_a_request_has_the_bytes_of_tensorflow_servings(real: list[bytes]) -> None:
    strings = np.array([["hé".encode(), b""], [b"\x00\xff", b"=1"]], object)
    spec = ours.ModelSpec(name="aisle", signature_name="search")
    spec.version.value = 1234567890123
    inputs = {
        "query": strings,
        "k": np.array(-7, np.int32),
        "flag": np.array(True),
        "long": np.array([2**62, -1], np.int64),
        "single": np.array([1.5, -np.inf], np.float32),
        "double": np.array([0.1, 2.0]),
    }
    request = ours.PredictRequest(
        model_spec=spec,
        inputs={name: to_proto(value) for name, value in inputs.items()},
        output_filter=["scores"],
    )
    assert request.SerializeToString(deterministic=True) == real[0]
    for name, value in inputs.items():
        found = to_array(ours.PredictRequest.FromString(real[0]).inputs[name])
        assert found.tolist() == value.tolist()


def test_a_response_of_tensorflow_serving_is_read_and_written_alike(real: list[bytes]) -> None:
    response = ours.PredictResponse.FromString(real[1])
    assert response.model_spec.version_label == "stable"
    assert to_array(response.outputs["values"]).tolist() == [1.5, 2.5]
    assert to_array(response.outputs["same"]).tolist() == [[3.0, 3.0], [3.0, 3.0]]
    assert response.SerializeToString(deterministic=True) == real[1]


def test_a_model_status_is_read_and_written_alike(real: list[bytes]) -> None:
    response = ours.GetModelStatusResponse.FromString(real[2])
    assert [(s.version, s.state, s.status.error_message) for s in response.model_version_status] == [
        (10, 30, ""),
        (11, 50, "broken"),
    ]
    assert response.SerializeToString(deterministic=True) == real[2]
    request = ours.GetModelStatusRequest(model_spec=ours.ModelSpec(name="aisle"))
    assert request.SerializeToString(deterministic=True) == real[3]


@given(
    arrays.arrays(
        st.sampled_from([np.float32, np.float64, np.int32, np.int64, np.bool_]),
        arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    )
)
def test_a_numeric_array_comes_back_with_its_dtype_and_shape(array: np.ndarray) -> None:
    proto = ours.TensorProto.FromString(to_proto(array).SerializeToString())
    found = to_array(proto)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)


@given(st.lists(st.lists(st.binary(max_size=5), min_size=2, max_size=2), max_size=3))
def test_strings_come_back_as_bytes(rows: list[list[bytes]]) -> None:
    array = np.empty((len(rows), 2), object)
    for place, row in enumerate(rows):
        array[place] = row
    found = to_array(to_proto(array))
    assert (found.shape, found.tolist()) == ((len(rows), 2), rows)


@pytest.mark.parametrize(
    "array", [np.array([1], np.uint8), np.array([None], object), np.array(["text"], object), np.array(["u"])]
)
def test_what_no_signature_takes_is_refused(array: np.ndarray) -> None:
    with pytest.raises(TypeError):
        to_proto(array)


def _tensor(dtype: int, sizes: list[int], **values: object) -> ours.TensorProto:
    shape = ours.TensorShapeProto(dim=[ours.TensorShapeProto.Dim(size=size) for size in sizes])
    return ours.TensorProto(dtype=dtype, tensor_shape=shape, **values)


@pytest.mark.parametrize(
    "proto",
    [
        _tensor(1, [3], float_val=[1.0, 2.0]),
        _tensor(1, [3], tensor_content=b"\0" * 8),
        _tensor(7, [2]),
        _tensor(1, [-1], float_val=[1.0]),
        _tensor(99, [1], float_val=[1.0]),
        ours.TensorProto(dtype=1, tensor_shape=ours.TensorShapeProto(unknown_rank=True)),
    ],
)
def test_a_tensor_that_does_not_fill_its_shape_is_refused(proto: ours.TensorProto) -> None:
    with pytest.raises(ValueError, match=r"shape|dtype"):
        to_array(proto)


def test_a_huge_shape_with_one_value_takes_no_memory() -> None:
    assert to_array(_tensor(1, [1 << 40], float_val=[2.0])).strides == (0,)
