"""One server for the whole suite: the embedded one, or a real TF Serving that AISLE_TF_SERVING names.

AISLE_TF_SERVING is the HOST:PORT of one that serves what `python tests/serving/tiny_model.py FOLDER` wrote, or the
path of a `tensorflow_model_server`, which is started then; docs/serving.md has the commands.
"""

from __future__ import annotations

import os
import pathlib
import runpy
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

TINY = runpy.run_path(str(pathlib.Path(__file__).parents[1] / "tiny_model.py"))
REAL = os.environ.get("AISLE_TF_SERVING", "")
PATIENCE = 300
"""Seconds for a call: none takes long, but a machine may."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps the suite on one of several test processes, so that it starts one server."""
    here = pathlib.Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("conformance"))


@pytest.fixture(scope="session")
def real() -> bool:
    """Whether a real TF Serving is asked."""
    return bool(REAL)


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory, embedded_server: Callable[..., Any]) -> Iterator[str]:
    """HOST:PORT of the server; versions 9, labelled stable, and 10, the newest, are served."""
    if REAL and not pathlib.Path(REAL).exists():
        yield REAL
        return
    base = TINY["save_versions"](tmp_path_factory.mktemp("conformance"))
    process, found = _start_real(base.parent) if REAL else embedded_server(base)
    yield found
    process.terminate()
    process.communicate()


def _start_real(folder: pathlib.Path) -> tuple[subprocess.Popen[str], str]:
    """A TF Serving by its binary; labels take a configuration file instead of a model's name and folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [f"--port={port}", f"--model_config_file={folder / 'models.config'}"]
    process = subprocess.Popen(
        [REAL, *options, "--allow_version_labels_for_unavailable_models=true"], text=True
    )
    deadline = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None and time.monotonic() < deadline, "TF Serving doesn't listen"
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return process, f"127.0.0.1:{port}"
        time.sleep(0.2)


def fill_spec(
    spec: Any, *, model: str = "aisle", signature: str = "", version: int | None = None, label: str = ""
) -> None:
    """Fills a ModelSpec."""
    spec.name, spec.signature_name = model, signature
    if version is not None:
        spec.version.value = version
    if label:
        spec.version_label = label


class Asking:
    """Asks the server by messages, as any client of the protocol would."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self.model = model_service_pb2_grpc.ModelServiceStub(channel)

    def predict(self, signature: str, inputs: dict[str, Any], *wanted: str, **spec: Any) -> Any:
        """The response to a Predict; `wanted` is the output filter."""
        request = predict_pb2.PredictRequest(output_filter=wanted)
        fill_spec(request.model_spec, signature=signature, **spec)
        for name, value in inputs.items():
            known = isinstance(value, tf.make_tensor_proto(0).__class__)
            request.inputs[name].CopyFrom(value if known else tf.make_tensor_proto(value))
        return self.prediction.Predict(request, timeout=PATIENCE)

    def status(self, **spec: Any) -> list[tuple[int, str]]:
        """What GetModelStatus tells: each version and the name of its state."""
        request = get_model_status_pb2.GetModelStatusRequest()
        fill_spec(request.model_spec, **spec)
        response = self.model.GetModelStatus(request, timeout=PATIENCE)
        states = get_model_status_pb2.ModelVersionStatus.State
        return [(status.version, states.Name(status.state)) for status in response.model_version_status]

    def metadata(self, *fields: str, **spec: Any) -> Any:
        """The response to a GetModelMetadata."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
        fill_spec(request.model_spec, **spec)
        return self.prediction.GetModelMetadata(request, timeout=PATIENCE)

    fill_spec = staticmethod(fill_spec)

    @staticmethod
    def refused(call: Any, *given: Any, **spec: Any) -> tuple[str, str]:
        """The status code and the message of a call that fails."""
        with pytest.raises(grpc.RpcError) as error:
            call(*given, **spec)
        return error.value.code().name, error.value.details()


@pytest.fixture(scope="session")
def asking(address: str) -> Iterator[Asking]:
    """Asks the server."""
    with grpc.insecure_channel(address) as channel:
        yield Asking(channel)
