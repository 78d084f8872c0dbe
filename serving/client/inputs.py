"""What callers give, as the contract's input tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from aisle.schema.errors import InputError

Tensors = Mapping[str, np.ndarray]
MAX_K = 2**31 - 1


def strings(name: str, values: Sequence[str]) -> np.ndarray:
    """Strings as an object array of UTF-8 `[n]`; raises InputError."""
    if isinstance(values, (str, bytes)):
        raise InputError(f"{name} is one string; expected a sequence of strings")
    encoded = np.empty(len(values), object)
    encoded[:] = [utf8(name, value) for value in values]
    return encoded


def utf8(name: str, value: Any) -> bytes:
    """The text's bytes; raises InputError."""
    if not isinstance(value, str):
        raise InputError(f"{name} holds {value!r}; expected text")
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise InputError(f"{name} holds {value!r}, which is not UTF-8 text") from None


def pictures(name: str, values: Sequence[bytes]) -> np.ndarray:
    """Files' bytes as an object array `[n]`; raises InputError."""
    encoded = np.empty(len(values), object)
    for place, value in enumerate(values):
        if not isinstance(value, bytes) or not value:
            held = "nothing" if isinstance(value, bytes) else f"a {type(value).__name__}"
            raise InputError(f"{name} holds {held}; expected the bytes of a JPEG or PNG")
        encoded[place] = value
    return encoded


def padded(name: str, rows: Sequence[Sequence[str]]) -> np.ndarray:
    """Rows of strings as an object array `[b, longest]`, "" behind the shorter ones; raises InputError."""
    encoded = [strings(name, row) for row in rows]
    filled = np.full((len(rows), max(map(len, encoded), default=0)), b"", object)
    for row, values in zip(filled, encoded, strict=True):
        row[: len(values)] = values
    return filled


def as_many(values: Any, others: Sequence[Any], name: str, other: str, empty: Any = "") -> Sequence[Any]:
    """`values`, or as many empty ones as there are `others`; raises InputError where their numbers differ."""
    if values is None:
        return [empty] * len(others)
    if len(values) != len(others):
        raise InputError(f"{len(values)} {name} came with {len(others)} {other}; expected as many")
    return list(values) if not isinstance(values, (str, bytes)) else values


def count(k: int) -> np.ndarray:
    """How many answers, int32 []; raises InputError."""
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 0 <= k <= MAX_K:
        raise InputError(f"k is {k!r}; expected a whole number from 0 to {MAX_K}")
    return np.array(k, np.int32)
