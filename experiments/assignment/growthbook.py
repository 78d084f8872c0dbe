"""The buckets of GrowthBook's SDKs, so that a shop that has one gives each user the same arm on both sides.

As in version 0.5 of the SDKs' specification: FNV-1a over UTF-16 code units, twice in hash version 2; an arm's bucket
begins where it would at full coverage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Range = tuple[float, float]
"""From, and to below."""


def fnv1a_32(text: str) -> int:
    """The 32-bit FNV-1a hash of a text's UTF-16 code units, as JavaScript's `charCodeAt` gives them."""
    coded = text.encode("utf-16-le", "surrogatepass")
    value = 0x811C9DC5
    for low, high in zip(coded[::2], coded[1::2], strict=True):
        value = ((value ^ (low | high << 8)) * 0x01000193) & 0xFFFFFFFF
    return value


def place_v1(seed: str, unit: str) -> float:
    """A unit's place by hash version 1, in steps of 0.001; different seeds' places aren't quite independent."""
    return fnv1a_32(unit + seed) % 1000 / 1000


def place_v2(seed: str, unit: str) -> float:
    """A unit's place by hash version 2, in steps of 0.0001."""
    return fnv1a_32(str(fnv1a_32(seed + unit))) % 10_000 / 10_000


def bucket_ranges(arms: int, coverage: float, weights: Sequence[float] | None = None) -> list[Range]:
    """Each arm's range of places.

    Args:
        arms: how many there are.
        coverage: the share of all units that gets any arm; below 0 is 0, above 1 is 1.
        weights: each arm's share of them; all alike where there are none, or they aren't one for each arm, or they
            don't add up to 1 within 0.01.
    """
    coverage = min(max(coverage, 0.0), 1.0)
    if weights is None or len(weights) != arms or not 0.99 <= sum(weights) <= 1.01:
        weights = [1 / arms] * arms
    # fsum: ten arms of 0.1 end at 1, not just below.
    ends = [math.fsum(weights[:count]) for count in range(arms + 1)]
    return [
        (start, end if coverage == 1 else start + coverage * weight)
        for start, end, weight in zip(ends[:-1], ends[1:], weights, strict=True)
    ]


def choose(place: float, ranges: Sequence[Range]) -> int | None:
    """Which of the ranges holds a place; None where none does."""
    return next((arm for arm, (start, end) in enumerate(ranges) if start <= place < end), None)
