"""TF Serving's gRPC services, answered by the loaded versions."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from aisle.schema.contract import MODEL_NAME, SERVING_DEFAULT
from aisle.serving.server.batching import Batcher
from aisle.serving.server.calls import Arrays, RequestError, identify, invalid, not_found
from aisle.serving.server.examples import call_examples
from aisle.serving.server.loaded.versions import Versions, View
from aisle.serving.server.model_call import Run, call_signature, joining
from aisle.serving.server.request_checks import (
    check_answers,
    check_model,
    choose,
    read_inputs,
    wanted_outputs,
)

ObserveStage = Callable[[str, str, float], None]
"""Told of each stage of a prediction: the signature, the stage, seconds."""
READ, MODEL, WRITE = "read", "model", "write"
"""The stages: the request to tensors, the model itself, tensors to the answer."""
_SIGNATURE_DEF = "signature_def"
(_EXAMPLES,) = (tensor.name for tensor in SERVING_DEFAULT.inputs)


def predict(
    view: View, request: Any, observe: ObserveStage = lambda *_: None, run: Run = call_signature
) -> Any:
    """Answers a PredictRequest; raises RequestError."""
    started = time.perf_counter()
    model = choose(request.model_spec, view)
    name = request.model_spec.signature_name or SERVING_DEFAULT.name
    if name not in model.specs:
        raise RequestError(
            grpc.StatusCode.FAILED_PRECONDITION,
            f"unknown signature {name!r}; version {model.version} has {sorted(model.specs)}",
        )
    inputs = read_inputs(model.specs[name], request.inputs, model.defaults[name])
    check_answers(inputs)
    wanted = wanted_outputs(request.output_filter, model.signature_defs[name].outputs)
    read = time.perf_counter()
    outputs = _outputs(lambda some: run(model, name, some), name, inputs)
    answered = time.perf_counter()
    response = predict_pb2.PredictResponse()
    identify(response.model_spec, model.version, name)
    for output in wanted:
        _write(response.outputs[output], outputs[output])
    ends = ((READ, read - started), (MODEL, answered - read), (WRITE, time.perf_counter() - answered))
    for stage, seconds in ends:
        observe(name, stage, seconds)
    return response


def _write(proto: Any, array: np.ndarray) -> None:
    """Fills a TensorProto as `tf.make_tensor_proto` does, without the checks that it repeats for every answer."""
    if array.size <= 1:
        proto.CopyFrom(tf.make_tensor_proto(array))
        return
    proto.dtype = tf.dtypes.as_dtype(array.dtype).as_datatype_enum
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if array.dtype == object:
        proto.string_val.extend(array.reshape(-1).tolist())
    else:
        proto.tensor_content = array.tobytes()


def _outputs(call: Callable[[Arrays], Arrays], name: str, inputs: Arrays) -> Arrays:
    """The outputs for the inputs; of serialized examples, a bad one is named."""
    if name == SERVING_DEFAULT.name and list(inputs) == [_EXAMPLES]:
        return call_examples(call, _EXAMPLES, inputs[_EXAMPLES])
    return call(inputs)


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict and GetModelMetadata; the other calls, which no model of ours answers, are UNIMPLEMENTED."""

    def __init__(self, versions: Versions, observe: ObserveStage, batcher: Batcher | None = None) -> None:
        """Answers by `versions`, each request alone where there is no `batcher`."""
        self._versions = versions
        self._observe = observe
        self._batcher = batcher

    def _caller(self, context: grpc.ServicerContext) -> Run:
        """How signatures are called for a request."""
        if self._batcher is None:
            return call_signature
        left = context.time_remaining()
        return joining(self._batcher, math.inf if left is None else time.monotonic() + left)

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        """See `prediction_service.proto`."""
        try:
            return predict(self._versions.view, request, self._observe, self._caller(context))
        except RequestError as error:
            context.abort(error.code, str(error))

    def GetModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        """See `prediction_service.proto`; the one field is `signature_def`."""
        try:
            _check_fields(request.metadata_field)
            model = choose(request.model_spec, self._versions.view)
        except RequestError as error:
            context.abort(error.code, str(error))
        definitions = get_model_metadata_pb2.SignatureDefMap()
        for name, definition in model.signature_defs.items():
            definitions.signature_def[name].CopyFrom(definition)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        identify(response.model_spec, model.version)
        response.metadata[_SIGNATURE_DEF].Pack(definitions)
        return response


def _check_fields(fields: Sequence[str]) -> None:
    """Raises RequestError where metadata are asked for that there are not, as TF Serving does before it looks on."""
    if not fields or set(fields) != {_SIGNATURE_DEF}:
        raise invalid(f"metadata_field is {list(fields)}; expected ['{_SIGNATURE_DEF}']")


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus: the loaded versions, the newest first, and those that could not be."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions

    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:
        """See `model_service.proto`; as TF Serving's, it tells one version by its number and knows no labels."""
        loaded, failures = set(self._versions.view.by_version), self._versions.failures
        try:
            if not request.HasField("model_spec"):
                raise invalid("Missing ModelSpec")
            if not request.model_spec.name:
                raise not_found(f"no model is named; this server has {MODEL_NAME!r}")
            check_model(request.model_spec)
            told = {*loaded, *failures}
            if request.model_spec.HasField("version"):
                told &= {request.model_spec.version.value}
            if not told:
                raise not_found(f"no version {request.model_spec.version.value}; loaded are {sorted(loaded)}")
        except RequestError as error:
            context.abort(error.code, str(error))
        states = get_model_status_pb2.ModelVersionStatus
        response = get_model_status_pb2.GetModelStatusResponse()
        for version in sorted(told, key=lambda version: (version in loaded, version), reverse=True):
            if version in loaded:
                response.model_version_status.add(version=version, state=states.AVAILABLE)
                continue
            status = response.model_version_status.add(version=version, state=states.END)
            status.status.error_code = grpc.StatusCode.UNKNOWN.value[0]
            status.status.error_message = failures[version]
        return response
