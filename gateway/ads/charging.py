"""Has what happens to sponsored items be paid for: marked before it is written, charged after."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from aisle.gateway.ads.ledger import Charge, Ledger, Show
from aisle.gateway.recents.store import StoreDown
from aisle.schema.events import CLICK, PURCHASE

MAX_WAITING = 100_000
"""Charges that wait for the ledger; beyond, the oldest are never made."""
PAUSE_SECONDS, LAST_TRIES = 1.0, 5
"""Between two tries, and how many there are in the end."""
PAID_FOR = frozenset((CLICK.name, PURCHASE.name))
"""What campaigns bid for."""


class Charging:
    """Charges shows, once each, however often an event is told and whenever the ledger is back.

    A charge follows its event's record, so that nothing is charged that isn't in the files; the next start charges what a
    kill kept from it.

    Attributes:
        ledger: of the campaigns.
        charged: by this process, in micros.
    """

    def __init__(self, ledger: Ledger, budget: Callable[[str], int | None] = lambda _: None) -> None:
        """Nothing waits yet.

        Args:
            ledger: of the campaigns.
            budget: of a campaign now, in micros; None where it isn't known.
        """
        self.ledger, self._budget = ledger, budget
        self._waiting: deque[Charge] = deque(maxlen=MAX_WAITING)
        self._charging = asyncio.Lock()
        self.charged = 0

    async def mark(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Adds to events that follow sponsored items which campaign they are of.

        Returns:
            The rows that may have to be paid for.
        """
        following = [row for row in rows if row.get("request_id") and row["event"] in PAID_FOR]
        if not following:
            return []
        try:
            campaigns = await self.ledger.sold([_show(row) for row in following])
        except StoreDown:  # What they follow is marked all the same, and they are charged when it is back.
            return following
        for row, campaign in zip(following, campaigns, strict=True):
            if campaign:
                row.update(sponsored=True, campaign_id=campaign)
        return [row for row in following if "campaign_id" in row]

    async def charge(self, rows: Sequence[dict[str, Any]]) -> None:
        """Charges what is paid for, now or when the ledger is back."""
        for row in rows:
            if row.get("request_id") and row["event"] in PAID_FOR:
                budget = self._budget(row.get("campaign_id", ""))
                self._waiting.append(Charge(_show(row), row["event"], row["timestamp"], budget))
        await self.deliver()

    async def deliver(self) -> None:
        """Charges what waits, unless the ledger is down."""
        async with self._charging:
            while self._waiting:
                batch = [*self._waiting]
                self._waiting.clear()
                try:
                    self.charged += sum(await self.ledger.charge(batch))
                except StoreDown as error:
                    logging.getLogger(__name__).warning("%d clicks wait to be charged: %s", len(batch), error)
                    self._waiting.extendleft(reversed(batch))
                    return

    async def run(self) -> None:
        """Charges what waits, again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            await self.deliver()

    async def close(self) -> None:
        """Charges what waits, and ends the ledger's connection; where that stays down the clicks are free."""
        for _ in range(LAST_TRIES):
            await self.deliver()
            if not self._waiting:
                break
            await asyncio.sleep(PAUSE_SECONDS)
        await self.ledger.close()


def _show(row: dict[str, Any]) -> Show:
    return Show(row["request_id"], row["item_id"])
