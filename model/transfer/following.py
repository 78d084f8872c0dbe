"""What is taken next in a visit by what it has in common with what was taken: learnt in one shop, foretold for another's items."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import scipy.optimize

from aisle.model.gain import LEAST, Floats
from aisle.model.transfer.content import Shelf
from aisle.model.transfer.taught import Following

ALIKE = ("text", "text_near", "category", "department", "brand", "price")
"""What two items have in common."""
LARGEST = 20_000
"""Items of a catalogue each of which is compared with all."""
_PAIRS, _OTHERS = 5_000, 200
"""Pairs that are learnt from, and items drawn beside the one that was taken next."""
_RIDGE = 1e-4
_KEPT = 100
"""Items that each item is said to be followed by."""
_AT_ONCE = 4_000_000
_COMPARED = 100
"""Items whose texts are compared at once, each with its own others."""
_Ints = npt.NDArray[np.int64]


class Likeness:
    """What items of a catalogue have in common.

    Example:
        >>> shelf = Shelf(np.eye(3), np.array([1.0, 2.0, 9.0]), "words", ["Home/Mugs", "Home/Pans", ""], ["Ox", "Ox", ""])
        >>> values = Likeness(shelf).of(np.array([0]), np.array([[1, 2]]))
        >>> dict(zip(ALIKE[2:], values[0, 0, 2:].tolist()))  # One department, one brand, and neighbours in price.
        {'category': 0.0, 'department': 1.0, 'brand': 1.0, 'price': -0.5}
    """

    def __init__(self, shelf: Shelf) -> None:
        """Args: `shelf`: the catalogue's content."""
        self._texts, count = shelf.texts, len(shelf.texts)
        self._place = shelf.priced()[:, 0]
        names = (shelf.categories, [one.split("/")[0] for one in shelf.categories], shelf.brands)
        self._names = [_numbered(values, count) for values in names]
        one, other = np.random.default_rng(0).integers(count, size=(2, 10_000))
        usual = (self._directions(one) * self._directions(other)).sum(1)[one != other]
        self._mean, self._spread = (
            (float(usual.mean()), max(float(usual.std()), 1e-6)) if len(usual) else (0.0, 1.0)
        )

    def of(self, items: _Ints, others: _Ints) -> npt.NDArray[np.float32]:
        """ALIKE of each item with each of its others: [m] and [m, o] (or [1, o] for the same of all) to [m, o, F].

        The cosine of texts counts by how far it lies from the usual one in this catalogue, in standard deviations.
        """
        if len(others) == 1:
            cosine = self._directions(items) @ self._all[others[0]].T
        else:
            blocks = [slice(at, at + _COMPARED) for at in range(0, len(items), _COMPARED)]
            cosine = np.concatenate([self._cosines(items[block], others[block]) for block in blocks])
        near = (cosine - self._mean) / self._spread
        same = [(n[items][:, None] == n[others]) & (n[items] >= 0)[:, None] for n in self._names]
        apart = -np.abs(self._place[items][:, None] - self._place[others])
        return np.stack([near, np.maximum(near, 0.0) ** 2 / 4.0, *same, apart], 2, dtype=np.float32)

    def _cosines(self, items: _Ints, others: _Ints) -> npt.NDArray[np.float32]:
        """The cosine of each item's text with those of its others: [m] and [m, o] to [m, o]."""
        texts = self._directions(others.ravel()).reshape(*others.shape, -1)
        return np.asarray(np.einsum("mt,mot->mo", self._directions(items), texts))

    def _directions(self, rows: _Ints) -> npt.NDArray[np.float32]:
        """The texts of some items at length 1: [m, t]."""
        texts = np.asarray(self._texts[rows], np.float32)
        return texts / np.maximum(np.linalg.norm(texts, axis=1, keepdims=True), 1e-9)

    @functools.cached_property
    def _all(self) -> npt.NDArray[np.float32]:
        """The same of all items."""
        return self._directions(np.arange(len(self._texts)))


