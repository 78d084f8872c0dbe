"""Texts of any script cut into the terms that a lexical index holds, in plain TF ops."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from aisle.model.text.scripts import CHARACTER

GRAM = 3
"""Letters of a part of a word."""
_APART = "\x01"
"""Parts what stands apart in a text; a folded text holds no control character."""


@dataclasses.dataclass(frozen=True)
class Terms:
    """Some terms of texts.

    Attributes:
        owner: the row of each term's text, int64 [t].
        hashes: of the terms themselves, int64 [t].
    """

    owner: tf.Tensor
    hashes: tf.Tensor


@dataclasses.dataclass(frozen=True)
class Units:
    """The units of texts: words, numbers, and the characters of scripts without spaces.

    `iPhone15手机 壳` has five, `iphone`, `15`, `手`, `机` and `壳`, of which the first four adjoin.

    Attributes:
        owner: the row of each unit's text, int64 [u].
        text: the units, string [u].
        adjoins: whether nothing parts a unit from the one before it, bool [u].
        character: whether it is one of a script without spaces, bool [u].
    """

    owner: tf.Tensor
    text: tf.Tensor
    adjoins: tf.Tensor
    character: tf.Tensor

    @staticmethod
    def of(text: tf.Tensor, limit: int) -> Units:
        """Cuts folded texts, string [n], into at most `limit` units each."""
        text = tf.strings.regex_replace(text, "'", "")
        text = tf.strings.regex_replace(text, r"[^\p{L}\p{N}\p{M}]+", _APART)
        text = tf.strings.regex_replace(text, rf"({CHARACTER}|\p{{N}}+)", r" \1 ")
        chunks = tf.strings.split(text, _APART)
        units = tf.strings.split(chunks.values)
        owner = tf.gather(chunks.value_rowids(), units.value_rowids())
        chunk = units.value_rowids()
        adjoins = tf.concat([tf.zeros([1], tf.bool), chunk[1:] == chunk[:-1]], 0)[: tf.size(chunk)]
        number = tf.range(tf.size(owner, tf.int64), dtype=tf.int64)
        # Owners rise: a text's first unit is where it would be put in.
        kept = tf.where(number - tf.searchsorted(owner, owner, out_type=tf.int64) < limit)[:, 0]
        owner, text, adjoins = (tf.gather(part, kept) for part in (owner, units.values, adjoins))
        return Units(owner, text, adjoins, tf.strings.regex_full_match(text, CHARACTER))

    def terms(self) -> Terms:
        """Each unit itself."""
        return Terms(self.owner, _hash(self.text))

    def pairs(self) -> Terms:
        """Each unit with the one before it, of no account where it doesn't adjoin that."""
        before = tf.concat([[""], self.text[:-1]], 0)[: tf.size(self.text)]
        return Terms(self.owner, _hash(tf.strings.join([before, self.text], "+")))

    def grams(self) -> Terms:
        """The parts of words: each GRAM letters of those that have more."""
        long = ~self.character & (tf.strings.length(self.text, "UTF8_CHAR") > GRAM)
        where = tf.where(long & ~tf.strings.regex_full_match(self.text, r"\p{N}+"))[:, 0]
        letters = tf.strings.unicode_split(tf.gather(self.text, where), "UTF-8")
        grams = tf.strings.ngrams(letters, GRAM, separator="")
        owner = tf.gather(tf.gather(self.owner, where), grams.value_rowids())
        return Terms(owner, _hash(tf.strings.join(["~", grams.values])))


def _hash(terms: tf.Tensor) -> tf.Tensor:
    return tf.strings.to_hash_bucket_fast(terms, 2**63 - 1)
