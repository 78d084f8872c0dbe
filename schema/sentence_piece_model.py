"""SentencePiece's model file without its package: the message, read from any of the forms that checkpoints come in.

Whatever the form, the message that is returned has its pieces in the order of the model's own ids, so that what a
tokenizer cuts needs no translation.
"""

from __future__ import annotations

import base64
import json
import pathlib
from collections.abc import Sequence
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from aisle.schema.errors import InputError

NORMAL, UNKNOWN, CONTROL = 1, 2, 3
"""Kinds of pieces: of text; what stands for all that is no piece; marks such as the end, which no text holds."""

START, PAD, END, UNKNOWN_PIECE, MASK = "<s>", "<pad>", "</s>", "<unk>", "<mask>"
"""XLM-R's special pieces (Conneau et al., ACL 2020), in the order of its first ids; `<mask>` is its last."""

SPACE = "▁"
"""Stands for a space: a piece that begins with it begins a word."""

_OWN, _XLMR, _JSON = FORMS = ("sentencepiece.model", "sentencepiece.bpe.model", "tokenizer.json")
"""The files that are looked for, in this order: one whose ids are the model's, XLMRobertaTokenizer's, Hugging Face's."""


def _message() -> Any:
    """The class of sentencepiece.ModelProto, of which only what is used here is declared; the rest is kept as it is."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="sentence_piece_model.proto", package="aisle.sentencepiece"
    )
    model, piece, normalizer = (file.message_type.add(name=name) for name in ("Model", "Piece", "Normalizer"))
    fields = (
        (model, "pieces", 1, kinds.TYPE_MESSAGE, kinds.LABEL_REPEATED, ".aisle.sentencepiece.Piece"),
        (model, "normalizer_spec", 3, kinds.TYPE_MESSAGE, kinds.LABEL_OPTIONAL, ".aisle.sentencepiece.Normalizer"),
        (piece, "piece", 1, kinds.TYPE_STRING, kinds.LABEL_OPTIONAL, ""),
        (piece, "score", 2, kinds.TYPE_FLOAT, kinds.LABEL_OPTIONAL, ""),
        (piece, "type", 3, kinds.TYPE_INT32, kinds.LABEL_OPTIONAL, ""),
        (normalizer, "name", 1, kinds.TYPE_STRING, kinds.LABEL_OPTIONAL, ""),
        (normalizer, "precompiled_charsmap", 2, kinds.TYPE_BYTES, kinds.LABEL_OPTIONAL, ""),
    )  # fmt: skip
    for owner, name, number, kind, label, of in fields:
        owner.field.add(name=name, number=number, type=kind, label=label, type_name=of or None)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    described = pool.FindMessageTypeByName("aisle.sentencepiece.Model")
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(described)
    return message_factory.MessageFactory(pool).GetPrototype(described)  # protobuf 3


SentencePieceModel = _message()
"""A model: `pieces`, each with `piece`, `score` (a logarithm of its probability) and `type`; `normalizer_spec`."""


def made(pieces: Sequence[tuple[str, float, int]], charsmap: bytes = b"") -> Any:
    """A model of pieces: text, score and kind, in the order of their ids.

    Args:
        pieces: one of them of kind UNKNOWN.
        charsmap: SentencePiece's compiled rules of normalisation; none leave texts as they are.
    """
    model = SentencePieceModel()
    for piece, score, kind in pieces:
        model.pieces.add(piece=piece, score=score, type=kind)
    model.normalizer_spec.precompiled_charsmap = charsmap
    return model


def read_sentence_pieces(folder: str) -> Any:
    """Reads the model of a checkpoint's folder.

    Raises:
        InputError: there is none, it is damaged, or it does something to texts that SentencePiece doesn't.
    """
    for name, read in ((_OWN, _parsed), (_XLMR, _of_xlmr), (_JSON, _of_json)):
        path = pathlib.Path(folder) / name
        if path.is_file():
            model = read(path)
            if [piece.type for piece in model.pieces].count(UNKNOWN) != 1:
                raise InputError(
                    f"{path} has no piece, or several, for what is unknown: it is no vocabulary of a BERT"
                )
            return model
    raise InputError(f"{folder} holds no SentencePiece model; expected one of {', '.join(FORMS)}")


def _parsed(path: pathlib.Path) -> Any:
    try:
        return SentencePieceModel.FromString(path.read_bytes())
    except DecodeError as error:
        raise InputError(
            f"{path} is not a SentencePiece model ({type(error).__name__}): copy it again"
        ) from error


def _of_xlmr(path: pathlib.Path) -> Any:
    """SentencePiece's own order is `<unk>`, `<s>`, `</s>`; XLM-R has `<s>`, `<pad>`, `</s>`, `<unk>`, and `<mask>` last."""
    model = _parsed(path)
    first = made(
        [(START, 0.0, CONTROL), (PAD, 0.0, CONTROL), (END, 0.0, CONTROL), (UNKNOWN_PIECE, 0.0, UNKNOWN)]
    )
    rest = list(model.pieces[3:])
    del model.pieces[:]
    model.pieces.extend([*first.pieces, *rest])
    model.pieces.add(piece=MASK, score=0.0, type=CONTROL)
    return model


def _of_json(path: pathlib.Path) -> Any:
    """Of Hugging Face's `tokenizers`, where it holds a unigram model normalised by SentencePiece's rules."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        kind, vocabulary, unknown = (told["model"].get(name) for name in ("type", "vocab", "unk_id"))
        special = {token["content"] for token in told.get("added_tokens") or () if token.get("special")}
        rules = _rules(told.get("normalizer"))
        charsmap = b"".join(base64.b64decode(rule.get("precompiled_charsmap") or "") for rule in rules)
        wrong = sorted({rule["type"] for rule in rules} - {"Precompiled", "Replace", "Strip"})
        if kind == "Unigram" and not wrong:
            kinds = [
                UNKNOWN if n == unknown else CONTROL if p in special else NORMAL
                for n, (p, _) in enumerate(vocabulary)
            ]
            return made([(p, s, k) for (p, s), k in zip(vocabulary, kinds, strict=True)], charsmap)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{path} is no tokenizer's description ({type(error).__name__}): copy it again"
        ) from error
    raise InputError(
        f"{path} describes a tokenizer of type {kind}{', which also applies ' + wrong[0] if wrong else ''}, expected "
        "Unigram as SentencePiece makes it, or WordPiece with its vocab.txt"
    )


def _rules(normalizer: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The normalizers that are applied, one by one."""
    if normalizer is None:
        return []
    return normalizer["normalizers"] if normalizer["type"] == "Sequence" else [normalizer]