def _numbered(values: list[str], count: int) -> _Ints:
    """Each name by number, -1 where there is none: [n]."""
    known: dict[str, int] = {"": -1}
    return np.array([known.setdefault(value, len(known)) for value in values] or [-1] * count, np.int64)


def learn(shelf: Shelf, pairs: _Ints, seed: int = 0) -> Following | None:
    """Learns which of all items is taken next, by a multinomial logit over what it has in common with the one before.

    Source: McFadden, Conditional Logit Analysis of Qualitative Choice Behavior, 1974, its choices drawn: where all are as
    likely to be drawn the estimate is consistent (McFadden, Modelling the Choice of Residential Location, 1978).

    Args:
        shelf: the catalogue's content.
        pairs: rows of an item and of the one that was taken next in the same visit, [p, 2].
        seed: of the draws.

    Returns:
        None where there are fewer than LEAST pairs.
    """
    if len(pairs) < LEAST:
        return None
    random = np.random.default_rng(seed)
    before, then = pairs[random.permutation(len(pairs))[:_PAIRS]].T
    others = np.sort(random.integers(len(shelf.texts), size=(len(before), _OTHERS)), axis=1)
    alike = Likeness(shelf).of(before, np.concatenate([then[:, None], others], 1))
    drawn = np.ones(alike.shape[:2], np.bool_)
    # Each once, or what was taken would seem rarer than it is.
    drawn[:, 2:] = others[:, 1:] != others[:, :-1]
    drawn[:, 1:] &= (others != before[:, None]) & (others != then[:, None])

    def loss(weights: Floats) -> tuple[float, Floats]:
        chance = _chances(alike @ weights, drawn)
        slope = (np.einsum("po,pof->f", chance, alike) - alike[:, 0].sum(0)) / len(before)
        entropy = -np.log(np.maximum(chance[:, 0], 1e-12)).mean()
        return float(entropy + _RIDGE * weights @ weights), slope + 2 * _RIDGE * weights

    found = scipy.optimize.minimize(loss, np.zeros(len(ALIKE)), jac=True, method="L-BFGS-B")
    return Following(ALIKE, np.asarray(found.x, np.float32))


def followers(following: Following, shelf: Shelf) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """The items by which each is most likely to be followed, int32 [n, K], and how likely, float32 [n, K]."""
    alike, count = Likeness(shelf), len(shelf.texts)
    kept, step = min(_KEPT, count - 1), max(1, _AT_ONCE // max(count, 1))
    parts = []
    for start in range(0, count, step):
        rows = np.arange(start, min(start + step, count))
        others = rows[:, None] != np.arange(count)
        chances = _chances(alike.of(rows, np.arange(count)[None]) @ following.weights, others)
        top = np.argpartition(-chances, kept - 1, axis=1)[:, :kept]
        parts.append((top.astype(np.int32), np.take_along_axis(chances, top, 1).astype(np.float32)))
    items, found = zip(*parts, strict=True)
    return np.concatenate(items), np.concatenate(found)


def why_not(following: Following | None, shelf: Shelf) -> str:
    """Why what another shop teaches says nothing of this one's items; "" where it does."""
    if following is None:
        return "too little was taken in one visit in the other shop"
    if following.alike != ALIKE:
        return "the other shop compares items in another way: run this version on that shop again"
    if not 1 < len(shelf.texts) <= LARGEST:
        return f"each item is compared with all others, of {LARGEST:,} at most, and there are {len(shelf.texts):,}"
    return ""


def _chances(logits: npt.NDArray[np.floating], there: npt.NDArray[np.bool_]) -> Floats:
    """The softmax of each row over those that are there: [m, o]."""
    kept = np.where(there, logits, -np.inf)
    worth = np.exp(kept - kept.max(1, keepdims=True))
    return np.asarray(worth / worth.sum(1, keepdims=True), np.float64)
