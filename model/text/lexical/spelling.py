"""Spelling correction against the catalogue's own words, in plain TF ops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import tensorflow as tf

SHORTEST, LONGEST = 4, 24
"""Letters of the words that are mended."""
TWO_EDITS = 8
"""Words of so many letters may differ in two places."""
_BUCKETS = 2**63 - 1
_FAR = 10**9


class Spelling(tf.Module):
    """Finds the known word that an unknown one was meant to be, by symmetric deletes (Garbe's SymSpell, 2012).

    Two words that differ by an edit share what is left when a letter is taken out of each. What is left of
    each known word lies sorted by its hash; the few words met there are compared letter by letter.

    Example:
        >>> spelling = Spelling({"mug": 5, "lamp": 2})
        >>> spelling(tf.constant(["lapm", "sofa"])).numpy().tolist()
        [b'lamp', b'sofa']
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        """Args: `counts`: how often each known word occurs; of equally near words the commonest is taken."""
        super().__init__()
        words = sorted(counts, key=lambda word: (-counts[word], word))
        left = [(rest, place) for place, word in enumerate(words) for rest in _left(word)]
        hashes = _hash(tf.constant([rest for rest, _ in left], tf.string, [len(left)])).numpy()
        order = np.argsort(hashes, kind="stable")
        owners = np.array([place for _, place in left], np.int32)[order]
        self._words = tf.Variable(tf.constant(words, tf.string, [len(words)]), trainable=False)
        self._hashes = tf.Variable(tf.constant(hashes[order], tf.int64), trainable=False)
        self._owners = tf.Variable(tf.constant(owners, tf.int32), trainable=False)

    def __call__(self, words: tf.Tensor) -> tf.Tensor:
        """Returns the nearest known words, or the words themselves where none is near: string [m] to [m].

        One edit is a letter more, less or another, or two neighbours swapped (Damerau, 1964).
        """
        bound = tf.where(_length(words) >= TWO_EDITS, 2, 1)
        variant, place, owner, cost = self._near(words, bound)
        distance = cost + _edit_distance(variant, tf.gather(self._words, place))
        allowed = distance <= tf.gather(bound, owner)
        # Words lie by falling count: of the nearest the first is the commonest.
        worth = tf.cast(distance, tf.int64) * _FAR + tf.cast(place, tf.int64)
        owner, worth = tf.boolean_mask(owner, allowed), tf.boolean_mask(worth, allowed)
        best = tf.math.unsorted_segment_min(worth, owner, tf.shape(words)[0])
        found = best < tf.int64.max
        chosen = tf.cast(tf.where(found, best % _FAR, 0), tf.int32)
        known = tf.concat([self._words, [""]], 0)
        return tf.where(found, tf.gather(known, chosen), words)

    def _near(self, words: tf.Tensor, bound: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """Known words that may be near: the spelling tried, the known word, whose it is, its cost; all [p]."""
        itself = tf.range(tf.shape(words)[0])
        swapped, swapped_of = _swaps(words)
        variants = tf.concat([words, swapped], 0)
        owner = tf.concat([itself, swapped_of], 0)
        cost = tf.concat([tf.zeros_like(itself), tf.ones_like(swapped_of)], 0)
        left = tf.gather(bound, owner) - cost
        probes, of = variants, tf.range(tf.shape(variants)[0])
        all_probes, all_of = [probes], [of]
        for step in (1, 2):
            deep = tf.gather(left, of) >= step
            probes, deleted_of = _deletions(tf.boolean_mask(probes, deep))
            of = tf.gather(tf.boolean_mask(of, deep), deleted_of)
            all_probes.append(probes)
            all_of.append(of)
        hashes, of = _hash(tf.concat(all_probes, 0)), tf.concat(all_of, 0)
        first = tf.searchsorted(self._hashes, hashes, side="left")
        last = tf.searchsorted(self._hashes, hashes, side="right")
        met = tf.ragged.range(first, last)
        pair = tf.cast(tf.gather(of, met.value_rowids()), tf.int64) * _FAR
        pair = tf.unique(pair + tf.cast(tf.gather(self._owners, met.values), tf.int64)).y
        variant, place = tf.cast(pair // _FAR, tf.int32), tf.cast(pair % _FAR, tf.int32)
        return tf.gather(variants, variant), place, tf.gather(owner, variant), tf.gather(cost, variant)


def _left(word: str) -> Iterable[str]:
    """The word, and what is left of it without a letter, or two of a long one."""
    once = {word[:n] + word[n + 1 :] for n in range(len(word))}
    twice = {rest[:n] + rest[n + 1 :] for rest in once for n in range(len(rest))}
    return sorted({word} | once | (twice if len(word) >= TWO_EDITS else set()))


def _hash(texts: tf.Tensor) -> tf.Tensor:
    return tf.strings.to_hash_bucket_fast(texts, _BUCKETS)


def _length(words: tf.Tensor) -> tf.Tensor:
    return tf.strings.length(words, "UTF8_CHAR")


def _deletions(words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Each word without each of its letters, and the word's row: string [m] to [d], [d]."""
    places = tf.ragged.range(_length(words))
    of, place = tf.cast(places.value_rowids(), tf.int32), places.values
    word = tf.gather(words, of)
    return _part(word, 0, place) + _part(word, place + 1, LONGEST), of


def _swaps(words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Each word with each two neighbours swapped, and the word's row: string [m] to [s], [s]."""
    places = tf.ragged.range(tf.maximum(_length(words) - 1, 0))
    of, place = tf.cast(places.value_rowids(), tf.int32), places.values
    word = tf.gather(words, of)
    swapped = _part(word, place + 1, 1) + _part(word, place, 1)
    return _part(word, 0, place) + swapped + _part(word, place + 2, LONGEST), of


def _part(words: tf.Tensor, start: tf.Tensor | int, length: tf.Tensor | int) -> tf.Tensor:
    start, length = (tf.broadcast_to(tf.cast(value, tf.int32), tf.shape(words)) for value in (start, length))
    return tf.strings.substr(words, start, length, "UTF8_CHAR")


def _edit_distance(words: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Letters to put in, take out or change: string [p], [p] to int32 [p]."""
    # TensorFlow refuses to compare nothing: a pair too many is compared, and left out.
    one, other = (
        tf.strings.unicode_split(tf.concat([texts, ["a"]], 0), "UTF-8").to_sparse()
        for texts in (words, others)
    )
    distance = tf.edit_distance(one, other, normalize=False)
    return tf.cast(tf.reshape(distance, [-1])[:-1], tf.int32)
