"""What a BERT folder must hold, looked at without loading it: never a pickle, never TensorFlow."""

from __future__ import annotations

import json
import math
import os
import pathlib
from typing import Any

from aisle.schema.bert.reading import read_reading
from aisle.schema.bert.sentence_piece_model import FORMS, read_sentence_pieces
from aisle.schema.bert.weights import CONFIG, WEIGHTS, WORD_PIECES, lacking, vocabulary_file
from aisle.schema.errors import InputError

_NEEDS = (
    f"a checkpoint needs {WEIGHTS}, {CONFIG}, and {WORD_PIECES} or one of SentencePiece's {', '.join(FORMS)}"
)

_REFUSED = ("pytorch_model.bin", "*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "*.ckpt", "*.h5")
_MEND = "save the model again by save_pretrained(FOLDER, safe_serialization=True)"
_STARTS = {
    b"\x80": "a Python pickle, which is never loaded",
    b"PK\x03\x04": "a zip archive of pickles as PyTorch writes it, which is never loaded",
    b"\x89HDF": "an HDF5 file",
    b"version https://git-lfs": "a Git LFS pointer: fetch the file itself",
}
_BYTES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2}
_SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")


def check_bert(folder: str) -> None:
    """Checks that a folder holds a BERT whose files agree; reads the weights' header alone.

    Raises:
        InputError: a file is missing, is not what its name says, or doesn't fit the others.
    """
    place = pathlib.Path(folder)
    if missing := lacking(place):
        raise InputError(f"the BERT folder {folder} lacks {', '.join(missing)}{_pickles(place, missing)}")
    config = _config(place / CONFIG)
    shapes = _shapes(place / WEIGHTS)
    for name, shape in shapes.items():
        # Transformers reshapes what has as many numbers, and so would garble a transposed matrix.
        expected = _expected(name, config)
        if expected not in (None, shape):
            raise InputError(
                f"{place / WEIGHTS} holds {name} of shape {shape}, but by {CONFIG} it is {expected}: "
                "the files are of different models"
            )
    vocabulary = vocabulary_file(place)
    if vocabulary == WORD_PIECES:
        pieces = sum(1 for piece in _vocabulary(place / vocabulary).split("\n") if piece.strip("\r"))
    else:
        pieces = len(read_sentence_pieces(folder).pieces)
    if not 0 < pieces <= config["vocab_size"]:
        raise InputError(
            f"{place / vocabulary} holds {pieces} word pieces, but {CONFIG} says {config['vocab_size']}: "
            "the files are of different models"
        )
    read_reading(folder)


def _pickles(place: pathlib.Path, missing: list[str]) -> str:
    """What the message adds where weights are there, but of a kind that is not loaded."""
    if WEIGHTS not in missing:
        return f"; {_NEEDS}"
    found = sorted({path.name for pattern in _REFUSED for path in place.glob(pattern)})
    if not found:
        return f"; {_NEEDS}"
    return f"; {', '.join(found)} there is never loaded, for a pickle can run any code: {_MEND}"


def _config(path: pathlib.Path) -> dict[str, Any]:
    """A BERT's configuration."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON ({type(error).__name__}): {_MEND}") from error
    if not isinstance(config, dict) or config.get("model_type", "bert") != "bert":
        kind = config.get("model_type") if isinstance(config, dict) else type(config).__name__
        raise InputError(f"{path} describes a model of type {kind!r}, expected 'bert'")
    wrong = [name for name in _SIZES if type(config.get(name)) is not int or config[name] < 1]
    if wrong:
        raise InputError(f"{path} has {wrong[0]}={config.get(wrong[0])!r}, expected a whole number above 0")
    return config


def _expected(name: str, config: dict[str, Any]) -> list[int] | None:
    """The shape of a tensor of BERT's, named as PyTorch or as TensorFlow does; None for another's."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    plain = name.split(":")[0].replace("/", ".").replace("layer_._", "layer.")
    tables = {
        "word_embeddings": config["vocab_size"],
        "position_embeddings": config.get("max_position_embeddings", 512),
        "token_type_embeddings": config.get("type_vocab_size", 2),
    }
    part, kind = plain.split(".")[-2:] if "." in plain else ("", "")
    if part in tables:
        return [tables[part], width]
    if part == "LayerNorm":
        return [width]
    if "encoder.layer." not in plain:
        return None
    out, into = width, width
    if plain.endswith(f"intermediate.dense.{kind}"):
        out = inner
    elif plain.endswith(f"output.dense.{kind}") and not plain.endswith(f"attention.output.dense.{kind}"):
        into = inner
    return {"bias": [out], "weight": [out, into], "kernel": [into, out]}.get(kind)


def _vocabulary(path: pathlib.Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text at byte {error.start}, expected a word piece a line"
        ) from error


def _shapes(path: pathlib.Path) -> dict[str, list[int]]:
    """The shape of every tensor by name, from a safetensors file's header.

    The format: 8 bytes little-endian, the header's length; the header, a JSON object of `dtype`, `shape` and
    `data_offsets` by tensor; the tensors' bytes, without holes, to the file's end.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        start = file.read(32)
        length = int.from_bytes(start[:8], "little")
        if size < 8 or length > size - 8:
            kind = next((what for magic, what in _STARTS.items() if start.startswith(magic)), "")
            raise InputError(f"{path} is not a safetensors file{', but ' + kind if kind else ''}: {_MEND}")
        file.seek(8)
        header = file.read(length)
    try:
        tensors = {name: value for name, value in json.loads(header).items() if name != "__metadata__"}
        spans = {name: value["data_offsets"] for name, value in tensors.items()}
        end = max((span[1] for span in spans.values()), default=0)
        for name, value in tensors.items():
            held = math.prod(value["shape"]) * _BYTES.get(value["dtype"], 1)
            if spans[name][0] < 0 or spans[name][1] - spans[name][0] != held:
                raise InputError(
                    f"{path} is damaged: its tensor {name} has not as many bytes as its shape says"
                )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise InputError(f"{path} is damaged: its header can't be read ({type(error).__name__})") from error
    if end != size - 8 - length:
        raise InputError(
            f"{path} is damaged: its tensors take {end:,} bytes, but {size - 8 - length:,} are there; "
            "copy it again"
        )
    return {name: list(value["shape"]) for name, value in tensors.items()}
