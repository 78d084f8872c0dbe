"""The phrases that a shop's customers use: words, and in scripts without spaces runs of characters that belong together."""

from __future__ import annotations

import collections
import html
import math
import re
from collections.abc import Iterable, Sequence

import numpy as np

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
"""Thai, Lao, Burmese, Khmer, Kana, Han."""
_RUNS = re.compile(rf"[{_UNSPACED}]+|[^\W\d_{_UNSPACED}]+")
_TAGS = re.compile(r"</?[a-zA-Z][^<>]{0,500}>")
_READ = 2_000
_LONGEST, _SHORTEST = 3, 3
"""Characters of a run, at most; letters of a word, at least."""
_COHESION = 1.0
"""The least pointwise mutual information, in nats, of the characters of a run."""
_COMMONEST = 0.3
"""A phrase that a larger share of the reviews holds says nothing of any of them."""
_FEWEST = 5


def frequent_phrases(texts: Sequence[str], most: int) -> list[str]:
    """The phrases that most reviews hold, the commonest first.

    Example: of `物流很快`, a hundred times among others, 物流 is one and 流很 is none.

    Args:
        texts: of reviews.
        most: how many are wanted at most.
    """
    held: collections.Counter[str] = collections.Counter()
    for text in texts:
        held.update(set(_candidates(text)))
    count = len(texts)
    bounds = range(max(_FEWEST, count // 1000), max(_FEWEST, int(_COMMONEST * count)) + 1)
    likely = [phrase for phrase, times in held.most_common() if times in bounds and len(phrase) > 1]
    found = [phrase for phrase in likely if _belongs_together(phrase, held, count)][:most]
    return found


def occurrences(texts: Sequence[str], phrases: Iterable[str]) -> dict[str, np.ndarray]:
    """Which texts hold each of the phrases: rows, ascending."""
    rows: dict[str, list[int]] = {phrase: [] for phrase in phrases}
    for row, text in enumerate(texts):
        for phrase in rows.keys() & set(_candidates(text)):
            rows[phrase].append(row)
    return {phrase: np.array(held, np.int64) for phrase, held in rows.items()}


def _candidates(text: str) -> list[str]:
    plain = html.unescape(_TAGS.sub(" ", text[:_READ])).casefold()
    found: list[str] = []
    for run in _RUNS.findall(plain):
        if not re.match(rf"[{_UNSPACED}]", run):
            found += [run] if len(run) >= _SHORTEST else []
            continue
        for length in range(1, _LONGEST + 1):
            found += [run[start : start + length] for start in range(len(run) - length + 1)]
    return found


def _belongs_together(phrase: str, held: collections.Counter[str], count: int) -> bool:
    """Whether the characters of a run meet more often than by chance; a word of letters does."""
    if not re.match(rf"[{_UNSPACED}]", phrase):
        return True
    halves = [(phrase[:cut], phrase[cut:]) for cut in range(1, len(phrase))]
    chance = max(held[one] * held[other] for one, other in halves)
    return math.log(held[phrase] * count / chance) >= _COHESION
