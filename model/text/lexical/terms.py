"""Texts of any script cut into the terms that a lexical index holds, in plain TF ops."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from aisle.model.text.lexical.scripts import CHARACTER, HEADED

GRAM = 3
"""Letters of a part of a word."""
_APART = "\x01"
"""Parts what stands apart in a text; a folded text holds no control character."""


@dataclasses.dataclass(frozen=True)
class Terms:
    """Some terms of texts.

    Example:
        >>> red, blue = (Units.of(tf.constant([text]), 8).terms() for text in ("red mug", "blue mug"))
        >>> (red.hashes == blue.hashes).numpy().tolist()
        [False, True]

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

    Example:
        >>> units = Units.of(tf.constant(["iphone15手机 mug"]), limit=8)
        >>> [text.decode() for text in units.text.numpy()], units.adjoins.numpy().tolist()
        (['iphone', '15', '手', '机', 'mug'], [False, True, True, True, False])

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

    def tensors(self) -> tuple[tf.Tensor, ...]:
        """The attributes in their order."""
        return self.owner, self.text, self.adjoins, self.character

    def cut_again(self, text: tf.Tensor) -> Units:
        """The units with other texts, string [u], which are parted where one has a space; the parts adjoin."""
        parts = tf.strings.split(text)
        of = parts.value_rowids()
        first = tf.range(tf.size(of, tf.int64)) == tf.gather(parts.row_starts(), of)
        return Units(
            tf.gather(self.owner, of),
            parts.values,
            tf.gather(self.adjoins, of) | ~first,
            tf.gather(self.character, of),
        )

    def terms(self) -> Terms:
        """Each unit itself."""
        return Terms(self.owner, hashes_of(self.text))

    def pairs(self) -> Terms:
        """Each unit with the one before it, of no account where it doesn't adjoin that."""
        before = tf.concat([[""], self.text[:-1]], 0)[: tf.size(self.text)]
        return Terms(self.owner, hashes_of(tf.strings.join([before, self.text], "+")))

    def heads(self, longest: int | None = None) -> Terms:
        """The ends of compounds: the last two characters of each run of at most `longest`, or its only one."""
        last = self.character & ~following(self.adjoins & self.character)
        last &= tf.strings.regex_full_match(self.text, HEADED)
        if longest is not None:
            further = tf.concat([tf.zeros([longest], tf.int64), self._run()[:-longest]], 0)[: tf.size(last)]
            last &= (self._run() != further) | (tf.range(tf.size(last)) < longest)
        where = tf.where(last)[:, 0]
        joined = self.adjoins & tf.concat([[False], self.character[:-1]], 0)[: tf.size(self.adjoins)]
        before = tf.where(tf.gather(joined, where), tf.gather(self.text, tf.maximum(where - 1, 0)), "")
        ends = tf.strings.join([before, tf.gather(self.text, where), "$"])
        return Terms(tf.gather(self.owner, where), hashes_of(ends))

    def _run(self) -> tf.Tensor:
        """Numbers the runs of units that adjoin: int64 [u]."""
        return tf.cumsum(tf.cast(~self.adjoins, tf.int64))

    def grams(self) -> Terms:
        """The parts of words: each GRAM letters of those that have more."""
        long = ~self.character & (tf.strings.length(self.text, "UTF8_CHAR") > GRAM)
        where = tf.where(long & ~tf.strings.regex_full_match(self.text, r"\p{N}+"))[:, 0]
        letters = tf.strings.unicode_split(tf.gather(self.text, where), "UTF-8")
        grams = tf.strings.ngrams(letters, GRAM, separator="")
        owner = tf.gather(tf.gather(self.owner, where), grams.value_rowids())
        return Terms(owner, hashes_of(tf.strings.join(["~", grams.values])))


def following(flags: tf.Tensor) -> tf.Tensor:
    """What holds of the next unit, False behind the last: bool [u]."""
    return tf.concat([flags[1:], [False]], 0)[: tf.size(flags)]


def hashes_of(terms: tf.Tensor) -> tf.Tensor:
    """The hashes that tell terms apart: string [t] to int64 [t]."""
    return tf.strings.to_hash_bucket_fast(terms, 2**63 - 1)
