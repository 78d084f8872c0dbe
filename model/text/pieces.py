"""The two ways to cut a text into pieces, WordPiece and SentencePiece, in TF-Text ops that TF Serving has."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text
from tensorflow_text.python.ops import sentencepiece_tokenizer

from aisle.schema.bert import sentence_piece_model as sp
from aisle.schema.bert.reading import read_reading
from aisle.schema.bert.weights import WORD_PIECES, vocabulary_file
from aisle.schema.errors import InputError

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
"""Scripts that put no spaces between words, as RE2 names them."""


@dataclasses.dataclass(frozen=True)
class Pieces:
    """A vocabulary, and how it cuts texts.

    Example:
        >>> known = word_pieces(bert)
        >>> ids = known.cut(tf.constant(["Red mugs"])).values.numpy()
        >>> [known.letters[piece] for piece in ids]
        ['red', 'mug', 's']

    Attributes:
        cut: string [n] to the pieces' ids, int32 [n, (pieces)].
        vocabulary: the pieces by id, [size].
        letters: of each piece, what it says of its word: `s` of `##s`, "" of what stands before a word, [size].
        continues: which pieces go on with a word, bool [size].
        special: which stand for no text, bool [size].
        words: the pieces that are whole words.
        start, end, unknown, pad: ids.
        mask: of the piece that hides another; None where the vocabulary has none.
        second: what stands before a second text that is read with a first, ids. There the token types are all 0.
        resources: what a saved graph must hold so that it can cut.
    """

    cut: Callable[[tf.Tensor], tf.RaggedTensor]
    vocabulary: tuple[str, ...]
    letters: tuple[str, ...]
    continues: np.ndarray
    special: np.ndarray
    words: tuple[str, ...]
    start: int
    end: int
    unknown: int
    pad: int
    mask: int | None
    second: tuple[int, ...] = ()
    resources: tuple[tf.Module, ...] = ()


class _SharedModel(sentencepiece_tokenizer._SentencepieceModelResource):
    """A SentencePiece model that TensorFlow keeps by its content.

    TF-Text's own lives as long as the eager context's cache of kernels, and every `tf.random.set_seed` empties that.
    """

    def __init__(self, model: bytes) -> None:
        super().__init__(model, hashlib.blake2b(model, digest_size=16).hexdigest())

    def _create_resource(self) -> tf.Tensor:
        ops = sentencepiece_tokenizer.gen_sentencepiece_tokenizer
        return ops.sentencepiece_op(model=self._model, shared_name=self._name)


def pieces_of(folder: str) -> Pieces:
    """The pieces of a BERT's folder: WordPiece where it has `vocab.txt`, else SentencePiece.

    Raises:
        InputError: the vocabulary lacks a special piece, or can't be read.
    """
    if vocabulary_file(pathlib.Path(folder)) in (WORD_PIECES, ""):
        return word_pieces(folder)
    return sentence_pieces(folder)


def word_pieces(folder: str) -> Pieces:
    """BERT's WordPiece (uncased) of a folder's `vocab.txt`: `##s` goes on with a word."""
    lines = (pathlib.Path(folder) / WORD_PIECES).read_text(encoding="utf-8").split("\n")
    vocabulary = [piece.rstrip("\r") for piece in lines if piece]
    if lacking := [piece for piece in ("[UNK]", "[CLS]", "[SEP]") if piece not in vocabulary]:
        raise InputError(f"{folder}/{WORD_PIECES} lacks {', '.join(lacking)}: it is no vocabulary of a BERT")
    tokenizer = tf_text.FastBertTokenizer(
        vocab=vocabulary, token_out_type=tf.int32, lower_case_nfd_strip_accents=True
    )
    continues = [piece.startswith("##") and len(piece) > 2 for piece in vocabulary]
    return Pieces(
        cut=tokenizer.tokenize,
        vocabulary=tuple(vocabulary),
        letters=tuple(
            piece[2:] if goes_on else piece for piece, goes_on in zip(vocabulary, continues, strict=True)
        ),
        continues=np.array(continues),
        special=np.array([piece[:1] == "[" and piece[-1:] == "]" and len(piece) > 2 for piece in vocabulary]),
        words=tuple(piece for piece in vocabulary if piece.isalpha()),
        start=vocabulary.index("[CLS]"),
        end=vocabulary.index("[SEP]"),
        unknown=vocabulary.index("[UNK]"),
        pad=0,
        mask=vocabulary.index("[MASK]") if "[MASK]" in vocabulary else None,
    )


def sentence_pieces(folder: str) -> Pieces:
    """SentencePiece (Kudo and Richardson, EMNLP 2018) of a folder, with XLM-R's special pieces.

    A piece that begins with `▁` begins a word, and so does each of a script that puts no spaces between words.
    """
    model = sp.read_sentence_pieces(folder)
    vocabulary = [piece.piece for piece in model.pieces]
    if lacking := [piece for piece in (sp.START, sp.PAD, sp.END) if piece not in vocabulary]:
        raise InputError(
            f"the SentencePiece model of {folder} lacks {', '.join(lacking)}: it is no vocabulary of a BERT"
        )
    kinds = np.array([piece.type for piece in model.pieces])
    tokenizer = tf_text.SentencepieceTokenizer(model.SerializeToString(), out_type=tf.int32)
    tokenizer._model_resource = _SharedModel(model.SerializeToString())
    lower = read_reading(folder).lower_case
    special = (kinds == sp.CONTROL) | (kinds == sp.UNKNOWN)
    begins = np.array([piece.startswith(sp.SPACE) for piece in vocabulary])
    alone = tf.strings.regex_full_match(vocabulary, rf"[{_UNSPACED}].*").numpy()
    return Pieces(
        cut=lambda text: tokenizer.tokenize(tf_text.case_fold_utf8(text) if lower else text),
        vocabulary=tuple(vocabulary),
        letters=tuple(piece.replace(sp.SPACE, "") for piece in vocabulary),
        continues=~(begins | alone | special),
        special=special,
        words=tuple(
            piece[1:].lower() for piece in vocabulary if piece[:1] == sp.SPACE and piece[1:].isalpha()
        ),
        start=vocabulary.index(sp.START),
        end=vocabulary.index(sp.END),
        unknown=int(np.flatnonzero(kinds == sp.UNKNOWN)[0]),
        pad=vocabulary.index(sp.PAD),
        mask=vocabulary.index(sp.MASK) if sp.MASK in vocabulary else None,
        second=(vocabulary.index(sp.END),),
        resources=(tokenizer,),
    )
