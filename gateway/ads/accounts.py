"""This process's copy of the accounts: what an auction reads, a moment behind the ledger, which decides."""

from __future__ import annotations

import asyncio
import logging

import numpy as np
import numpy.typing as npt

from aisle.ads.auction import Whole
from aisle.gateway.ads.files import Booked
from aisle.gateway.ads.ledger import Account, Changes, Ledger
from aisle.gateway.ads.pace import Pace
from aisle.gateway.recents.store import StoreDown

LOOK_SECONDS = 0.25
"""How far the copy is behind what other gateways sold and charged."""


class Accounts:
    """The accounts of a ledger, as arrays of the campaigns that may be sold.

    Attributes:
        known: by campaign.
    """

    def __init__(self, ledger: Ledger, booked: Booked) -> None:
        """Knows nothing yet."""
        self._ledger = ledger
        self._life, self._place = "", 0
        self._apart, self._reading = False, asyncio.Lock()
        self.known: dict[str, Account] = {}
        self.book(booked)

    def book(self, booked: Booked) -> None:
        """Takes the campaigns that may be sold from now on."""
        self._booked = booked
        self._committed: Whole = np.zeros(len(booked.market), np.int64)
        self._multipliers = np.ones(len(booked.market))
        self._amounts = booked.market.amounts(booked.budgets)
        self._take(self.known)

    @property
    def amounts(self) -> Whole:
        """[campaigns], in micros: what each bids at most, of what is neither spent nor held; it follows, and isn't to be changed."""
        return self._amounts

    @property
    def multipliers(self) -> npt.NDArray[np.float64]:
        """[campaigns], by pacing: not to be changed."""
        return self._multipliers

    def hold(self, campaign_id: str, amount: int) -> None:
        """Counts what was just sold, until the ledger tells it."""
        place = self._booked.market.find(campaign_id)
        if place is not None:
            self._committed[place] += amount
            self._count(place)

    async def meet(self) -> bool:
        """Reads what changed; returns whether the ledger answers."""
        try:
            async with self._reading:
                while await self._read():
                    pass
        except StoreDown as error:
            if not self._apart:
                logging.getLogger(__name__).warning("nothing is sold until it is back: %s", error)
            self._apart = True
            return False
        self._apart = False
        return True

    async def run(self) -> None:
        """Meets the ledger, again and again, until it is cancelled."""
        while True:
            await self.meet()
            await asyncio.sleep(LOOK_SECONDS)

    async def _read(self) -> bool:
        """Reads some; whether there is more."""
        changes: Changes = await self._ledger.changes(self._place)
        if changes.life != self._life:
            # The first meeting, or a store that lost what it held, which every gateway tells what it saw spent.
            await self._ledger.restore({name: account.spent for name, account in self.known.items()})
            self._life, self._place = changes.life, 0
            return True
        self._place = changes.place
        self.known.update(changes.accounts)
        self._take(changes.accounts)
        return changes.place < changes.last

    def _take(self, accounts: dict[str, Account]) -> None:
        for name, account in accounts.items():
            place = self._booked.market.find(name)
            if place is not None:
                self._committed[place] = account.spent + account.held
                self._multipliers[place] = Pace.of(account.pace).multiplier
                self._count(place)

    def _count(self, place: int) -> None:
        left = int(self._booked.budgets[place] - self._committed[place])
        self._amounts[place] = self._booked.market.amount(place, left, float(self._multipliers[place]))
