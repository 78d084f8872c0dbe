"""What the gateway does with events, answers and users: the log first, then the store."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from aisle.gateway.asking import Asking
from aisle.gateway.events import Event, microseconds
from aisle.gateway.items.service import Items
from aisle.gateway.log import FORGOTTEN, MERGED, ROW, EventLog, shown
from aisle.gateway.metrics import Metrics
from aisle.gateway.questions import Answer, Done, Listing, Merge, Recorded, Search
from aisle.gateway.recents.delivery import Delivery, Told
from aisle.gateway.recents.store import Recent, visitor
from aisle.gateway.spool import NotWritten, Record
from aisle.schema.events import IMPRESSION
from aisle.serving import AsyncClient

REMAINS = (
    "the hours' files that were written before",
    "what trained versions learnt, until they are replaced by versions trained without",
)
"""What forgetting doesn't reach."""
SHOWN_SECONDS = 0.1
"""How long what was shown is gathered for, so that many answers share one write to the disk."""


def utc_now() -> datetime.datetime:
    """The time."""
    return datetime.datetime.now(datetime.timezone.utc)


class Gateway:
    """Records, asks, merges and forgets.

    Attributes:
        asking: asks the served model.
        items: what is told of items.
        metrics: of the process.
    """

    def __init__(
        self,
        client: AsyncClient,
        recents: Delivery,
        log: EventLog,
        items: Items,
        now: Callable[[], datetime.datetime] = utc_now,
    ) -> None:
        """Nothing runs yet, see `running`."""
        self.asking, self.metrics, self.items = Asking(client, recents, items), Metrics(), items
        self._client, self._recents, self._log, self._now = client, recents, log, now
        self._shown: list[Record] = []
        self._noting: asyncio.Task[None] | None = None
        self.metrics.waiting.set_function(lambda: recents.waiting)
        self.metrics.missed.set_function(lambda: recents.missed)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Takes up what a crash left, delivers and rolls meanwhile, and leaves whole files."""
        await self._recents.add(_told(await self._log.recovered()))
        await self._log.roll()
        await self.items.start()
        background = [asyncio.create_task(one.run()) for one in (self._recents, self._log, self.items)]
        try:
            yield
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            if self._noting:
                await self._noting
            await self._recents.close()
            await self.items.close()
            await self._log.close()
            await self._client.close()

    async def record(self, events: Sequence[Event]) -> Recorded:
        """Keeps events, and has the next answers know them; raises NotWritten."""
        rows = [event.row(self._now()) for event in events]
        await self._log.append([{ROW: row} for row in rows])
        for row in rows:
            self.metrics.events.labels(row["event"]).inc()
        known = await self._recents.add(_told(rows))
        return Recorded(event_ids=[row["event_id"] for row in rows], stale=not known)

    def note_shown(self, source: str, asked: Listing, answer: Answer) -> None:
        """Notes that an answer was shown; the answer doesn't wait for it."""
        said = {
            "user_id": asked.user_id,
            "session_id": asked.session_id,
            "timestamp": microseconds(self._now()),
        }
        if isinstance(asked, Search):
            said["query"] = asked.query
        items = [item.item_id for item in answer.items]
        filled = {name: value for name, value in said.items() if value != ""}
        self._shown.append(shown(source, answer.request_id, answer.version, items, filled))
        if self._noting is None or self._noting.done():
            self._noting = asyncio.create_task(self._note_all())

    async def merge(self, merge: Merge) -> Done:
        """Has what a session did be a user's; raises StoreDown and NotWritten."""
        await self._log.append([{MERGED: [merge.session_id, merge.user_id]}])
        await self._recents.merge(visitor("", merge.session_id), visitor(merge.user_id, ""))
        return Done()

    async def forget(self, user_id: str) -> Done:
        """Removes a user from the store and from the files to come; raises StoreDown and NotWritten."""
        # A record forgets those before it alone.
        await self._write_shown()
        await self._log.append([{FORGOTTEN: user_id}])
        await self._recents.forget(visitor(user_id, ""))
        return Done(remains=list(REMAINS))

    async def _note_all(self) -> None:
        while self._shown:
            await asyncio.sleep(SHOWN_SECONDS)
            await self._write_shown()

    async def _write_shown(self) -> None:
        batch, self._shown = self._shown, []
        try:
            await self._log.append(batch)
        except NotWritten:
            self.metrics.unwritten.inc(len(batch))


def _told(rows: Sequence[dict[str, Any]]) -> list[Told]:
    """Who did what, of rows of the log; what was only shown isn't remembered: it would push out all that was done."""
    told = []
    for row in rows:
        who = visitor(row.get("user_id", ""), row.get("session_id", ""))
        if who and row["event"] != IMPRESSION.name:
            told.append((who, Recent(row["event_id"], row["event"], row["item_id"], row["timestamp"])))
    return told
