"""Forgetting a user: here, and in every process that shares the store.

Who forgets announces it in the store, with the sessions that it knows for the user's. Each process hears of it once, also one
that was down: it forgets them, and announces the sessions that it alone knew of. What a user does afterwards is remembered.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Sequence

from aisle.gateway.ads.ledger import Ledger
from aisle.gateway.log import EventLog
from aisle.gateway.recents.delivery import Delivery
from aisle.gateway.recents.store import Announcement, StoreDown, visitor
from aisle.gateway.spool import NotWritten

LOOK_SECONDS = 1.0
"""How often a process looks whom others forgot."""
REMAINS = (
    "what trained versions learnt, until they are replaced by versions trained without",
    "copies of the files that others made",
    "for some seconds, and where one is down until it is back: the files of the store's other gateways and listeners",
)
"""What forgetting doesn't reach, or not at once."""


class Forgetting:
    """Forgets users in a log and a store."""

    def __init__(self, log: EventLog, recents: Delivery, ledger: Ledger | None = None) -> None:
        """All are the caller's."""
        self._log, self._recents, self._ledger, self._by = log, recents, ledger, uuid.uuid4().hex

    async def forget(self, user: str) -> None:
        """Forgets a user, and announces it; raises StoreDown and NotWritten, after which it may be asked again."""
        known = await self._log.forget(user)
        await self._forget_recents(user, known)
        await self._recents.announce(Announcement(user, tuple(known), self._by))

    async def hear(self) -> None:
        """Forgets whom others forgot since the last time; raises StoreDown and NotWritten."""
        for mark, told in await self._recents.announced(self._log.heard):
            if told.by != self._by:
                known = await self._log.forget(told.user_id, told.sessions)
                await self._forget_recents(told.user_id, known)
                more = tuple(session for session in known if session not in told.sessions)
                if more:
                    await self._recents.announce(Announcement(told.user_id, more, self._by))
            await asyncio.to_thread(self._log.has_heard, mark)

    async def run(self) -> None:
        """Hears, again and again, until it is cancelled."""
        while True:
            await self.hear_if_it_can()
            await asyncio.sleep(LOOK_SECONDS)

    async def hear_if_it_can(self) -> None:
        """Hears, unless the store or the disk is away: the next time may find them."""
        try:
            await self.hear()
        except StoreDown:
            return
        except NotWritten as error:
            logging.getLogger(__name__).error("whom others forgot isn't forgotten here yet: %s", error)

    async def _forget_recents(self, user: str, sessions: Sequence[str]) -> None:
        for who in (visitor(user, ""), *(visitor("", session) for session in sessions)):
            await self._recents.forget(who)
            if self._ledger:
                await self._ledger.forget(who)
