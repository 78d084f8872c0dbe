"""The words of new items' titles: which items have all of a query's."""

from __future__ import annotations

import bisect
import re
import unicodedata

_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
"""Of scripts that put no space between words: each sign stands for itself. Thai, Lao, Burmese, Khmer, kana, Han."""


class Words:
    """Titles by their words.

    Example:
        >>> words = Words()
        >>> words.put("i1", "Red coffee mugs")
        >>> words.put("i2", "Mug")
        >>> sorted(words.having("mug")), words.having("red mug"), words.having("red lamp")
        (['i1', 'i2'], {'i1'}, set())
    """

    def __init__(self) -> None:
        self._items: dict[str, set[str]] = {}
        self._sorted: list[str] = []
        self._of: dict[str, list[str]] = {}

    def put(self, item_id: str, text: str) -> None:
        """Takes an item's text in the place of the one before; "" is none."""
        for word in self._of.pop(item_id, ()):
            self._items[word].discard(item_id)
        if words := tokens(text):
            self._of[item_id] = words
        for word in words:
            if word not in self._items:
                self._items[word] = set()
                bisect.insort(self._sorted, word)
            self._items[word].add(item_id)

    def having(self, query: str) -> set[str]:
        """The items of which each word of the query begins a word; none for a query without words."""
        found: set[str] | None = None
        for token in tokens(query):
            with_it = self._beginning(token)
            found = with_it if found is None else found & with_it
            if not found:
                break
        return found or set()

    def _beginning(self, token: str) -> set[str]:
        found: set[str] = set()
        for place in range(bisect.bisect_left(self._sorted, token), len(self._sorted)):
            if not self._sorted[place].startswith(token):
                break
            found |= self._items[self._sorted[place]]
        return found


def tokens(text: str) -> list[str]:
    """The words of a text without case and width, and the single signs of scripts without spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(_UNSPACED.sub(r" \g<0> ", folded))
