"""What a customer typed, brought to the catalogue's spelling by TF ops inside the graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text

from aisle.model.text.bert import MAX_CHARACTERS
from aisle.model.text.scripts import ALEF, CHARACTER, MARKED, POINTS, SPELT
from aisle.model.text.spelling import LONGEST, SHORTEST, Spelling

_MARK = "\x01"
"""Parts words from what is between them; a folded text holds no control character."""
_WORD = r"([\p{L}\p{N}\p{M}]+(?:'\p{L}+)*)"
_MENDED = rf"{SPELT}{{{SHORTEST},{LONGEST}}}"
_KNOWN = rf"{SPELT}{{{SHORTEST - 1},{LONGEST + 2}}}"
"""What such a word may have been meant to be."""
_MENDED_PARTS = 32
"""Words are mended among so many parts of a query, every other one a word; longer texts are no queries."""
_TITLE_WORTH = 100
"""A word of one title is as common as one of so many descriptions: queries read like titles."""
_AT_ONCE = 4096

_UNITS = {
    "inch": ("inches|inch", "in"),
    "ft": ("feet|foot|ft", ""),
    "oz": ("ounces|ounce|oz", ""),
    "lb": ("pounds|pound|lbs|lb", ""),
    "gb": ("gigabytes|gigabyte|gb", ""),
    "tb": ("terabytes|terabyte|tb", ""),
    "mb": ("megabytes|megabyte|mb", ""),
    "watt": ("watts|watt", "w"),
    "volt": ("volts|volt", "v"),
    "ml": ("milliliters|milliliter|millilitres|millilitre|ml", ""),
    "liter": ("liters|liter|litres|litre|ltr", ""),
    "gallon": ("gallons|gallon|gal", ""),
    "quart": ("quarts|quart|qts|qt", ""),
    "cm": ("centimeters|centimeter|centimetres|centimetre|cm", ""),
    "mm": ("millimeters|millimeter|millimetres|millimetre|mm", ""),
    "kg": ("kilograms|kilogram|kilos|kilo|kg", ""),
    "gram": ("grams|gram|gr", ""),
    "count": ("count|ct", ""),
    "pack": ("packs|pack|pk", ""),
    "piece": ("pieces|piece|pcs|pc", ""),
}
"""Each unit's one spelling, what else it is written as after a number, and as only right behind its digits."""
_RULES = (
    (r"[‘’ʼ`´′]", "'"),
    (r"[“”″]|''", '"'),
    (r"\x00|\p{Cf}", ""),
    (r"[™®©\s\p{Z}\p{Cc}]+", " "),
)
_MARKS = ((MARKED, r"\1"), (POINTS, ""), (ALEF, r"\1"))
_MEASURES = (
    # Quotation marks around words, which must not be read as inches.
    (r'(^|[\s(])"([^"]*)"', r"\1\2"),
    (r'(\d)\s?"', r"\1 inch "),
    (r"(\d)\s?'(\d)", r"\1 ft \2"),
    (r"(\d)'(\s|$)", r"\1 ft\2"),
    (r"(\d)[\s-]*in\.", r"\1 inch "),
    *((rf"(\d)[\s-]*(?:{spelt})\b\.?", rf"\1 {unit} ") for unit, (spelt, _) in _UNITS.items()),
    *((rf"(\d){close}\b", rf"\1 {unit} ") for unit, (_, close) in _UNITS.items() if close),
    (r"\s+", " "),
)


def fold(text: tf.Tensor) -> tf.Tensor:
    """Writes texts one way: NFKC, lower case, single spaces, `60 inch` for `60"`: string [n] to [n].

    Latin and Greek lose their accents, Hebrew and Arabic their points; a Cyrillic й, a Thai or Hindi vowel stays. What
    an uncased BERT reads of a text without measures stays the same: it lowers case and drops marks itself.
    """
    text = tf.strings.unicode_transcode(
        tf.strings.substr(text, 0, MAX_CHARACTERS),
        "UTF-8",
        "UTF-8",
        "ignore",
        replace_control_characters=False,
    )
    for pattern, rewrite in _RULES:
        text = tf.strings.regex_replace(text, pattern, rewrite)
    text = tf_text.normalize_utf8(tf_text.case_fold_utf8(text), "NFD")
    for pattern, rewrite in _MARKS:
        text = tf.strings.regex_replace(text, pattern, rewrite)
    text = tf_text.normalize_utf8(text, "NFKC")
    for pattern, rewrite in _MEASURES:
        text = tf.strings.regex_replace(text, pattern, rewrite)
    return tf.strings.strip(text)


def fold_all(texts: Sequence[str]) -> list[str]:
    """`fold` of many texts, some at once."""
    return in_parts(fold, texts)


