"""What sells by what it is: a shop's takings by the texts and prices of its items, foretold for the items of another shop."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from aisle.model.gain import LEAST, UNTOLD, Floats, Gain
from aisle.model.spilled import SpilledRows
from aisle.model.transfer.taught import Content

PART = "worth"
MOST = 5_000
"""Items that are learnt from; of more a part is drawn."""
_ALPHAS = np.logspace(-2, 4, 13)
_TAKINGS = (0.3, 1.0, 3.0, 10.0)
"""Takings that an average item is lent, which are tried: of equally good ones the first."""


@dataclasses.dataclass(frozen=True)
class Shelf:
    """The content of a catalogue.

    Example:
        >>> shelf = Shelf(np.zeros((3, 2)), np.array([5.0, 1.0, np.nan]), "words")
        >>> shelf.priced()[:, 0].tolist()  # The price's place; in the middle where it is unknown.
        [1.0, 0.0, 0.5]

    Attributes:
        texts: embeddings of the items' texts [n, t], in memory or in a file.
        prices: NaN where unknown [n]; of any currency, since only their order counts.
        encoder: what the vocabulary of the texts' encoder is known by.
        categories, brands: "" where unknown [n]; empty where the shop names none.
    """

    texts: npt.NDArray[np.floating] | SpilledRows
    prices: npt.NDArray[np.floating]
    encoder: str
    categories: list[str] = dataclasses.field(default_factory=list)
    brands: list[str] = dataclasses.field(default_factory=list)

    def priced(self) -> Floats:
        """The place of each price among all, 0 to 1, its square, and 1: [n, 3]."""
        known = np.isfinite(self.prices)
        place = np.full(len(self.prices), 0.5)
        order = np.argsort(np.argsort(self.prices[known], kind="stable"), kind="stable")
        place[known] = order / max(known.sum() - 1, 1)
        return np.stack([place, place**2, np.ones(len(place))], 1)


def learn(shelf: Shelf, taken: npt.NDArray[np.floating], seed: int = 0) -> Content | None:
    """Learns how often items are taken of what they are, by a ridge regression of the logarithm.

    Source: Hoerl and Kennard, Ridge Regression, Technometrics 1970; its strength by leave-one-out.

    Args:
        shelf: the catalogue's content.
        taken: how often each item was taken [n].
        seed: of the draw where there are many items.

    Returns:
        None where fewer than LEAST items were taken.
    """
    if (taken > 0).sum() < LEAST:
        return None
    from sklearn.linear_model import RidgeCV  # Takes a second to import.

    chosen = np.random.default_rng(seed).permutation(len(taken))[:MOST]
    read = np.concatenate([shelf.texts[chosen], shelf.priced()[chosen, :-1]], 1)
    fitted = RidgeCV(alphas=_ALPHAS).fit(read, np.log1p(taken[chosen]))
    return Content(shelf.encoder, np.append(fitted.coef_, fitted.intercept_).astype(np.float32))


def foretold(content: Content, shelf: Shelf) -> Floats:
    """How often each item is taken beside an average one: [n], of mean 1."""
    width = content.text_width
    logs = shelf.texts[:] @ content.worth[:width] + shelf.priced() @ content.worth[width:]
    worth = np.exp(logs - logs.max(initial=0.0))
    return np.asarray(worth / max(worth.mean(), 1e-12), np.float64)


def why_not(content: Content | None, shelf: Shelf) -> str:
    """Why what another shop teaches says nothing of this one's items; "" where it does."""
    if content is None:
        return "too few items were taken in the other shop"
    if content.encoder != shelf.encoder:
        return "the other shop's texts were read by an encoder of another vocabulary"
    if content.text_width != shelf.texts.shape[1]:
        return f"the other shop's texts are vectors of {content.text_width} numbers, this one's of {shelf.texts.shape[1]}"
    return ""


def lent(
    content: Content | None,
    shelf: Shelf,
    taken: Floats,
    later: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
) -> tuple[Floats | None, Gain]:
    """The takings that each item is lent, where they foretell surely better what is taken next.

    Users of the validation window are asked what they took: items are in the order of their takings of the 28 days before,
    with what is lent and without.

    Args:
        content: what another shop teaches.
        shelf: this shop's catalogue.
        taken: how often each item was taken in the 28 days before the validation window [n].
        later: the number of the user and the row of the item of each pair that was taken in that window.

    Returns:
        Takings of 28 days [n], None where they don't surely win; and the gain.
    """
    why = why_not(content, shelf)
    if content is None or why:
        return None, Gain.off(PART, why)
    relative, (users, items) = foretold(content, shelf), later
    if not len(users):
        return relative, Gain(PART, True, why=UNTOLD)
    alone = _by_order(np.log1p(taken), users, items)
    found = [_by_order(np.log1p(taken + lent * relative), users, items) for lent in _TAKINGS]
    best = int(np.argmax([one.mean() for one in found]))
    gain = Gain.of(PART, found[best], alone)
    return (_TAKINGS[best] * relative if gain.on else None), gain


def _by_order(scores: Floats, users: npt.NDArray[np.int64], items: npt.NDArray[np.int64]) -> Floats:
    """NDCG of what each user took, all items being in one order: [users]."""
    rank = np.empty(len(scores), np.int64)
    rank[np.argsort(-scores, kind="stable")] = np.arange(len(scores))
    _, user = np.unique(users, return_inverse=True)
    gained = np.bincount(user.ravel(), 1.0 / np.log2(rank[items] + 2.0))
    many = np.bincount(user.ravel())
    ideal = np.cumsum(1.0 / np.log2(np.arange(2, many.max() + 2)))
    return np.asarray(gained / ideal[many - 1], np.float64)
