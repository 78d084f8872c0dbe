"""What share of texts a BERT can't read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from aisle.model.text.bert import Tokenizer

_PIECES = 64
_AT_ONCE = 4096


def unread_share(tokenizer: Tokenizer, texts: Sequence[str]) -> float:
    """The share of the texts' pieces that say nothing to a BERT, 0 to 1; 0 of no texts.

    Unknown ones say nothing, and neither do the single letters into which a longer word falls apart: the English BERT knows
    the letters of Russian, and no word.
    """
    unread = total = 0
    for start in range(0, len(texts), _AT_ONCE):
        pieces = tokenizer.pieces(tf.constant(list(texts[start : start + _AT_ONCE])), _PIECES)
        ids, owner = pieces.values.numpy(), pieces.value_rowids().numpy()
        unread += int(_says_nothing(tokenizer, ids, owner).sum())
        total += len(ids)
    return unread / total if total else 0.0


def _says_nothing(tokenizer: Tokenizer, ids: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Which pieces are unknown or single letters of longer words: bool [p], of ids and the text of each, [p]."""
    letter = np.array([letters.isalpha() for letters in tokenizer.letters])
    single = (letter & np.array([len(letters) == 1 for letters in tokenizer.letters]))[ids]
    goes_on = (letter & tokenizer.continues)[ids]
    followed = np.append(goes_on[1:] & (owner[1:] == owner[:-1]), False) if len(ids) else goes_on
    return np.asarray((ids == tokenizer.unknown) | (single & (goes_on | followed)))