class QueryReader(tf.Module):
    """Mends a query's spelling by the catalogue's words, and brings words to their stems.

    Example:
        >>> read = QueryReader(["Coffee mug", "Mini refrigerator"])
        >>> read(tf.constant(["Cofee MUG", 'refridgerator 60"'])).numpy().tolist()
        [b'coffee mug', b'refrigerator 60 inch']
    """

    def __init__(
        self,
        titles: Sequence[str],
        descriptions: Sequence[str] = (),
        common: Iterable[str] = (),
        ids: Sequence[str] = (),
    ) -> None:
        """Learns the catalogue's words.

        Args:
            titles: of the catalogue.
            descriptions: of the catalogue; a misspelt word rather becomes one of a title.
            common: words of the language; they are right, though the catalogue may lack them.
            ids: of the catalogue; their words are right, too.
        """
        super().__init__()
        counts = _count_words(descriptions)
        for word, count in _count_words(titles).items():
            counts[word] += _TITLE_WORTH * count
        stems = {word: word for word in (*common, *_count_words(ids))} | _stems(counts)
        hashes = _hash(tf.constant(list(stems), tf.string, [len(stems)])).numpy()
        order = np.argsort(hashes, kind="stable")
        # -1, which is no hash, stands before all, so that there is always one to compare with.
        values = ["", *np.array(list(stems.values()), object)[order]]
        self._hashes = tf.Variable(tf.constant([-1, *hashes[order]], tf.int64), trainable=False)
        self._stems = tf.Variable(tf.constant(values, tf.string), trainable=False)
        words = list(counts)
        spelt = tf.strings.regex_full_match(tf.constant(words, tf.string, [len(words)]), _KNOWN).numpy()
        self._spelling = Spelling(
            {word: counts[word] for word, is_so in zip(words, spelt, strict=True) if is_so}
        )

    def __call__(self, query: tf.Tensor) -> tf.Tensor:
        """Returns queries as the catalogue would write them: string [b] to [b].

        A word that neither the catalogue nor the language knows becomes the nearest of the catalogue's; see
        Spelling. A query of known words only changes as `fold` does it.
        """
        parts = _parts(fold(query))
        words = tf.strings.regex_replace(parts.values, "'", "")
        _, known = self._look_up(words)
        place = tf.range(tf.size(words, tf.int64), dtype=tf.int64) - tf.gather(
            parts.row_starts(), parts.value_rowids()
        )
        odd = ~known & tf.strings.regex_full_match(words, _MENDED) & (place < _MENDED_PARTS)
        where = tf.where(odd)
        unknown = tf.gather_nd(words, where)
        # Most queries have none, and are spared the time.
        mended = tf.cond(tf.size(unknown) > 0, lambda: self._spelling(unknown), lambda: unknown)
        # A word that nothing is near to keeps its apostrophe.
        same = mended == unknown
        mended = tf.where(same, tf.gather_nd(parts.values, where), mended)
        return tf.strings.reduce_join(
            parts.with_values(tf.tensor_scatter_nd_update(parts.values, where, mended)), axis=1
        )

    def stems(self, text: tf.Tensor) -> tf.Tensor:
        """Brings folded texts' words to the stems that both sides of the lexical index share: string [n] to [n]."""
        parts = _parts(text)
        words = tf.strings.regex_replace(parts.values, "'", "")
        stems, known = self._look_up(words)
        return tf.strings.reduce_join(parts.with_values(tf.where(known, stems, words)), axis=1)

    def stems_of(self, texts: Sequence[str]) -> list[str]:
        """`stems` of many folded texts."""
        return in_parts(self.stems, texts)

    def _look_up(self, words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The stem of each word, and whether the word is known: string [m] to string [m], bool [m]."""
        hashes = _hash(words)
        place = tf.searchsorted(self._hashes, hashes, side="right") - 1
        return tf.gather(self._stems, place), tf.gather(self._hashes, place) == hashes


def _parts(text: tf.Tensor) -> tf.RaggedTensor:
    """Folded texts cut before and behind each word, and where its script changes: string [n] to [n, (parts)]."""
    marked = tf.strings.regex_replace(text, _WORD, rf"{_MARK}\1{_MARK}")
    marked = tf.strings.regex_replace(marked, rf"((?:{CHARACTER})+)", rf"{_MARK}\1{_MARK}")
    return tf.strings.split(marked, _MARK)


def _hash(words: tf.Tensor) -> tf.Tensor:
    return tf.strings.to_hash_bucket_fast(words, 2**63 - 1)


def in_parts(function: Callable[[tf.Tensor], tf.Tensor], texts: Sequence[str]) -> list[str]:
    """A function of texts, string [n] to [n], on many of them, some at once."""
    parts = (texts[start : start + _AT_ONCE] for start in range(0, len(texts), _AT_ONCE))
    return [text.decode() for part in parts for text in function(tf.constant(part)).numpy()]


def _count_words(texts: Sequence[str]) -> Counter[str]:
    """How often each word occurs, apostrophes left out."""
    counts: Counter[str] = Counter()
    for text in in_parts(lambda part: _words_alone(fold(part)), texts):
        counts.update(text.split())
    return counts


def _words_alone(text: tf.Tensor) -> tf.Tensor:
    """The words of texts with a space between them, without those that only characters make up: string [n] to [n]."""
    for pattern, rewrite in (("'", ""), (r"[^\p{L}\p{N}\p{M}]+", " "), (rf"(?:{CHARACTER})+", " ")):
        text = tf.strings.regex_replace(text, pattern, rewrite)
    return text


def _stems(counts: Mapping[str, int]) -> dict[str, str]:
    """The stem of each of the catalogue's words, and of those that differ from one by a plural's ending.

    Only what the catalogue writes both ways, or one way and the query the other, is taken for a plural: that
    keeps the rule from other languages' words.
    """
    other: dict[str, str] = {}
    for word in sorted(counts):
        for form in (_singular(word), *_plurals(word)):
            if form and form not in counts:
                other.setdefault(form, word)
    own = {word: single if (single := _singular(word)) in counts else word for word in counts}
    return {**{form: own[word] for form, word in other.items()}, **own}


def _singular(word: str) -> str:
    """Harman's S stemmer (1991): "" of what is no plural."""
    if len(word) < SHORTEST or not word.isalpha():
        return ""
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return f"{word[:-3]}y"
    if word.endswith(("ses", "xes", "zes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("us", "ss")):
        return word[:-1]
    return ""


def _plurals(word: str) -> tuple[str, ...]:
    if len(word) < SHORTEST - 1 or not word.isalpha():
        return ()
    return tuple(
        plural for plural in (f"{word}s", f"{word}es", f"{word[:-1]}ies") if _singular(plural) == word
    )
