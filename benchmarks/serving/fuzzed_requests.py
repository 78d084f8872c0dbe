"""Requests that nobody should send: random tensors, wrong names, huge shapes, broken bytes. Without TensorFlow."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from aisle.schema.contract import MODEL_NAME, SIGNATURES
from aisle.serving.wire import messages_pb2 as messages

_PREDICTION, _MODEL = "/tensorflow.serving.PredictionService/", "/tensorflow.serving.ModelService/"
_NAMES = [signature.name for signature in SIGNATURES]
_SIZES = (-1, 0, 1, 2, 3, 7, 1 << 10, 1 << 20, 1 << 31, 1 << 40, (1 << 63) - 1)
_NUMBERS = (0, 1, 3, -1, 127, 1 << 14, (1 << 31) - 1, -(1 << 31))
_TEXTS = (b"", b"shirt", b"a", b"\xff\xfe", b"\x00", "é✓مرحبا".encode(), b"x" * 5000, b"%s" * 20, b"../..")
_DTYPES = {"bytes": 7, "int32": 3, "bool": 10, "float32": 1, "float64": 2}
"""Numbers of TensorFlow's DataType."""
_LAST_DTYPE = 135
"""Numbers up to it are tried: references to tensors (101 and up), and ones that no dtype has."""


def fuzzed(seed: str) -> tuple[str, bytes]:
    """A request: the method's full name and the message's bytes. The same for the same seed."""
    draw = random.Random(seed)
    (method,) = draw.choices(list(_MAKERS), weights=_WEIGHTS)
    payload = _MAKERS[method](draw)
    return method, _mutated(draw, payload) if draw.random() < 0.5 else payload


def _mutated(draw: random.Random, payload: bytes) -> bytes:
    """The bytes with some of them flipped, cut off, inserted or said twice; or others altogether."""
    kind, found = draw.randrange(5), bytearray(payload)
    if kind == 0:
        for _ in range(draw.randint(1, 8)):
            if found:
                found[draw.randrange(len(found))] ^= 1 << draw.randrange(8)
    elif kind == 1:
        del found[draw.randrange(len(found) + 1) :]
    elif kind == 2:
        place = draw.randrange(len(found) + 1)
        found[place:place] = draw.randbytes(draw.randint(1, 16))
    elif kind == 3:
        place = draw.randrange(len(found) + 1)
        found += found[place:]
    else:
        found = bytearray(draw.randbytes(draw.randint(0, 200)))
    return bytes(found)


def _spec(draw: random.Random, *signatures: str) -> Any:
    """A ModelSpec, mostly of a version that there is."""
    spec = messages.ModelSpec(
        name=MODEL_NAME if draw.random() < 0.9 else draw.choice(("", "other", "\u202e"))
    )
    spec.signature_name = (
        draw.choice(signatures) if draw.random() < 0.9 else draw.choice(("", "find", "s" * 99_999))
    )
    choice = draw.random()
    if choice < 0.1:
        spec.version.value = draw.choice((9, 10, 0, -1, (1 << 63) - 1))
    elif choice < 0.2:
        spec.version_label = draw.choice(("stable", "", "canary", "é" * 99_999))
    return spec


def _predict(draw: random.Random) -> bytes:
    spec = _spec(draw, *_NAMES)
    signature = next((one for one in SIGNATURES if one.name == spec.signature_name), SIGNATURES[1])
    request = messages.PredictRequest(model_spec=spec)
    rows, wrong = draw.choice((0, 1, 1, 2, 5)), draw.random() < 0.5
    for tensor in signature.inputs:
        if wrong and draw.random() < 0.1:
            continue
        proto = request.inputs[tensor.name]
        if wrong and draw.random() < 0.4:
            _fill_at_random(draw, proto)
        else:
            shape = [rows if letter in "bn" else 3 for letter in tensor.shape.split(",") if letter]
            _fill(draw, proto, tensor.dtype, shape)
    if wrong and draw.random() < 0.1:
        _fill_at_random(draw, request.inputs[draw.choice(("colour", "", "k"))])
    if draw.random() < 0.1:
        request.output_filter.extend(draw.choices(("scores", "item_ids", "colour", ""), k=draw.randint(1, 3)))
    return request.SerializeToString(deterministic=True)


def _fill(draw: random.Random, proto: Any, dtype: str, shape: list[int]) -> None:
    """A tensor as it should be, of any values."""
    proto.dtype = _DTYPES[dtype]
    count = 1
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
        count *= size
    if dtype == "bytes":
        proto.string_val.extend(draw.choices(_TEXTS, k=count))
    elif dtype == "int32":
        proto.int_val.extend(draw.choices((*_NUMBERS, 2, 5, 10), k=count))
    elif dtype == "bool":
        proto.bool_val.extend(draw.choices((False, True), k=count))
    elif dtype == "float64":
        proto.double_val.extend(draw.choices((0.0, -1.0, 1.7e9, float("nan"), float("inf")), k=count))
    else:
        proto.float_val.extend(draw.choices((0.0, -1.0, 1e38, float("nan"), float("inf")), k=count))


def _fill_at_random(draw: random.Random, proto: Any) -> None:
    """A tensor of any dtype and shape, with values of any kinds."""
    known = draw.random() < 0.7
    proto.dtype = draw.choice(list(_DTYPES.values())) if known else draw.randint(0, _LAST_DTYPE)
    for _ in range(draw.choice((0, 1, 1, 2, 3, 300))):
        proto.tensor_shape.dim.add(size=draw.choice(_SIZES))
    proto.tensor_shape.unknown_rank = draw.random() < 0.05
    if draw.random() < 0.5:
        proto.string_val.extend(draw.choices(_TEXTS, k=draw.randint(0, 3)))
    if draw.random() < 0.3:
        proto.int_val.extend(draw.choices(_NUMBERS, k=draw.randint(1, 3)))
    if draw.random() < 0.2:
        proto.tensor_content = draw.randbytes(draw.choice((0, 1, 4, 8, 64)))


def _field(number: int, payload: bytes) -> bytes:
    """A message's field of bytes, as protobuf writes it."""
    size, length = len(payload), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + payload


def _metadata(draw: random.Random) -> bytes:
    fields = draw.choices((b"signature_def", b"colour", b""), weights=(8, 1, 1), k=draw.choice((0, 1, 1, 2)))
    return _field(1, _spec(draw, *_NAMES).SerializeToString()) + b"".join(
        _field(2, field) for field in fields
    )


def _status(draw: random.Random) -> bytes:
    spec = _spec(draw, "search") if draw.random() < 0.9 else None
    return messages.GetModelStatusRequest(model_spec=spec).SerializeToString()


_MAKERS: dict[str, Callable[[random.Random], bytes]] = {
    f"{_PREDICTION}Predict": _predict,
    f"{_PREDICTION}GetModelMetadata": _metadata,
    f"{_MODEL}GetModelStatus": _status,
}
_WEIGHTS = (6, 1, 1)
