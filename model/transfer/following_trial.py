"""Whether what another shop says of what is taken next is surely better than what this shop's visits say themselves."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from aisle.model.gain import UNTOLD, Floats, Gain
from aisle.model.transfer.content import Shelf
from aisle.model.transfer.following import followers, why_not
from aisle.model.transfer.lent import Follows
from aisle.model.transfer.taught import Following

PART = "next"
_VISITS = (1.0, 3.0, 10.0, 30.0)
"""For so many of an item's visits what another shop says counts, which are tried: of equally good ones the first."""
_UNTOLD_VISITS = 10.0
_ASKED = 4_000
_AT_ONCE = 500
_Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Visits:
    """What was taken next in visits.

    Example:
        >>> visits = Visits(np.array([[0, 1], [1, 2]]), np.array([7, 7]))
        >>> visits.pairs[:, 1].tolist()  # One visitor took the items 0, 1 and 2.
        [1, 2]

    Attributes:
        pairs: rows of an item and of the next one, [p, 2].
        visitors: the number of who took it, [p].
    """

    pairs: _Ints
    visitors: _Ints


def lent_follows(
    following: Following | None, shelf: Shelf, before: Visits, later: Visits
) -> tuple[Follows | None, Gain]:
    """What each item is likely to be followed by, where that foretells surely better what is taken next.

    What is taken next in the visits of the validation window is looked for among all items: in the order of how often visits
    before it held both, and of how often they held any; and with what another shop says beside.

    Args:
        following: what another shop teaches.
        shelf: this shop's catalogue.
        before: the validation window.
        later: in it.

    Returns:
        None where it doesn't surely win; and the gain.
    """
    why = why_not(following, shelf)
    if following is None or why:
        return None, Gain.off(PART, why)
    items, chances = followers(following, shelf)
    if not len(before.pairs) and not len(later.pairs):
        return Follows(items, chances, _UNTOLD_VISITS), Gain(PART, True, why=UNTOLD)
    chosen = np.random.default_rng(0).permutation(len(later.pairs))[:_ASKED]
    asked = Visits(later.pairs[chosen], later.visitors[chosen])
    alone = _found(asked, before, len(items), None)
    tried = [Follows(items, chances, visits) for visits in _VISITS]
    found = [_found(asked, before, len(items), one) for one in tried]
    best = int(np.argmax([one.mean() if len(one) else 0.0 for one in found]))
    gain = Gain.of(PART, found[best], alone)
    return (tried[best] if gain.on else None), gain


def _found(asked: Visits, before: Visits, count: int, follows: Follows | None) -> Floats:
    """NDCG of what each visitor took next: the mean over their pairs, [visitors]."""
    item, then = before.pairs.T
    together = sp.csr_matrix((np.ones(2 * len(item)), (np.r_[item, then], np.r_[then, item])), (count, count))
    sells = np.bincount(before.pairs.ravel(), minlength=count) / max(before.pairs.size, 1)
    if follows is not None:
        rows = np.repeat(np.arange(count), follows.items.shape[1])
        lent = sp.csr_matrix((follows.chances.ravel(), (rows, follows.items.ravel())), (count, count))
        together = (together + follows.visits * lent).tocsr()
    parts = [np.zeros(0)]
    for start in range(0, len(asked.pairs), _AT_ONCE):
        first, second = asked.pairs[start : start + _AT_ONCE].T
        scores = together[first].toarray() + sells
        scores[np.arange(len(first)), first] = -np.inf
        own = scores[np.arange(len(first)), second][:, None]
        # Of equals the middle one's place, so that an order by nothing wins nothing.
        rank = (scores > own).sum(1) + ((scores == own).sum(1) - 1) / 2
        parts.append(1.0 / np.log2(rank + 2.0))
    _, visitor = np.unique(asked.visitors, return_inverse=True)
    return np.asarray(
        np.bincount(visitor.ravel(), np.concatenate(parts)) / np.bincount(visitor.ravel()), np.float64
    )
