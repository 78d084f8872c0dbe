"""Numbers that others are looked up in, a piece of rows at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]


def found_at(known: Numbers, asked: Numbers) -> NDArray[np.int64]:
    """Where numbers lie among known ones, if they do: whoever asks compares what is there.

    A join hashes all that is known anew for each piece: where that grows with the rows, the seconds grow with the square of them.

    Args:
        known: one or more, ascending, [k].
        asked: in any order, [n].

    Returns:
        From 0 to below k, [n].

    Example:
        >>> found_at(np.array([2, 5], np.uint64), np.array([5, 9, 2], np.uint64)).tolist()
        [1, 1, 0]
    """
    # One after the other they are looked for near each other, which the processor's caches like.
    order, places = np.argsort(asked), np.empty(len(asked), np.int64)
    places[order] = np.searchsorted(known, asked[order])
    return np.minimum(places, len(known) - 1)
