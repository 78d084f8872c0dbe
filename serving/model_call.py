"""One call of a signature: arrays in, arrays out, and a graph's error as a status code."""

from __future__ import annotations

import grpc
import tensorflow as tf

from aisle.serving.calls import Arrays, RequestError, invalid
from aisle.serving.versions import LoadedModel


def call_signature(model: LoadedModel, name: str, inputs: Arrays) -> Arrays:
    """What a signature of a loaded version answers.

    Args:
        model: has the signature.
        name: the signature's.
        inputs: as its specs have it.

    Raises:
        RequestError: INVALID_ARGUMENT, where the graph refuses the inputs; else INTERNAL.
    """
    signature = model.signature(name)
    specs = signature.structured_input_signature[1]
    tensors = {key: tf.constant(value, specs[key].dtype, value.shape) for key, value in inputs.items()}
    try:
        return {output: value.numpy() for output, value in signature(**tensors).items()}
    except tf.errors.InvalidArgumentError as error:
        raise invalid(f"signature {name!r}: {_reason(error)}") from error
    except tf.errors.OpError as error:
        message = f"signature {name!r}: {_reason(error)}"
        raise RequestError(grpc.StatusCode.INTERNAL, message) from error


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
