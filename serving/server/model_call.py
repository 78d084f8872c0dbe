"""One call of a signature: arrays in, arrays out, and a graph's error as a status code."""

from __future__ import annotations

import functools
from collections.abc import Callable

import grpc
import tensorflow as tf

from aisle.serving.server.batching import JOINED, Batcher
from aisle.serving.server.calls import Arrays, RequestError, invalid
from aisle.serving.server.loaded.loaded_model import LoadedModel

Run = Callable[[LoadedModel, str, Arrays], Arrays]
"""Calls a signature, by its name, of a loaded version: `call_signature`, or `joining` with others."""


def call_signature(model: LoadedModel, name: str, inputs: Arrays, aside: bool = False) -> Arrays:
    """What a signature of a loaded version answers.

    Args:
        model: has the signature.
        name: the signature's.
        inputs: as its specs have it.
        aside: see `LoadedModel.run`.

    Raises:
        RequestError: INVALID_ARGUMENT, where the graph refuses the inputs; else INTERNAL.
    """
    try:
        return model.run(name, inputs, aside)
    except tf.errors.InvalidArgumentError as error:
        raise invalid(f"signature {name!r}: {_reason(error.message)}") from error
    except UnicodeDecodeError as error:
        # What a graph refuses it may quote, and TensorFlow can't raise an error of bytes that are no text.
        refused = error.object.decode("utf-8", "backslashreplace")
        raise invalid(f"signature {name!r}: {_reason(refused)}") from error
    except tf.errors.OpError as error:
        message = f"signature {name!r}: {_reason(error.message)}"
        raise RequestError(grpc.StatusCode.INTERNAL, message) from error


def joining(batcher: Batcher, deadline: float) -> Run:
    """Calls signatures together with requests that wait beside; `deadline` by `time.monotonic`."""

    def run(model: LoadedModel, name: str, inputs: Arrays) -> Arrays:
        call = functools.partial(call_signature, model, name)
        return batcher.run(call, model, name, inputs, JOINED.get(name, frozenset()), deadline)

    return run


def _reason(message: str) -> str:
    """The line of a graph's error that tells what was wrong, among those that tell where."""
    lines = [line.strip() for line in str(message).splitlines() if line.strip()]
    node = next((i for i, line in enumerate(lines) if "[[{{node" in line), len(lines))
    if node < len(lines) and (before := lines[node].split("[[{{node")[0].strip()):
        return before
    told = [
        line
        for line in lines[:node]
        if not line.startswith(("Graph execution", "Detected at", "File ", "<stack"))
    ]
    return " ".join(told) or "failed"
