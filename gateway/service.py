"""The gateway as a whole: it records, and it asks, with what was recorded."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Callable

from aisle.gateway.asking import Asking
from aisle.gateway.events import microseconds
from aisle.gateway.files.records import shown
from aisle.gateway.log import EventLog
from aisle.gateway.questions import Answer, Listing
from aisle.gateway.recents.delivery import Delivery
from aisle.gateway.recording import Recording, utc_now
from aisle.gateway.spool import NotWritten, Record
from aisle.serving import AsyncClient


class Gateway(Recording):
    """Records, asks, merges and forgets.

    Attributes:
        asking: asks the served model.
        metrics: of the process.
    """

    def __init__(
        self,
        client: AsyncClient,
        recents: Delivery,
        log: EventLog,
        now: Callable[[], datetime.datetime] = utc_now,
    ) -> None:
        """Nothing runs yet, see `running`."""
        super().__init__(recents, log, now)
        self.asking = Asking(client, recents)
        self._client = client
        self._noting: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """As `Recording.running`; what was shown is in the files, too."""
        async with super().running():
            try:
                yield
            finally:
                await asyncio.gather(*self._noting, return_exceptions=True)
                await self._client.close()

    def note_shown(self, source: str, asked: Listing, answer: Answer) -> None:
        """Notes that an answer was shown; the answer doesn't wait for it."""
        told = asked.model_dump(include={"user_id", "session_id", "query", "experiment", "arm"})
        filled = {name: value for name, value in told.items() if value}
        filled["timestamp"] = microseconds(self._now())
        items = [item.item_id for item in answer.items]
        task = asyncio.create_task(
            self._note(shown(source, answer.request_id, answer.version, items, filled))
        )
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def _note(self, record: Record) -> None:
        try:
            await self._log.append([record])
        except NotWritten:
            self.metrics.unwritten.inc()
