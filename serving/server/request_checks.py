"""What a request means and whether it may be asked, with the status codes of TF Serving."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from aisle.schema.contract import MODEL_NAME
from aisle.serving.server.calls import Arrays, invalid, not_found
from aisle.serving.server.loaded.loaded_model import LoadedModel, fits
from aisle.serving.server.loaded.versions import View

MAX_ELEMENTS = 1 << 20
"""Of one input, and of a list of answers: a few bytes may name a huge shape, or a huge k, which fill the memory."""


def choose(spec: Any, view: View) -> LoadedModel:
    """The loaded version that a `ModelSpec` means: by its number, its label, or the newest.

    Raises:
        RequestError: NOT_FOUND, where another model or a version that is not loaded is meant; INVALID_ARGUMENT, as
            TF Serving has it, where no model is named or nothing has the label.
    """
    check_model(spec)
    choice = spec.WhichOneof("version_choice")
    if choice == "version_label":
        if spec.version_label not in view.by_label:
            known = f"known are {sorted(view.by_label)}" if view.by_label else "no version has a label"
            raise invalid(f"Unrecognized servable version label: {spec.version_label}; {known}")
        return view.by_label[spec.version_label]
    if choice == "version":
        if spec.version.value not in view.by_version:
            raise not_found(
                f"version {spec.version.value} is not loaded; loaded are {sorted(view.by_version)}"
            )
        return view.by_version[spec.version.value]
    return view.newest


def check_model(spec: Any) -> None:
    """Raises RequestError where a `ModelSpec` names no model (INVALID_ARGUMENT) or another one (NOT_FOUND)."""
    if not spec.name:
        raise invalid(f"ModelSpec has no name specified; this server has {MODEL_NAME!r}")
    if spec.name != MODEL_NAME:
        raise not_found(f"unknown model {spec.name!r}; this server has {MODEL_NAME!r}")


def read_inputs(
    specs: Mapping[str, tf.TensorSpec], protos: Mapping[str, Any], optional: Collection[str] = ()
) -> Arrays:
    """The request's tensors, checked against the signature's specs.

    Args:
        specs: of all its inputs.
        protos: what came.
        optional: inputs that may be absent.

    Raises:
        RequestError: INVALID_ARGUMENT, naming the input and what was expected of it.
    """
    for name in sorted(set(specs) - set(protos) - set(optional)):
        raise invalid(f"input {name!r} is missing; expected {sorted(specs)}")
    for name in sorted(set(protos) - set(specs)):
        raise invalid(f"input {name!r} is not of this signature; expected {sorted(specs)}")
    return {name: _read(name, spec, protos[name]) for name, spec in specs.items() if name in protos}


def _read(name: str, spec: tf.TensorSpec, proto: Any) -> np.ndarray:
    if proto.dtype != spec.dtype.as_datatype_enum:
        raise invalid(f"input {name!r} has dtype {_dtype_name(proto.dtype)}; expected {spec.dtype.name}")
    shape = [dimension.size for dimension in proto.tensor_shape.dim]
    if spec.shape.rank is not None and len(shape) != spec.shape.rank:
        raise invalid(f"input {name!r} has rank {len(shape)}, shape {shape}; expected rank {spec.shape.rank}")
    if proto.tensor_shape.unknown_rank or min(shape, default=0) < 0 or not fits(shape, spec):
        raise invalid(f"input {name!r} has shape {shape}; expected {spec.shape}")
    if math.prod(shape) > MAX_ELEMENTS:
        raise invalid(f"input {name!r} has {math.prod(shape)} elements; at most {MAX_ELEMENTS} are read")
    try:
        return np.asarray(tf.make_ndarray(proto)).reshape(shape)
    except (TypeError, ValueError) as error:
        raise invalid(f"input {name!r} can't be read as {shape}: {str(error).splitlines()[0]}") from error


def check_answers(inputs: Arrays) -> None:
    """Raises RequestError where more answers are asked for, k a row, than may fill the memory."""
    k = inputs.get("k")
    rows = max((len(value) for value in inputs.values() if value.ndim), default=0)
    if k is not None and k.ndim == 0 and rows * int(k) > MAX_ELEMENTS:
        raise invalid(f"k is {k} for each of {rows} rows; at most {MAX_ELEMENTS} items are answered")


def _dtype_name(number: int) -> str:
    try:
        return str(tf.dtypes.as_dtype(number).name)
    except TypeError:
        return f"number {number}"


def wanted_outputs(asked: Sequence[str], outputs: Collection[str]) -> list[str]:
    """The outputs that an `output_filter` asks for; all where it is empty.

    Raises:
        RequestError: INVALID_ARGUMENT, where one is not the signature's or is asked for twice.
    """
    for i, name in enumerate(asked):
        if name not in outputs:
            raise invalid(f"output {name!r} is not of this signature; it has {sorted(outputs)}")
        if name in asked[:i]:
            raise invalid(f"output {name!r} is asked for twice in output_filter")
    return list(asked) or list(outputs)
