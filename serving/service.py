"""TF Serving's gRPC services, answered by the loaded versions."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from aisle.schema.contract import MODEL_NAME, SERVING_DEFAULT
from aisle.serving.versions import LoadedModel, Versions, View

MAX_ELEMENTS = 1 << 20
"""Of one input. A TensorProto may name a huge shape and hold one value, which would fill the memory."""


ObserveStage = Callable[[str, str, float], None]
"""Told of each stage of a prediction: the signature, the stage, seconds."""
READ, MODEL, WRITE = "read", "model", "write"
"""The stages: the request to tensors, the model itself, tensors to the answer."""


class RequestError(Exception):
    """A request that can't be answered, with the status code that says so."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def _invalid(message: str) -> RequestError:
    return RequestError(grpc.StatusCode.INVALID_ARGUMENT, message)


def choose(spec: Any, view: View) -> LoadedModel:
    """The loaded version that a `ModelSpec` means: by its number, its label, or the newest.

    Raises:
        RequestError: NOT_FOUND, where another model or a version that is not loaded is meant; INVALID_ARGUMENT, as
            TF Serving has it, where nothing has the label.
    """
    if spec.name != MODEL_NAME:
        raise _not_found(f"unknown model {spec.name!r}; this server has {MODEL_NAME!r}")
    choice = spec.WhichOneof("version_choice")
    if choice == "version_label":
        if spec.version_label not in view.by_label:
            known = f"known are {sorted(view.by_label)}" if view.by_label else "no version has a label"
            raise _invalid(f"Unrecognized servable version label: {spec.version_label}; {known}")
        return view.by_label[spec.version_label]
    if choice == "version":
        if spec.version.value not in view.by_version:
            raise _not_found(
                f"version {spec.version.value} is not loaded; loaded are {sorted(view.by_version)}"
            )
        return view.by_version[spec.version.value]
    return view.newest


def _not_found(message: str) -> RequestError:
    return RequestError(grpc.StatusCode.NOT_FOUND, message)


