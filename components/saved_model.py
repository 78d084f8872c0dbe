"""A signature of a SavedModel that is loaded in this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from aisle.schema.contract import SIGNATURES, with_defaults


def call_signature(module: Any, name: str, inputs: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """What a signature answers.

    Args:
        module: the loaded SavedModel.
        name: of the signature.
        inputs: arrays or tensors; optional ones of the contract may be left out, as a server lets them be.
    """
    signature = module.signatures[name]
    declared = next(one for one in SIGNATURES if one.name == name)
    given = with_defaults(declared, inputs)
    specs = signature.structured_input_signature[1]
    found: dict[str, tf.Tensor] = signature(
        **{key: tf.convert_to_tensor(given[key], spec.dtype) for key, spec in specs.items()}
    )
    return found
