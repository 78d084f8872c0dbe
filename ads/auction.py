"""Sells places: generalised second price (GSP), second price, and Vickrey-Clarke-Groves (VCG).

Bidders are ranked by bid times quality, as Varian (2007) has it; equal ones by quality, then by the order they came in. A
bidder's threshold for a place is the least bid that holds it: the next score, or the reserve, over the own quality. GSP
charges the threshold of the place won. VCG charges for each click the mean of the thresholds of that place and the ones
below, each weighted by the clicks that it adds: what the bidder's being there costs the others (Edelman, Ostrovsky and
Schwarz, 2007).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from aisle.ads.campaign import HIGHEST_BID, MILLION
from aisle.schema.errors import InputError

Whole = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Sold:
    """A place that was sold.

    Attributes:
        bidder: its index among the bids.
        price: of a click (or whatever is bid for), in micros; never above the bid.
    """

    bidder: int
    price: int


@dataclasses.dataclass(frozen=True)
class Bids:
    """What is bid in an auction.

    Attributes:
        amounts: [bidders], the most to be paid, in micros.
        quality: [bidders], the chance of what is paid for at the first place, in millionths; at least 1.

    Raises:
        InputError: they are no whole numbers, out of range, or not as many of both.
    """

    amounts: Whole
    quality: Whole

    def __post_init__(self) -> None:
        """Refuses what no auction can compare."""
        for what, values, least, most in (
            ("bid", self.amounts, 0, HIGHEST_BID),
            ("quality", self.quality, 1, MILLION),
        ):
            if values.ndim != 1 or values.shape != self.amounts.shape:
                raise InputError(
                    f"{what}: shape {values.shape}, expected a number a bidder, {self.amounts.shape}"
                )
            if values.dtype.kind not in "iu":
                raise InputError(
                    f"{what}: {values.dtype}, expected whole numbers: micros of bids, millionths of quality"
                )
            if values.size and not least <= values.min() <= values.max() <= most:
                raise InputError(
                    f"{what} from {values.min()} to {values.max()}, expected whole numbers from {least} to {most}"
                )

    @classmethod
    def of(cls, amounts: Sequence[int], quality: Sequence[int] | None = None) -> Bids:
        """Of plain numbers; without a quality all are alike, and a score is a bid.

        Raises:
            InputError: as above.
        """
        bids = np.asarray(amounts if len(amounts) else np.zeros(0, np.int64))
        return cls(bids, np.ones(len(bids), np.int64) if quality is None else np.asarray(quality))

    @property
    def scores(self) -> Whole:
        """Bid times quality: what a million shows bring, in micros."""
        return self.amounts.astype(np.int64) * self.quality.astype(np.int64)


def gsp(bids: Bids, places: int, reserve: int = 0) -> list[Sold]:
    """Each winner pays the least bid that holds its place; with one place it is the second-price auction.

    Args:
        bids: of all that may be shown.
        places: how many to sell; fewer are sold where fewer bid.
        reserve: the least score that is sold, in micros for a million shows.

    Raises:
        InputError: places or reserve is negative.
    """
    _check(places, reserve)
    scores = bids.scores
    ranked = rank(bids, scores, places + 1, reserve)
    return [
        Sold(one, _threshold(_score(scores, ranked, place + 1, reserve), int(bids.quality[one])))
        for place, one in enumerate(ranked[:places])
    ]


def gsp_by_place(
    bids: Bids, fits: npt.NDArray[np.bool_], shows: npt.NDArray[np.integer[Any]], reserve: int = 0
) -> list[Sold | None]:
    """As `gsp` where not everybody may stand at every place, and what is shown stands once.

    Each place goes to the best bidder that fits it and shows what doesn't stand yet. It pays the least bid that holds the
    place against all others of that kind.

    Args:
        bids: of all that may be shown.
        fits: [places, bidders], who may stand where.
        shows: [bidders], a number of what each would show.
        reserve: as in `gsp`.

    Returns:
        [places], None where nobody fits.

    Raises:
        InputError: the reserve is negative.
    """
    _check(len(fits), reserve)
    scores, left = bids.scores, np.ones(len(bids.amounts), bool)
    found: list[Sold | None] = []
    for able in fits:
        rivals = np.where(able & left, scores, 0)
        best = int(rivals.max(initial=0))
        if best < max(reserve, 1):
            found.append(None)
            continue
        equal = np.flatnonzero(rivals == best)
        winner = int(equal[bids.quality[equal].argmax()])
        rivals[winner] = 0
        price = _threshold(max(int(rivals.max()), reserve), int(bids.quality[winner]))
        found.append(Sold(winner, price))
        left &= shows != shows[winner]
    return found


def second_price(bids: Bids, reserve: int = 0) -> Sold | None:
    """The winner of one place, who pays the second score over the own quality; None where nobody reaches the reserve."""
    return next(iter(gsp(bids, 1, reserve)), None)


def vcg(bids: Bids, clicks: Sequence[int], reserve: int = 0) -> list[Sold]:
    """Each winner pays what its being there costs the others, rounded down to whole micros a click.

    Args:
        bids: of all that may be shown.
        clicks: how many each place gets, the first place first, in any unit; a lower place gets at most as many.
        reserve: as in `gsp`.

    Raises:
        InputError: clicks are negative or rise, or the reserve is negative.
    """
    _check(len(clicks), reserve)
    if any(least < 0 for least in clicks) or any(
        low > high for high, low in zip(clicks, clicks[1:], strict=False)
    ):
        raise InputError(
            f"clicks by place are {list(clicks)}, expected whole numbers from the most to the least"
        )
    scores = bids.scores
    ranked = rank(bids, scores, len(clicks) + 1, reserve)
    sold = []
    owed, below = 0, 0
    for place in reversed(range(min(len(clicks), len(ranked)))):
        owed += (clicks[place] - below) * _score(scores, ranked, place + 1, reserve)
        below = clicks[place]
        quality = int(bids.quality[ranked[place]])
        sold.append(Sold(ranked[place], owed // (below * quality) if below else 0))
    return sold[::-1]


def rank(bids: Bids, scores: Whole, most: int, reserve: int) -> list[int]:
    """The best bidders that bid at all and reach the reserve, best first."""
    able = np.flatnonzero(scores >= max(reserve, 1))
    if len(able) > most > 0:
        # Only those that reach the last score that counts are sorted: of 10,000 bidders a handful.
        bar = np.partition(scores[able], len(able) - most)[len(able) - most]
        able = able[scores[able] >= bar]
    order = np.lexsort((able, -bids.quality[able].astype(np.int64), -scores[able]))
    return [int(one) for one in able[order][:most]]


def _score(scores: Whole, ranked: Sequence[int], place: int, reserve: int) -> int:
    """The score that a bidder must beat to stand before a place."""
    return max(int(scores[ranked[place]]) if place < len(ranked) else 0, reserve)


def _threshold(score: int, quality: int) -> int:
    """The least whole bid whose score is as high."""
    return -(-score // quality)


def _check(places: int, reserve: int) -> None:
    if places < 0 or reserve < 0:
        raise InputError(f"{places} places with a reserve of {reserve}, expected neither below 0")
