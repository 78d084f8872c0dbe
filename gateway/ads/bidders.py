"""How often each campaign bids: counted here, and told to the ledger once in a while, so that a win rate can be said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from aisle.ads.auction import Whole
from aisle.gateway.ads.files import Booked
from aisle.gateway.ads.ledger import Ledger
from aisle.gateway.recents.store import StoreDown


class Bidders:
    """Counts bids. A kill loses those of the last half minute: they are no money."""

    def __init__(self, ledger: Ledger, booked: Booked) -> None:
        """Nobody has bid yet."""
        self._ledger = ledger
        self._untold: Counter[str] = Counter()
        self._booked, self._counts = booked, np.zeros(len(booked.market), np.int64)

    def count(self, booked: Booked, rounds: Sequence[Whole]) -> None:
        """Counts the bidders of a request, each once.

        Args:
            booked: whose campaigns they are.
            rounds: the places of the campaigns that bid in each auction of it.
        """
        if booked is not self._booked:
            self._gather()
            self._booked, self._counts = booked, np.zeros(len(booked.market), np.int64)
        for number, places in enumerate(rounds):
            fresh = np.setdiff1d(places, np.concatenate(rounds[:number])) if number else places
            self._counts[fresh] += 1

    async def tell(self) -> None:
        """Has the ledger know of them, now or when it is back."""
        self._gather()
        told, self._untold = self._untold, Counter()
        try:
            if told:
                await self._ledger.bid(told)
        except StoreDown:  # Of many some may be told twice then.
            self._untold += told

    def _gather(self) -> None:
        campaigns = self._booked.market.campaigns
        for place in np.flatnonzero(self._counts).tolist():
            self._untold[campaigns[place].campaign_id] += int(self._counts[place])
        self._counts[:] = 0
