"""What a signature answers serialized `tf.Example`s, and which of them it refuses."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import numpy as np

from aisle.serving.server.calls import Arrays, RequestError


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
