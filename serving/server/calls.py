"""What the parts of the embedded server hand each other: tensors by name, and a refused request."""

from __future__ import annotations

from typing import Any

import grpc
import numpy as np

from aisle.schema.contract import MODEL_NAME

Arrays = dict[str, np.ndarray]
"""Tensors by name; strings are arrays of objects (bytes)."""


MOST_CHARACTERS = 600
"""Of an error's message, which may quote the request: gRPC sends no more than some 8 KiB of it, and fails then."""


class RequestError(Exception):
    """A request that can't be answered, with the status code that says so."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        cut = len(message) - MOST_CHARACTERS
        super().__init__(message if cut <= 0 else f"{message[:MOST_CHARACTERS]}… ({cut} more)")
        self.code = code


def identify(spec: Any, version: int, signature: str = "") -> None:
    """Says in a response's `ModelSpec` what answered."""
    spec.name, spec.signature_name = MODEL_NAME, signature
    spec.version.value = version


def invalid(message: str) -> RequestError:
    """An INVALID_ARGUMENT."""
    return RequestError(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(message: str) -> RequestError:
    """A NOT_FOUND."""
    return RequestError(grpc.StatusCode.NOT_FOUND, message)
