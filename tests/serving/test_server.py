"""What is true of the embedded server alone; what TF Serving does too is in conformance/."""

from __future__ import annotations

import pathlib
import runpy
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from aisle.serving.releases.labels import config_file
from aisle.serving.releases.pushed import promote, withdraw
from aisle.serving.server.loaded.versions import Versions

save_tiny_model: Callable[..., None] = runpy.run_path(str(pathlib.Path(__file__).with_name("tiny_model.py")))[
    "save_tiny_model"
]


def _start(base: pathlib.Path, port: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "aisle.serving.server", "--base", str(base), "--port", str(port)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=base.parent
    )


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("serving") / "aisle"
    save_tiny_model(folder / "9")
    save_tiny_model(folder / "10", factor=2.0)
    (folder / ".pushing-11").mkdir()
    shutil.copytree(folder / "10" / "variables", folder / "11" / "variables")
    return folder


@pytest.fixture(scope="module")
def address(base: pathlib.Path) -> Iterator[str]:
    process = _start(base)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("listening on 127.0.0.1:"), line
    yield line.split()[-1]
    process.terminate()
    assert process.communicate() and process.returncode == 0


@pytest.fixture(scope="module")
def channel(address: str) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(address) as channel:
        yield channel


GOOD = {"query": ["shirt"], "user_id": [""], "k": 3}


def _predict(channel: grpc.Channel, signature: str, inputs: dict[str, Any], **spec: Any) -> Any:
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = spec.get("model", "aisle"), signature
    if "version" in spec:
        request.model_spec.version.value = spec["version"]
    if "label" in spec:
        request.model_spec.version_label = spec["label"]
    for name, value in inputs.items():
        proto = value if isinstance(value, tf.make_tensor_proto(0).__class__) else tf.make_tensor_proto(value)
        request.inputs[name].CopyFrom(proto)
    return prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=120)


def _refused(channel: grpc.Channel, signature: str, inputs: dict[str, Any], **spec: Any) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as error:
        _predict(channel, signature, inputs, **spec)
    return error.value.code().name, error.value.details()


def test_the_numerically_highest_version_answers(channel: grpc.Channel) -> None:
    response = _predict(channel, "search", GOOD)
    assert response.model_spec.version.value == 10
    assert tf.make_ndarray(response.outputs["item_ids"]).tolist() == [[b"a", b"b", b"c"]]
    assert tf.make_ndarray(response.outputs["scores"]).tolist() == [[8.0, 6.0, 4.0]]


def test_a_version_that_was_half_copied_when_the_server_started_is_not_served(
    base: pathlib.Path, channel: grpc.Channel
) -> None:
    assert (base / "11").is_dir()
    assert _status(channel) == [(10, 30)]  # AVAILABLE


def _huge() -> Any:
    proto = tf.make_tensor_proto(["x"])
    proto.tensor_shape.dim[0].size = 1 << 40
    return proto


def _overfull() -> Any:
    proto = tf.make_tensor_proto(["x", "y"])
    proto.tensor_shape.dim[0].size = 1
    return proto


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"k": tf.make_tensor_proto(3, tf.int64)}, "'k' has dtype int64; expected int32"),
        ({"query": "shirt"}, "'query' has rank 0"),
        ({"query": _overfull()}, "'query' can't be read as [1]"),
        ({"k": [3]}, "'k' has rank 1"),
        ({"k": 2**31 - 1}, "k is 2147483647 for each of 1 rows; at most 1048576 items"),
        ({"query": _huge()}, "'query' has 1099511627776 elements"),
    ],
)
def test_what_a_graph_might_let_pass_is_refused_by_name(
    channel: grpc.Channel, change: dict[str, Any], named: str
) -> None:
    code, details = _refused(channel, "search", GOOD | change)
    assert code == "INVALID_ARGUMENT"
    assert named in details


@pytest.mark.parametrize("letter", ["s", "é"])
def test_an_error_that_quotes_a_long_name_is_cut_to_what_grpc_sends(
    channel: grpc.Channel, letter: str
) -> None:
    code, details = _refused(channel, letter * 100_000, GOOD)
    assert code == "FAILED_PRECONDITION"
    assert details.startswith(f"unknown signature '{letter * 10}")


def test_health_and_status_say_what_is_served(channel: grpc.Channel) -> None:
    check = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=120)
    assert check.status == health_pb2.HealthCheckResponse.SERVING
    assert _status(channel)[0] == (10, get_model_status_pb2.ModelVersionStatus.AVAILABLE)


def test_its_services_can_be_asked_for_by_reflection(channel: grpc.Channel) -> None:
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    (answer,) = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(asked, timeout=120)
    found = {service.name for service in answer.list_services_response.service}
    assert {"tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"} <= found


def _status(channel: grpc.Channel) -> list[tuple[int, int]]:
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "aisle"
    response = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request, timeout=120)
    return [(status.version, status.state) for status in response.model_version_status]


