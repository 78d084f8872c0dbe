"""What is done with events and users, however they come: the log first, then the store."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from aisle.gateway.ads.charging import Charging
from aisle.gateway.events import Event
from aisle.gateway.files.records import MERGED, ROW
from aisle.gateway.forgetting import REMAINS, Forgetting
from aisle.gateway.log import EventLog
from aisle.gateway.metrics import Metrics
from aisle.gateway.questions import Done, Merge, Recorded
from aisle.gateway.recents.delivery import Delivery, Told
from aisle.gateway.recents.store import Recent, visitor
from aisle.gateway.stages import stage
from aisle.schema.events import IMPRESSION


def utc_now() -> datetime.datetime:
    """The time."""
    return datetime.datetime.now(datetime.timezone.utc)


class Recording:
    """Records, merges and forgets.

    Attributes:
        metrics: of the process.
    """

    def __init__(
        self,
        recents: Delivery,
        log: EventLog,
        now: Callable[[], datetime.datetime] = utc_now,
        charging: Charging | None = None,
    ) -> None:
        """Nothing runs yet, see `running`; without `charging` nothing is sponsored."""
        self.metrics = Metrics()
        self._recents, self._log, self._now, self._charging = recents, log, now, charging
        self._forgetting = Forgetting(log, recents, charging.ledger if charging else None)
        self.metrics.waiting.set_function(lambda: recents.waiting)
        self.metrics.missed.set_function(lambda: recents.missed)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Takes up what a crash left, delivers and rolls meanwhile, and leaves whole files."""
        await self._forgetting.hear_if_it_can()
        recovered = await self._log.recovered()
        await self._recents.add(_told(recovered))
        if self._charging:
            await self._charging.charge(recovered)
        await self._log.roll()
        works = [one.run() for one in (self._recents, self._log, self._forgetting, self._charging) if one]
        background = [asyncio.create_task(work) for work in works]
        try:
            yield
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await self._recents.close()
            if self._charging:
                await self._charging.close()
            await self._log.close()

    async def record(self, events: Sequence[Event]) -> Recorded:
        """Keeps events, and has the next answers know them; raises NotWritten."""
        rows = [event.row(self._now()) for event in events]
        paid_for = await self._charging.mark(rows) if self._charging else []
        with stage("disk"):
            await self._log.append([{ROW: row} for row in rows])
        for row in rows:
            self.metrics.events.labels(row["event"]).inc()
        known = await self._recents.add(_told(rows))
        if self._charging and paid_for:
            await self._charging.charge(paid_for)
        return Recorded(event_ids=[row["event_id"] for row in rows], stale=not known)

    async def merge(self, merge: Merge) -> Done:
        """Has what a session did be a user's; raises StoreDown and NotWritten."""
        await self._log.append([{MERGED: [merge.session_id, merge.user_id]}])
        visitors = visitor("", merge.session_id), visitor(merge.user_id, "")
        await self._recents.merge(*visitors)
        if self._charging:
            await self._charging.ledger.merge(*visitors)
        return Done()

    async def forget(self, user_id: str) -> Done:
        """Removes a user from the store and the files, here and elsewhere; raises StoreDown and NotWritten."""
        await self._forgetting.forget(user_id)
        return Done(remains=list(REMAINS))


def _told(rows: Sequence[dict[str, Any]]) -> list[Told]:
    """Who did what, of rows of the log; what was only shown isn't remembered: it would push out all that was done."""
    told = []
    for row in rows:
        who = visitor(row.get("user_id", ""), row.get("session_id", ""))
        if who and row["event"] != IMPRESSION.name:
            told.append((who, Recent(row["event_id"], row["event"], row["item_id"], row["timestamp"])))
    return told
