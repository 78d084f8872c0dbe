"""Sells the first places of simulated searches, and draws what becomes of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from aisle.datasets.simulator.behaviour import EXAMINATION
from benchmarks.ads.searches import Floats, Ints, Searches

PLACES = 4
"""Sold of each search, the first ones."""
ADVERTISERS = 12
"""Each has a large brand and a small one, and a campaign for each item of theirs."""
BID_DEVIATION = 0.5
"""The standard deviation of the log of a campaign's bid."""
Names = npt.NDArray[np.str_]
Quality = Callable[[Floats, Names, Names], Floats]
DAY = 86_400.0
AT_ONCE, MINUTES, DAYS = 0.5, 10.0, 2.0
"""So many of the purchases come within some minutes (an exponential mean), the others after days (each of two stages)."""


@dataclasses.dataclass(frozen=True)
class Sold:
    """Places that were sold, in the order of time, n rows.

    Attributes:
        time: [n] seconds since the epoch.
        scores: [n] what the head says.
        places: [n] from 1.
        advertisers: [n] who won.
        campaigns: [n] with which campaign: that of the item.
        click: [n] the true chance of a click, at that place.
        conversion: [n] the true chance of a purchase after it.
    """

    time: Ints
    scores: Floats
    places: Ints
    advertisers: npt.NDArray[np.str_]
    campaigns: npt.NDArray[np.str_]
    click: Floats
    conversion: Floats

    def take(self, rows: npt.NDArray) -> Sold:
        """Some places."""
        return Sold(*(getattr(self, field.name)[rows] for field in dataclasses.fields(self)))

    @staticmethod
    def joined(parts: Sequence[Sold]) -> Sold:
        """Those of several days."""
        names = [field.name for field in dataclasses.fields(Sold)]
        return Sold(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def advertisers(searches: Searches) -> Ints:
    """[items] who advertises each item: the brands by size, the largest with the smallest."""
    brands, which, counts = np.unique(searches.brands, return_inverse=True, return_counts=True)
    rank = np.empty(len(brands), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(brands))
    around = rank % (2 * ADVERTISERS)
    return np.minimum(around, 2 * ADVERTISERS - 1 - around)[which]


def sell(searches: Searches, quality: Quality, bids: Floats) -> Sold:
    """The winners of every search, by bid times quality, an advertiser's best offer alone.

    Args:
        searches: whose candidates all may be shown.
        quality: of scores, advertisers and campaigns [m]: [m] chances, by which offers are weighed.
        bids: [items] of each item's campaign.
    """
    owner = advertisers(searches)[np.maximum(searches.items, 0)]
    there = (searches.items >= 0) & np.isfinite(searches.scores)
    score = np.zeros(there.shape)
    score[there] = bids[searches.items[there]] * quality(
        searches.scores[there], owner[there].astype(str), searches.items[there].astype(str)
    )
    best = np.zeros(there.shape, bool)
    for name in range(ADVERTISERS):
        own = np.where(there & (owner == name), score, -1.0)
        first = own.argmax(axis=1)
        best[np.arange(len(own)), first] |= own[np.arange(len(own)), first] > 0
    order = np.argsort(np.where(best, -score, 0.0), axis=1, kind="stable")[:, :PLACES]
    row, place = np.nonzero(np.take_along_axis(best, order, axis=1))
    column = order[row, place]
    return Sold(
        searches.time[row],
        searches.scores[row, column],
        place + 1,
        owner[row, column].astype(str),
        searches.items[row, column].astype(str),
        searches.attraction[row, column] * EXAMINATION[place],
        searches.conversion[row, column],
    )


def ranked(searches: Searches) -> Sold:
    """What stands at the same places where nothing is sold: the candidates as the shop ranks them."""
    row, place = np.nonzero(np.isfinite(searches.scores[:, :PLACES]))
    return Sold(
        searches.time[row],
        searches.scores[row, place],
        place + 1,
        advertisers(searches)[searches.items[row, place]].astype(str),
        searches.items[row, place].astype(str),
        searches.attraction[row, place] * EXAMINATION[place],
        searches.conversion[row, place],
    )


def within(seconds: float) -> float:
    """The share of purchases that comes so soon."""
    from scipy import stats

    late = stats.gamma.cdf(seconds, 2, scale=DAYS * DAY)
    return float(AT_ONCE * -np.expm1(-seconds / (MINUTES * 60)) + (1 - AT_ONCE) * late)


def delays(count: int, rng: np.random.Generator) -> Floats:
    """[count] seconds from a click to its purchase: no exponential distribution."""
    late = rng.random(count) >= AT_ONCE
    return np.where(late, rng.gamma(2, DAYS * DAY, count), rng.exponential(MINUTES * 60, count))
