"""Pictures that stand for none: one that far more items share than the shop's other pictures let expect."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SURPRISE = 1e-6
"""A picture is a placeholder where a shop like this one would have any of so many items less often than that."""


def placeholders(shared: NDArray[np.int64], surprise: float = SURPRISE) -> NDArray[np.bool_]:
    """Which pictures are placeholders, by how many items have each.

    Variants of an item share a picture, in some shops and not in others. How many do is taken to be geometric, as the shop's
    other pictures say; one picture more that two items share is assumed, since a few pictures say little. The
    commonest picture is judged first, without itself, then the next.

    Args:
        shared: how many items have each picture, at least 1, [n].
        surprise: see SURPRISE.

    Returns:
        [n].
    """
    order = np.argsort(-shared, kind="stable")
    found = np.zeros(len(shared), bool)
    for place, picture in enumerate(order):
        others = shared[order[place + 1 :]]
        further = float((others - 1).sum()) + 1.0
        chance = further / (further + len(others) + 1.0)
        expected = len(others) + 1.0
        if expected * chance ** (int(shared[picture]) - 1) >= surprise:
            break
        found[picture] = True
    return found
