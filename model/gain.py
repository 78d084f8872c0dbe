"""What a part of a model is worth to a shop, and whether that is sure enough to keep it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEAST = 30
"""Fewer questions say nothing: the part is off."""
UNTOLD = "this shop has no events of its own to judge by"
_RESAMPLES, _LEVEL = 1000, 0.05
"""Of the bootstrap; the lower end of a 90 % interval."""
_AT_ONCE = 1 << 22


@dataclasses.dataclass(frozen=True)
class Gain:
    """A part, and what it won.

    Example:
        >>> found = Gain.of("head", np.full(60, 0.3), np.full(60, 0.2))
        >>> found.on, round(found.gain, 3), found.questions
        (True, 0.1, 60)
        >>> Gain.of("head", np.full(60, 0.2), np.full(60, 0.2)).on
        False

    Attributes:
        part: its name.
        on: whether it is kept.
        gain: in nDCG, with it less without it; 0 where it wasn't tried.
        low: the lower end of the gain's 90 % interval: above 0, or the part is off.
        questions: of this shop's own, on so many.
        why: why it is on or off, where the gain doesn't say it; "" else.
    """

    part: str
    on: bool
    gain: float = 0.0
    low: float = 0.0
    questions: int = 0
    why: str = ""

    @staticmethod
    def of(part: str, with_it: Floats, without: Floats) -> Gain:
        """Judges a part by the nDCG of the same questions with it and without it, [q] each."""
        gains = with_it - without
        if len(gains) < LEAST:
            why = f"{len(gains)} questions are too few to judge by; {LEAST} are needed"
            return Gain(part, False, questions=len(gains), why=why)
        low = lower_end(gains)
        return Gain(part, low > 0, float(gains.mean()), low, len(gains))

    @staticmethod
    def off(part: str, why: str) -> Gain:
        """A part that can't be tried."""
        return Gain(part, False, why=why)

    def record(self) -> dict[str, Any]:
        """What the evaluation report shows."""
        return dataclasses.asdict(self)


def lower_end(gains: Floats) -> float:
    """The lower end of the 90 % interval of the mean of paired gains, by the percentile bootstrap (Efron, 1979).

    Example:
        >>> lower_end(np.array([0.5, 0.5, 0.5]))
        0.5
    """
    random, size = np.random.default_rng(17), len(gains)
    step = max(1, _AT_ONCE // size)
    means = [
        gains[random.integers(size, size=(min(step, _RESAMPLES - start), size))].mean(axis=1)
        for start in range(0, _RESAMPLES, step)
    ]
    return float(np.quantile(np.concatenate(means), _LEVEL))


def ndcg_of(question: npt.NDArray[np.int64], scores: Floats, good: npt.NDArray[np.bool_]) -> Floats:
    """NDCG of each question that has something good among its candidates.

    Args:
        question: of each candidate, from 0, [n].
        scores: the higher the better, [n]; of equals the first leads.
        good: whether it was taken, [n].

    Returns:
        [q], in the order of the questions.

    Example:
        >>> asked, taken = np.array([0, 0, 1, 1, 2]), np.array([True, False, True, False, False])
        >>> ndcg_of(asked, np.array([0.9, 0.1, 0.1, 0.9, 0.5]), taken).round(3).tolist()  # Nothing was taken of the last.
        [1.0, 0.631]
    """
    count = int(question.max(initial=-1)) + 1
    order = np.lexsort((-scores, question))
    asked, hit = question[order], good[order]
    first = np.searchsorted(asked, np.arange(count))
    place = np.arange(len(asked)) - first[asked]
    found = np.bincount(asked, hit / np.log2(place + 2.0), count)
    many = np.bincount(asked, hit, count).astype(np.int64)
    ideal = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(2, many.max(initial=0) + 2)))])[many]
    kept = many > 0
    return np.asarray(found[kept] / ideal[kept], np.float64)
