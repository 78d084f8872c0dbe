"""Classify and Regress: what signatures of these methods say of serialized `tf.Example`s, as TF Serving has it.

A signature allows the call that its `method_name` says. TensorFlow 2 writes `tensorflow/serving/predict` for all of
them, so that only a model whose signatures were made for these calls answers them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, regression_pb2

from aisle.schema.contract import SERVING_DEFAULT
from aisle.serving.calls import Arrays, RequestError, identify, invalid
from aisle.serving.loaded_model import LoadedModel
from aisle.serving.model_call import Run, call_signature
from aisle.serving.request_checks import choose
from aisle.serving.versions import View

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"
INPUTS = "inputs"
_CLASSES, _SCORES, _OUTPUTS = "classes", "scores", "outputs"


def classify(view: View, request: Any, run: Run = call_signature) -> Any:
    """Answers a ClassificationRequest; raises RequestError."""
    response = classification_pb2.ClassificationResponse()
    outputs, rows = _ask(view, request, run, CLASSIFY, (_CLASSES, _SCORES), response.model_spec)
    labels = _matrix(outputs, _CLASSES, object, rows)
    scores = _matrix(outputs, _SCORES, np.float32, rows)
    if labels is not None and scores is not None and labels.shape != scores.shape:
        raise invalid(f"classes have shape {labels.shape} and scores {scores.shape}; expected the same")
    columns = next(values.shape[1] for values in (labels, scores) if values is not None)
    for row in range(rows):
        told = response.result.classifications.add()
        for column in range(columns):
            found = told.classes.add()
            if labels is not None:
                found.label = labels[row, column]
            if scores is not None:
                found.score = scores[row, column]
    return response


def regress(view: View, request: Any, run: Run = call_signature) -> Any:
    """Answers a RegressionRequest; raises RequestError."""
    response = regression_pb2.RegressionResponse()
    outputs, rows = _ask(view, request, run, REGRESS, (_OUTPUTS,), response.model_spec)
    values = outputs[_OUTPUTS]
    if values.dtype != np.float32 or values.shape not in ((rows,), (rows, 1)):
        raise invalid(f"outputs are {values.dtype} {values.shape}; expected float32 of {rows} rows")
    for value in values.ravel():
        response.result.regressions.add(value=value)
    return response


def _ask(
    view: View, request: Any, run: Run, method: str, known: Sequence[str], spec: Any
) -> tuple[Arrays, int]:
    """The outputs for the request's examples, and how many these are; fills the response's model spec."""
    model = choose(request.model_spec, view)
    name = request.model_spec.signature_name or SERVING_DEFAULT.name
    _check_signature(model, name, method, known)
    examples = _examples(request.input)
    outputs = call_examples(lambda inputs: run(model, name, inputs), INPUTS, examples)
    identify(spec, model.version, name)
    return outputs, len(examples)


def _check_signature(model: LoadedModel, name: str, method: str, known: Sequence[str]) -> None:
    if name not in model.signature_defs:
        raise invalid(
            f"No signature was found with the name: {name}; version {model.version} has {sorted(model.signature_defs)}"
        )
    definition = model.signature_defs[name]
    if definition.method_name != method:
        raise invalid(
            f"Expected signature {name!r} to have the method_name {method}. Was: {definition.method_name}"
        )
    if set(definition.inputs) != {INPUTS} or not 0 < len(definition.outputs) <= len(known):
        raise invalid(f"signature {name!r} has other tensors than {method} takes: one input, {INPUTS!r}")
    if not set(definition.outputs) & set(known):
        raise RequestError(
            grpc.StatusCode.FAILED_PRECONDITION,
            f"signature {name!r} answers {sorted(definition.outputs)}; expected one of {list(known)}",
        )


def _examples(asked: Any) -> np.ndarray:
    """The request's examples, serialized, each behind the context that all of them share: bytes [n]."""
    if asked.WhichOneof("kind") == "example_list_with_context":
        given, context = asked.example_list_with_context, asked.example_list_with_context.context
    else:
        given, context = asked.example_list, None
    if not given.examples:
        raise invalid("Input is empty.")
    # One message behind the other is their merge: what the example itself says comes last, and holds.
    shared = context.SerializeToString() if context is not None else b""
    return np.array([shared + example.SerializeToString() for example in given.examples], object)


def call_examples(call: Callable[[Arrays], Arrays], key: str, examples: np.ndarray) -> Arrays:
    """What a signature answers serialized examples.

    Args:
        call: the signature.
        key: its one input.
        examples: bytes [n].

    Raises:
        RequestError: as `call` does; where the graph refused the examples, it names the first bad one.
    """
    try:
        return call({key: examples})
    except RequestError as error:
        if error.code is not grpc.StatusCode.INVALID_ARGUMENT or len(examples) < 2:
            raise
        refused = error
    bad = _first_bad(lambda some: call({key: some}), examples)
    try:
        call({key: examples[bad : bad + 1]})
    except RequestError as error:
        raise RequestError(error.code, f"example {bad} of {len(examples)}: {error}") from error
    raise refused


def _first_bad(call: Callable[[np.ndarray], object], examples: np.ndarray) -> int:
    """The place of the first example that is refused, by halves, where all of them together are."""
    low, high = 0, len(examples)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            call(examples[low:middle])
            low = middle
        except RequestError:
            high = middle
    return low


def _matrix(outputs: Mapping[str, np.ndarray], name: str, dtype: Any, rows: int) -> np.ndarray | None:
    """An output of a classification; None where there is none."""
    if name not in outputs:
        return None
    values = outputs[name]
    if values.dtype != dtype or values.ndim != 2 or len(values) != rows:
        raise invalid(
            f"{name} are {tf.dtypes.as_dtype(values.dtype).name} {values.shape}; expected {rows} rows of "
            f"{tf.dtypes.as_dtype(dtype).name}"
        )
    return values
