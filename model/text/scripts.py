"""How scripts differ in what a word is, as TF's regular expressions (RE2) say it."""

from __future__ import annotations

import functools
import importlib.resources
import re
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from aisle.model.stored import stored

UNSPACED = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\x{30FC}\p{Bopomofo}\p{Yi}\p{Hangul}"
    r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}"
)
"""Letters of scripts that part no words by spaces, or, as Hangul, hang endings on them; within `[…]`."""
CHARACTER = rf"[{UNSPACED}]\p{{M}}*"
"""One letter of those, with its vowels and tones."""
HEADED = r"[\p{Han}\p{Hiragana}\p{Katakana}\x{30FC}\p{Hangul}]"
"""Letters of those in whose languages a compound's last part says what it is: 手机壳, a case, and 折叠手机, a phone."""
MARKED = r"([\p{Latin}\p{Greek}])\p{Mn}+"
"""A letter whose marks people leave out when they search, decomposed; elsewhere a mark makes another letter."""
POINTS = r"[\x{0591}-\x{05BD}\x{05BF}\x{05C1}\x{05C2}\x{05C4}\x{05C5}\x{05C7}\x{0610}-\x{061A}\x{0640}\x{064B}-\x{0652}\x{0670}]"
"""Hebrew and Arabic points, which hardly anyone types, and the Arabic stroke that lengthens a word."""
ALEF = r"(\x{0627})[\x{0653}-\x{0655}]"
"""An alef with its hamza or madda, decomposed: typed as often without."""
SPELT = r"[\p{Latin}\p{Greek}\p{Cyrillic}]"
"""Alphabets whose words are parted by spaces and spelt by letters."""
_HAN = re.compile("[\u3400-\u9fff\U00020000-\U000323af]")
_KANA = re.compile("[\u3041-\u30fa]")


@functools.cache
def simplified() -> dict[str, str]:
    """The simplified form of each traditional Chinese character: OpenCC's `TSCharacters`, Apache-2.0."""
    table = importlib.resources.files(__package__).joinpath("traditional.txt").read_text(encoding="utf-8")
    pairs = (line.split() for line in table.splitlines() if not line.startswith("#"))
    return dict(pairs)


class Simplifier(tf.Module):
    """Writes Chinese characters as their simplified forms, by a table of those that a catalogue uses."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Args: `texts`: of the catalogue; what is in none of them, in neither form, needs no table."""
        super().__init__()
        han = [text for text in texts if _HAN.search(text)]
        japanese = 2 * sum(bool(_KANA.search(text)) for text in han) >= len(han)
        # In Japanese 機 is a machine and 机 a desk.
        there = set() if japanese else set().union(*han)
        pairs = sorted((ord(a), ord(b)) for a, b in simplified().items() if a in there or b in there)
        self._pairs = len(pairs)
        table = np.array([(-1, -1), *pairs], np.int32)
        self._from = stored(table[:, 0], tf.int32)
        self._to = stored(table[:, 1], tf.int32)

    def __call__(self, text: tf.Tensor) -> tf.Tensor:
        """Returns texts with simplified characters alone: string [n] to [n]."""
        if not self._pairs:
            return text
        letters = tf.strings.unicode_decode(text, "UTF-8")
        place = tf.searchsorted(self._from, letters.values, side="right") - 1
        same = tf.gather(self._from, place) == letters.values
        written = tf.where(same, tf.gather(self._to, place), letters.values)
        return tf.strings.unicode_encode(letters.with_values(written), "UTF-8")