def read_inputs(specs: Mapping[str, tf.TensorSpec], protos: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """The request's tensors, checked against the signature's specs.

    Raises:
        RequestError: INVALID_ARGUMENT, naming the input and what was expected of it.
    """
    for name in sorted(set(specs) - set(protos)):
        raise _invalid(f"input {name!r} is missing; expected {sorted(specs)}")
    for name in sorted(set(protos) - set(specs)):
        raise _invalid(f"input {name!r} is not of this signature; expected {sorted(specs)}")
    return {name: _read(name, specs[name], protos[name]) for name in specs}


def _read(name: str, spec: tf.TensorSpec, proto: Any) -> tf.Tensor:
    if proto.dtype != spec.dtype.as_datatype_enum:
        raise _invalid(f"input {name!r} has dtype {_dtype_name(proto.dtype)}; expected {spec.dtype.name}")
    shape = [dimension.size for dimension in proto.tensor_shape.dim]
    if spec.shape.rank is not None and len(shape) != spec.shape.rank:
        raise _invalid(
            f"input {name!r} has rank {len(shape)}, shape {shape}; expected rank {spec.shape.rank}"
        )
    if (
        proto.tensor_shape.unknown_rank
        or min(shape, default=0) < 0
        or not spec.shape.is_compatible_with(shape)
    ):
        raise _invalid(f"input {name!r} has shape {shape}; expected {spec.shape}")
    if math.prod(shape) > MAX_ELEMENTS:
        raise _invalid(f"input {name!r} has {math.prod(shape)} elements; at most {MAX_ELEMENTS} are read")
    try:
        return tf.constant(tf.make_ndarray(proto), spec.dtype, shape)
    except (TypeError, ValueError) as error:
        raise _invalid(f"input {name!r} can't be read as {shape}: {str(error).splitlines()[0]}") from error


def _dtype_name(number: int) -> str:
    try:
        return tf.dtypes.as_dtype(number).name
    except TypeError:
        return f"number {number}"


def _reason(error: tf.errors.OpError) -> str:
    """The line of a graph's error that tells what was wrong, among those that tell where."""
    lines = [line.strip() for line in str(error.message).splitlines() if line.strip()]
    node = next((i for i, line in enumerate(lines) if "[[{{node" in line), len(lines))
    if node < len(lines) and (before := lines[node].split("[[{{node")[0].strip()):
        return before
    told = [
        line
        for line in lines[:node]
        if not line.startswith(("Graph execution", "Detected at", "File ", "<stack"))
    ]
    return " ".join(told) or "failed"


def predict(view: View, request: Any, observe: ObserveStage = lambda *_: None) -> Any:
    """Answers a PredictRequest; raises RequestError."""
    started = time.perf_counter()
    model = choose(request.model_spec, view)
    name = request.model_spec.signature_name or SERVING_DEFAULT.name
    try:
        signature = model.signature(name)
    except KeyError:
        known = sorted(model.signature_defs)
        raise RequestError(
            grpc.StatusCode.FAILED_PRECONDITION,
            f"unknown signature {name!r}; version {model.version} has {known}",
        ) from None
    inputs = read_inputs(signature.structured_input_signature[1], request.inputs)
    read = time.perf_counter()
    try:
        outputs = {output: value.numpy() for output, value in signature(**inputs).items()}
    except tf.errors.InvalidArgumentError as error:
        raise _invalid(f"signature {name!r}: {_reason(error)}") from error
    except tf.errors.OpError as error:
        message = f"signature {name!r}: {_reason(error)}"
        raise RequestError(grpc.StatusCode.INTERNAL, message) from error
    answered = time.perf_counter()
    wanted = list(request.output_filter) or list(outputs)
    for output in wanted:
        if output not in outputs:
            raise _invalid(f"output {output!r} is not of signature {name!r}; it has {sorted(outputs)}")
    response = predict_pb2.PredictResponse()
    _identify(response.model_spec, model.version, name)
    for output in wanted:
        response.outputs[output].CopyFrom(tf.make_tensor_proto(outputs[output]))
    ends = ((READ, read - started), (MODEL, answered - read), (WRITE, time.perf_counter() - answered))
    for stage, seconds in ends:
        observe(name, stage, seconds)
    return response


def _identify(spec: Any, version: int, signature: str = "") -> None:
    spec.name, spec.signature_name = MODEL_NAME, signature
    spec.version.value = version


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict and GetModelMetadata; the other calls of TF Serving answer UNIMPLEMENTED."""

    def __init__(self, versions: Versions, observe: ObserveStage) -> None:
        self._versions = versions
        self._observe = observe

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        """See `prediction_service.proto`."""
        try:
            return predict(self._versions.view, request, self._observe)
        except RequestError as error:
            context.abort(error.code, str(error))

    def GetModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        """See `prediction_service.proto`; the one field is `signature_def`."""
        try:
            model = choose(request.model_spec, self._versions.view)
            if list(request.metadata_field) != ["signature_def"]:
                raise _invalid(
                    f"metadata_field is {list(request.metadata_field)}; expected ['signature_def']"
                )
        except RequestError as error:
            context.abort(error.code, str(error))
        definitions = get_model_metadata_pb2.SignatureDefMap()
        for name, definition in model.signature_defs.items():
            definitions.signature_def[name].CopyFrom(definition)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        _identify(response.model_spec, model.version)
        response.metadata["signature_def"].Pack(definitions)
        return response


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus: the loaded versions, the newest first, and those that could not be."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions

    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:
        """See `model_service.proto`."""
        view = self._versions.view
        try:
            meant = choose(request.model_spec, view)
        except RequestError as error:
            context.abort(error.code, str(error))
        every = request.model_spec.WhichOneof("version_choice") is None
        states = get_model_status_pb2.ModelVersionStatus
        response = get_model_status_pb2.GetModelStatusResponse()
        for version in sorted(view.by_version, reverse=True) if every else [meant.version]:
            response.model_version_status.add(version=version, state=states.AVAILABLE)
        if every:
            for failed, reason in sorted(self._versions.failures.items(), reverse=True):
                status = response.model_version_status.add(version=failed, state=states.END)
                status.status.error_code = grpc.StatusCode.UNKNOWN.value[0]
                status.status.error_message = reason
        return response
