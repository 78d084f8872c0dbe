"""TF Serving as the canary's server: a binary that is started, or a server that is told what to load."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
from absl import logging
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
)
from tfx.dsl.io import fileio
from tfx.utils import io_utils

from aisle.components.canary import process as processes
from aisle.components.canary.failure import CanaryFailure
from aisle.components.canary.options import check_tf_serving
from aisle.components.canary.served import Served
from aisle.components.storage import is_remote
from aisle.schema.contract import MODEL_NAME
from aisle.schema.errors import AisleError, InputError

CANARY_NAME = "aisle-canary"
"""The candidate's model name in a server that runs already."""
_POLL_SECONDS = 0.2
_CALL_SECONDS = 60.0
_CHANNEL = [("grpc.initial_reconnect_backoff_ms", 200), ("grpc.max_reconnect_backoff_ms", 1000)]
"""A server that starts is not asked once in two minutes, as gRPC would."""
_NOT_LOADED = (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL)
"""What a reload answers where the model is at fault: UNKNOWN, "servable(s) did not become available"."""
_STATES = get_model_status_pb2.ModelVersionStatus


@contextlib.contextmanager
def started(binary: str, model_path: str, folder: pathlib.Path) -> Iterator[Served]:
    """Runs `tensorflow_model_server` on the model, as version 1, on a free port.

    Args:
        binary: its path, or its name on the PATH.
        model_path: the SavedModel's folder.
        folder: an empty one, for the version folder and the server's log.

    Raises:
        InputError: it can't be run.
        CanaryFailure: it ended, or did not serve the model in time; the end of its log is told.
    """
    check_tf_serving(binary)
    address = f"127.0.0.1:{(port := _free_port())}"
    log = folder / "server.log"
    command = [
        # Absolute, since the process starts in a folder of its own.
        os.path.abspath(shutil.which(binary) or binary),
        f"--port={port}",
        "--rest_api_port=0",
        f"--model_name={MODEL_NAME}",
        f"--model_base_path={processes.lay_out(model_path, folder)}",
        "--enable_model_warmup=true",
        # By default what does not load is tried six times, a minute apart.
        "--max_num_load_retries=0",
    ]
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, text=True, cwd=folder)
    except OSError as error:
        raise InputError(f"infra.tf_serving={binary!r} can't be run: {error.strerror}") from error
    answering = False
    try:
        with grpc.insecure_channel(address, _CHANNEL) as channel:
            served = Served(address)
            _wait_until_available(model_service_pb2_grpc.ModelServiceStub(channel), served, process.poll)
        answering = True
        yield served
    except CanaryFailure as failure:
        if answering and process.poll() is None:
            raise
        raise CanaryFailure(f"{failure}; the end of its log: {processes.log_tail(log)}") from failure
    finally:
        processes.end(process)


@contextlib.contextmanager
def borrowed(address: str, model_path: str, folder: str) -> Iterator[Served]:
    """Has a TF Serving that is set aside for canaries load the model, and unload it at the end.

    The protocol gives no way to read a server's configuration, only to replace it: whatever else is served there
    is unloaded. One that serves `aisle` is therefore refused.

    Args:
        address: HOST:PORT.
        model_path: the SavedModel's folder.
        folder: below which a copy is made, which the server reads by the same path.

    Raises:
        InputError: the server is not one to load a candidate into.
        AisleError: it can't be reached, or did not find or load the model in time.
        CanaryFailure: the model does not load there.
    """
    # A number of its own: TF Serving knows a loaded model by name and version, not by its folder.
    served = Served(address, CANARY_NAME, time.time_ns())
    base = os.path.join(folder if is_remote(folder) else os.path.abspath(folder), CANARY_NAME)
    with grpc.insecure_channel(address, _CHANNEL) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        _refuse_one_in_service(stub, address)
        try:
            io_utils.copy_dir(model_path, os.path.join(base, str(served.version)))
            _load(stub, served, base)
            yield served
        finally:
            _unload(stub, address)
            if fileio.exists(base):
                fileio.rmtree(base)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_until_available(stub: Any, served: Served, exit_code: Callable[[], int | None]) -> None:
    """Asks for the version's state until it is AVAILABLE; raises CanaryFailure where it won't be."""
    deadline = time.monotonic() + processes.START_SECONDS
    while time.monotonic() < deadline:
        for status in _statuses(stub, served):
            if status.state == _STATES.AVAILABLE:
                return
            if status.state == _STATES.END:
                raise CanaryFailure(f"TF Serving could not load the model: {status.status.error_message}")
        if exit_code() is not None:
            raise CanaryFailure(f"TF Serving ended with exit code {exit_code()} and served no model")
        time.sleep(_POLL_SECONDS)
    raise CanaryFailure(f"TF Serving did not serve the model within {processes.START_SECONDS:.0f} s")


def _statuses(stub: Any, served: Served) -> list[Any]:
    """The states of the version; none while the server does not answer or does not know it."""
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name, request.model_spec.version.value = served.name, served.version
    try:
        return list(stub.GetModelStatus(request, timeout=_CALL_SECONDS).model_version_status)
    except grpc.RpcError:
        return []


def _refuse_one_in_service(stub: Any, address: str) -> None:
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = MODEL_NAME
    try:
        statuses = stub.GetModelStatus(request, timeout=_CALL_SECONDS).model_version_status
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.NOT_FOUND:
            return
        raise AisleError(
            f"infra.tf_serving={address}: no TF Serving answers there ({error.code().name}: {error.details()}); "
            "start it, and run again"
        ) from error
    if any(status.state != _STATES.END for status in statuses):
        raise InputError(
            f"infra.tf_serving={address} serves {MODEL_NAME}, which a canary would unload; "
            "name a TF Serving that is set aside for canaries"
        )


def _load(stub: Any, served: Served, base: str) -> None:
    request = model_management_pb2.ReloadConfigRequest()
    request.config.model_config_list.config.add(name=served.name, base_path=base, model_platform="tensorflow")
    try:
        stub.HandleReloadConfigRequest(request, timeout=processes.START_SECONDS)
    except grpc.RpcError as error:
        told = f"{error.code().name}: {error.details()}"
        if error.code() in _NOT_LOADED:
            raise CanaryFailure(f"TF Serving at {served.address} could not load the model: {told}") from error
        raise AisleError(
            f"infra.tf_serving={served.address} did not load the candidate ({told}); "
            f"it must read {base} by the same path, and take a new configuration"
        ) from error
    _wait_until_available(stub, served, lambda: None)


def _unload(stub: Any, address: str) -> None:
    """Leaves the server an empty configuration; what can't be told it is logged, for the answer is known."""
    request = model_management_pb2.ReloadConfigRequest()
    request.config.model_config_list.SetInParent()
    try:
        stub.HandleReloadConfigRequest(request, timeout=_CALL_SECONDS)
    except grpc.RpcError as error:
        logging.error("%s still serves %s: %s", address, CANARY_NAME, error.details())
