"""The canary on TF Serving: a binary that is started, and a server that runs and is told what to load."""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import runpy
import sys
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tfx.types import standard_artifacts

from aisle.components.canary import process
from aisle.components.canary.executor import Executor, try_model
from aisle.components.canary.failure import CanaryFailure
from aisle.components.canary.tf_serving import started
from aisle.components.saved_model import call_signature
from aisle.schema.errors import AisleError, InputError

HERE = pathlib.Path(__file__).parent
STATES = get_model_status_pb2.ModelVersionStatus


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("model") / "Format-Serving"
    runpy.run_path(str(HERE.parent / "serving" / "tiny_model.py"))["save_tiny_model"](folder)
    return folder


def _executable(folder: pathlib.Path, interpreter: str, text: str) -> str:
    path = folder / "tensorflow_model_server"
    path.write_text(f"#!{interpreter}\n{text}")
    path.chmod(0o755)
    return str(path)


def _try(model: pathlib.Path, beside: pathlib.Path, tf_serving: str) -> str:
    properties = {"server_module": "none", "tf_serving": tf_serving, "max_latency_ms": 60_000.0}
    return try_model(str(model), str(beside), properties)


def _runs(pid: int) -> bool:
    return pathlib.Path(f"/proc/{pid}").exists()


@pytest.fixture(params=["stand-in", "TF Serving"])
def binary(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> str:
    """What stands for TF Serving's binary; the binary too where AISLE_TF_SERVING_BINARY names it."""
    if request.param == "stand-in":
        return _executable(tmp_path, sys.executable, (HERE / "stand_in_model_server.py").read_text())
    if not os.environ.get("AISLE_TF_SERVING_BINARY"):
        pytest.skip("AISLE_TF_SERVING_BINARY names no tensorflow_model_server")
    return os.environ["AISLE_TF_SERVING_BINARY"]


def test_a_model_that_the_binary_serves_as_in_memory_is_blessed(
    binary: str, model: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    artifact, blessing = standard_artifacts.Model(), standard_artifacts.InfraBlessing()
    artifact.uri, blessing.uri = str(model.parent), str(tmp_path / "blessing")
    properties = {"server_module": "none", "tf_serving": binary, "max_latency_ms": 60_000.0}
    Executor().Do({"model": [artifact]}, {"blessing": [blessing]}, properties)
    assert [path.name for path in (tmp_path / "blessing").iterdir()] == ["INFRA_BLESSED"]
    if (ran := tmp_path / "tensorflow_model_server.ran").exists():
        pid, *told = ran.read_text().split()
        assert told == ["aisle", "0", "0"]
        assert not _runs(int(pid))


def test_a_model_that_the_binary_cannot_load_fails_with_the_end_of_its_log(
    binary: str, tmp_path: pathlib.Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "saved_model.pb").write_bytes(b"not a model")
    (tmp_path / "work").mkdir()
    told = r"end of its log: .*Failed to start server"
    with pytest.raises(CanaryFailure, match=told), started(binary, str(broken), tmp_path / "work"):
        pass


@pytest.mark.parametrize("stubborn", [False, True], ids=["ends", "has to be killed"])
def test_a_binary_that_serves_nothing_is_ended_and_its_log_told(
    stubborn: bool, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "START_SECONDS", 3.0)
    monkeypatch.setattr(process, "END_SECONDS", 0.5)
    trap = "trap '' TERM\n" if stubborn else ""
    script = f"{trap}echo $$ > {tmp_path}/pid\necho waiting for the moon >&2\nwhile :; do sleep 0.1; done\n"
    waits, work = _executable(tmp_path, "/bin/sh", script), tmp_path / "work"
    work.mkdir()
    told = "within 3 s; the end of its log: waiting for the moon"
    with pytest.raises(CanaryFailure, match=told), started(waits, str(tmp_path), work):
        pass
    assert not _runs(int((tmp_path / "pid").read_text()))


def test_an_executable_that_is_none_is_refused_by_name(tmp_path: pathlib.Path) -> None:
    script = _executable(tmp_path, "/no/such/interpreter", "")
    told = r"infra\.tf_serving=.* can't be run: No such file"
    with pytest.raises(InputError, match=told), started(script, str(tmp_path), tmp_path):
        pass
    absent, told = str(tmp_path / "absent"), "neither an executable nor HOST:PORT"
    with pytest.raises(InputError, match=told), started(absent, str(tmp_path), tmp_path):
        pass


class FakeTfServing(
    model_service_pb2_grpc.ModelServiceServicer, prediction_service_pb2_grpc.PredictionServiceServicer
):
    """ModelService and PredictionService as of a TF Serving whose configuration is replaced by a reload.

    `loads` is what a reload does with a model, `served` what answers now, and `asked` the names of what was asked.
    """

    def __init__(self) -> None:
        self.served: dict[str, dict[int, Any]] = {}
        self.asked: list[str] = []
        self.reloads: list[dict[str, str]] = []
        self.loads: Callable[[str], Any] = tf.saved_model.load

    def HandleReloadConfigRequest(self, request: Any, context: Any) -> Any:
        assert request.config.WhichOneof("config") == "model_config_list"
        models = {model.name: model.base_path for model in request.config.model_config_list.config}
        self.reloads.append(models)
        self.served = {}
        for name, base in models.items():
            version = max(os.listdir(base), key=int)
            try:
                self.served[name] = {int(version): self.loads(os.path.join(base, version))}
            except OSError as error:
                context.abort(grpc.StatusCode.UNKNOWN, f"1 servable(s) did not become available: {error}")
        return model_management_pb2.ReloadConfigResponse()

    def GetModelStatus(self, request: Any, context: Any) -> Any:
        versions = self._versions(request.model_spec.name, context)
        response = get_model_status_pb2.GetModelStatusResponse()
        for version in versions:
            response.model_version_status.add(version=version, state=STATES.AVAILABLE)
        return response

    def Predict(self, request: Any, context: Any) -> Any:
        spec = request.model_spec
        self.asked.append(spec.name)
        model = self._versions(spec.name, context)[spec.version.value]
        inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
        response = predict_pb2.PredictResponse()
        for name, value in call_signature(model, spec.signature_name, inputs).items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return response

    def _versions(self, name: str, context: Any) -> dict[int, Any]:
        if name not in self.served:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {name}")
        return self.served[name]


@pytest.fixture
def fake() -> Iterator[tuple[FakeTfServing, str]]:
    """A fake TF Serving on a real gRPC server, and its HOST:PORT."""
    answering = FakeTfServing()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(answering, server)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(answering, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield answering, f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_a_server_that_runs_loads_the_model_answers_and_is_left_empty(
    fake: tuple[FakeTfServing, str], model: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    serving, address = fake
    assert _try(model, tmp_path, address) == ""
    assert serving.reloads == [{"aisle-canary": str(tmp_path / "aisle-canary")}, {}]
    assert set(serving.asked) == {"aisle-canary"}
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_a_server_cannot_load_or_answers_otherwise_fails_and_leaves_nothing(
    fake: tuple[FakeTfServing, str], model: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    serving, address = fake
    save = runpy.run_path(str(HERE.parent / "serving" / "tiny_model.py"))["save_tiny_model"]
    save(tmp_path / "other", 2.0)
    beside = tmp_path / "beside"
    beside.mkdir()
    serving.loads = lambda _: tf.saved_model.load(str(tmp_path / "other"))
    assert "search answers scores" in _try(model, beside, address)
    serving.loads = lambda _: tf.saved_model.load(str(tmp_path / "none"))
    assert "could not load the model: UNKNOWN: 1 servable(s)" in _try(model, beside, address)
    assert serving.served == {}
    assert list(beside.iterdir()) == []


def test_a_server_in_service_is_refused_and_left_as_it_is(
    fake: tuple[FakeTfServing, str], model: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    serving, address = fake
    serving.served = {"aisle": {7: None}}
    with pytest.raises(InputError, match="serves aisle, which a canary would unload"):
        _try(model, tmp_path, address)
    assert serving.reloads == []


def test_a_tf_serving_in_service_is_refused(model: pathlib.Path, tmp_path: pathlib.Path) -> None:
    if not os.environ.get("AISLE_TF_SERVING"):
        pytest.skip("AISLE_TF_SERVING names no HOST:PORT of a TF Serving that serves aisle")
    with pytest.raises(InputError, match="serves aisle, which a canary would unload"):
        _try(model, tmp_path, os.environ["AISLE_TF_SERVING"])


def test_a_server_that_is_away_decides_nothing(model: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with pytest.raises(AisleError, match="no TF Serving answers there"):
        _try(model, tmp_path, "127.0.0.1:1")
    assert list(tmp_path.iterdir()) == []