def _await(channel: grpc.Channel, expected: Callable[[list[tuple[int, int]]], bool]) -> list[tuple[int, int]]:
    deadline = time.monotonic() + 300
    while not expected(states := _status(channel)):
        assert time.monotonic() < deadline, states
        time.sleep(0.1)
    return states


def test_versions_switch_a_broken_one_is_passed_over_and_removal_rolls_back(
    base: pathlib.Path, channel: grpc.Channel, tmp_path: pathlib.Path
) -> None:
    (base / "13").mkdir()
    (base / "13" / "saved_model.pb").write_bytes(b"not a model")
    states = _await(channel, lambda states: len(states) == 2)
    assert states == [(10, 30), (13, 50)]  # AVAILABLE, END
    save_tiny_model(tmp_path / "model", factor=3.0)
    shutil.copytree(tmp_path / "model", base / ".pushing-12")
    (base / ".pushing-12").rename(base / "12")
    _await(channel, lambda states: states[0][0] == 12)
    response = _predict(channel, "similar", {"item_id": ["a"], "k": 1})
    assert tf.make_ndarray(response.outputs["scores"]).tolist() == [[12.0]]
    shutil.rmtree(base / "13")
    shutil.rmtree(base / "12")
    assert _await(channel, lambda states: states[0][0] == 10) == [(10, 30)]


def test_a_version_with_a_corrupt_warm_up_ends_in_error_and_the_old_one_stays(
    base: pathlib.Path, channel: grpc.Channel, tmp_path: pathlib.Path
) -> None:
    model = tmp_path / "model"
    save_tiny_model(model, factor=3.0)
    (model / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"no record at all")
    model.rename(base / "13")
    assert _await(channel, lambda states: len(states) == 2) == [(10, 30), (13, 50)]  # AVAILABLE, END
    assert _version(channel) == 10
    shutil.rmtree(base / "13")
    assert _await(channel, lambda states: len(states) == 1) == [(10, 30)]


def _version(channel: grpc.Channel, **spec: Any) -> int:
    """The version that answers."""
    return _predict(channel, "search", GOOD, **spec).model_spec.version.value


def test_labelled_versions_are_loaded_and_answer_beside_the_newest(
    base: pathlib.Path, channel: grpc.Channel
) -> None:
    promote(base, 9, "stable")
    assert _await(channel, lambda states: len(states) == 2) == [(10, 30), (9, 30)]
    assert _version(channel) == 10
    assert _version(channel, version=9) == _version(channel, label="stable") == 9
    promote(base, 10, "stable")
    assert _await(channel, lambda states: len(states) == 1) == [(10, 30)]
    assert _version(channel, label="stable") == 10
    assert _refused(channel, "search", GOOD, version=9)[0] == "NOT_FOUND"
    config_file(base).unlink()


def test_a_view_stays_whole_while_versions_and_labels_change(
    base: pathlib.Path, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "serving" / "aisle"
    for version in ("9", "10"):
        shutil.copytree(base / version, folder / version)
    promote(folder, 9, "stable")
    versions = Versions(folder)
    held = versions.view
    assert str(held) == "version 10 (stable: 9)"
    assert not versions.refresh()
    config_file(folder).write_text("nonsense")
    assert not versions.refresh()
    assert not versions.refresh()
    assert caplog.text.count("the labels stay as they were") == 1
    config_file(folder).unlink()
    withdraw(folder)
    assert versions.refresh()
    assert str(versions.view) == "version 9"
    assert versions.view.newest is held.by_label["stable"]
    assert held.newest.run("serving_default", {"examples": np.array([b""], object)})["scores"] == [0]
    assert not Versions(folder, labelled=False).view.by_label


def test_an_emptied_folder_leaves_the_loaded_version_serving(
    base: pathlib.Path, channel: grpc.Channel, tmp_path: pathlib.Path
) -> None:
    (base / "14").mkdir()
    (base / "14" / "saved_model.pb").write_bytes(b"not a model")
    _await(channel, lambda states: len(states) == 2)
    base.rename(tmp_path / "away")
    base.mkdir()
    # That the broken one is no longer told shows that the server has looked.
    assert _await(channel, lambda states: len(states) == 1) == [(10, 30)]
    assert _version(channel) == 10
    base.rmdir()
    shutil.rmtree(tmp_path / "away" / "14")
    (tmp_path / "away").rename(base)


@pytest.mark.parametrize("broken", [False, True])
def test_a_base_without_a_version_that_loads_is_one_line(tmp_path: pathlib.Path, broken: bool) -> None:
    if broken:
        (tmp_path / "aisle" / "1").mkdir(parents=True)
        (tmp_path / "aisle" / "1" / "saved_model.pb").write_bytes(b"not a model")
    process = _start(tmp_path / "aisle")
    _, errors = process.communicate()
    assert process.returncode == (1 if broken else 2)
    assert "Traceback" not in errors
    assert errors.splitlines()[-1].startswith("aisle: no ")


def test_a_taken_port_is_said(base: pathlib.Path, address: str) -> None:
    process = _start(base, port=int(address.split(":")[1]))
    _, errors = process.communicate()
    assert process.returncode == 2
    assert "can't listen on" in errors.splitlines()[-1]
