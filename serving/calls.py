"""What the parts of the embedded server hand each other: tensors by name, and a refused request."""

from __future__ import annotations

import grpc
import numpy as np

Arrays = dict[str, np.ndarray]
"""Tensors by name; strings are arrays of objects (bytes)."""


class RequestError(Exception):
    """A request that can't be answered, with the status code that says so."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def invalid(message: str) -> RequestError:
    """An INVALID_ARGUMENT."""
    return RequestError(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(message: str) -> RequestError:
    """A NOT_FOUND."""
    return RequestError(grpc.StatusCode.NOT_FOUND, message)
