"""The paces of all campaigns while requests are sold one after the other, as `pacing.py` has one of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from aisle.ads.auction import Whole
from aisle.ads.pacing import DualPacing, SlotPacing, SpendPlan
from aisle.ads.requests import Show

SLOTS = 96
"""Of the time that the requests take."""


class Paces:
    """The pace of each campaign, as it was when the last request came; this one leaves all bids as they are."""

    def move_to(self, at: int, multipliers: npt.NDArray[np.float64]) -> None:
        """Lets time pass."""

    def charge(self, bidders: Whole, sold: Sequence[Show], multipliers: npt.NDArray[np.float64]) -> None:
        """Tells who bid, and what was charged."""


class AfterAuctions(Paces):
    """Moves after each auction; how many each campaign meets is known, as by a forecast that is right.

    Who bids nothing meets no auction, and would never come back: a micro is bid as long as there is money.
    """

    def __init__(self, planned: Whole, expected: Whole, bids: Whole) -> None:
        self._paces = [DualPacing(int(budget)) for budget in planned]
        self._shares = 1.0 / np.maximum(expected, 1)
        self._least = np.minimum(1.5 / np.maximum(bids, 1), 1.0)

    def charge(self, bidders: Whole, sold: Sequence[Show], multipliers: npt.NDArray[np.float64]) -> None:
        paid = {show.campaign: show.charged for show in sold}
        for campaign in map(int, bidders):
            pace = self._paces[campaign].after(paid.get(campaign, 0), float(self._shares[campaign]))
            self._paces[campaign] = pace
            multipliers[campaign] = max(pace.multiplier, self._least[campaign]) if pace.multiplier else 0.0


class BySlots(Paces):
    """Moves at the end of each slot; the plan of a campaign is by the auctions that it meets in each."""

    def __init__(self, planned: Whole, expected: npt.NDArray[np.int64], start: int, length: int) -> None:
        self._paces = [
            SlotPacing(
                int(budget), plan=SpendPlan(tuple(map(float, counts)) if counts.any() else (1.0,) * SLOTS)
            )
            for budget, counts in zip(planned, expected, strict=True)
        ]
        self._spent = np.zeros(len(planned), np.int64)
        self._start, self._length = start, length

    def move_to(self, at: int, multipliers: npt.NDArray[np.float64]) -> None:
        while self._paces and self._paces[0].slot < (at - self._start) // self._length:
            self._paces = [
                pace.after(int(spent)) for pace, spent in zip(self._paces, self._spent, strict=True)
            ]
            self._spent[:] = 0
            multipliers[:] = [pace.multiplier for pace in self._paces]

    def charge(self, bidders: Whole, sold: Sequence[Show], multipliers: npt.NDArray[np.float64]) -> None:
        for show in sold:
            self._spent[show.campaign] += show.charged
