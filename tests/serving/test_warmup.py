"""Warm-up requests: answered before a version is shown, and a version whose requests fail is not shown."""

from __future__ import annotations

import pathlib
import runpy
from collections.abc import Callable
from typing import Any

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from aisle.schema.errors import AisleError
from aisle.serving.server.loaded.loaded_model import load
from aisle.serving.server.loaded.versions import Versions
from aisle.serving.server.warmup import warm_up

save_tiny_model: Callable[..., None] = runpy.run_path(str(pathlib.Path(__file__).with_name("tiny_model.py")))[
    "save_tiny_model"
]
GOOD = ("similar", {"item_id": tf.make_tensor_proto(["a"]), "k": tf.make_tensor_proto(2)})
BAD = ("similar", {"item_id": tf.make_tensor_proto(["a"]), "k": tf.make_tensor_proto(2.0)})


def write(folder: pathlib.Path, *requests: tuple[str, dict[str, Any]]) -> None:
    with tf.io.TFRecordWriter(str(folder / "assets.extra" / "tf_serving_warmup_requests")) as file:
        for signature, inputs in requests:
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name, request.model_spec.signature_name = "aisle", signature
            for name, value in inputs.items():
                request.inputs[name].CopyFrom(value)
            file.write(log.SerializeToString())


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("serving") / "aisle"
    for version in ("1", "2"):
        save_tiny_model(folder / version)
    return folder


def test_every_request_is_answered(base: pathlib.Path) -> None:
    assert warm_up(load(1, base / "1"), base / "1") == 0
    write(base / "1", GOOD, GOOD)
    assert warm_up(load(1, base / "1"), base / "1") == 2


def test_a_request_that_fails_is_named(base: pathlib.Path) -> None:
    write(base / "2", GOOD, BAD)
    with pytest.raises(AisleError, match="request 2 fails: input 'k' has dtype float32; expected int32"):
        warm_up(load(2, base / "2"), base / "2")


@pytest.mark.parametrize("content", [b"no record at all", None])
def test_a_version_with_broken_requests_is_not_shown(base: pathlib.Path, content: bytes | None) -> None:
    write(base / "2", BAD)
    if content is not None:
        (base / "2" / "assets.extra" / "tf_serving_warmup_requests").write_bytes(content)
    versions = Versions(base, prepare=warm_up)
    assert versions.view.newest.version == 1
    assert "tf_serving_warmup_requests: request 1 fails" in versions.failures[2]
