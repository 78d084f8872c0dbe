"""Word pieces put together to the words that people read."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from aisle.model.stored import stored
from aisle.model.text.bert import Tokenizer


@dataclasses.dataclass(frozen=True)
class Spelled:
    """Texts as they were read, n of at most W words and P word pieces.

    Example:
        >>> tokenizer = Tokenizer(bert)
        >>> spelled = Words(tokenizer).spell(tokenizer.pieces(tf.constant(["red mugs"]), 8))
        >>> spelled.of_piece.numpy().tolist(), spelled.piece_words.numpy().tolist()
        ([[0, 1, 1]], [[b'red', b'mugs', b'mugs']])

    Attributes:
        words: string [n, W], "" behind a text's end.
        of_piece: the number of each piece's word, int32 [n, P]; 0 behind the end.
        piece_words: each piece's word itself, string [n, P]; "" behind the end.
    """

    words: tf.Tensor
    of_piece: tf.Tensor
    piece_words: tf.Tensor


class Words(tf.Module):
    """Spells the words that pieces stand for: `fridge ##s` is `fridges`, and so is `▁fridge s`.

    Example:
        >>> tokenizer = Tokenizer(bert)
        >>> pieces = tokenizer.pieces(tf.constant(["red mugs"]), 8)
        >>> Words(tokenizer).spell(pieces).words.numpy().tolist()
        [[b'red', b'mugs']]
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        self._letters = stored(list(tokenizer.letters), tf.string)
        self._continues = stored(tokenizer.continues, tf.bool)

    def spell(self, pieces: tf.RaggedTensor) -> Spelled:
        """Puts word pieces together: int32 [n, (p)]."""
        letters = tf.gather(self._letters, pieces.values)
        owner = pieces.value_rowids()
        first = tf.range(tf.size(letters, tf.int64)) == tf.gather(pieces.row_starts(), owner)
        # What stands alone before a word is a part of it.
        before = tf.concat([[""], letters], 0)[:-1] == ""
        begins = first | ~(tf.gather(self._continues, pieces.values) | before)
        number = tf.cumsum(tf.cast(begins, tf.int64)) - 1
        count = tf.math.count_nonzero(begins)
        joined = tf.strings.unsorted_segment_join(letters, number, count)
        words = tf.RaggedTensor.from_value_rowids(
            joined, tf.boolean_mask(owner, begins), pieces.nrows(), validate=False
        )
        place = tf.cast(number - tf.gather(words.row_starts(), owner), tf.int32)
        return Spelled(
            words.to_tensor(""),
            pieces.with_values(place).to_tensor(0),
            pieces.with_values(tf.gather(joined, number)).to_tensor(""),
        )
