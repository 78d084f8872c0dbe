"""What the gateway does with what it is told of items: the log first, then every gateway's shelf."""

from __future__ import annotations

import asyncio
import datetime
import logging
import pathlib
from collections.abc import Callable, Sequence

import pyarrow as pa

from aisle.gateway.events import microseconds
from aisle.gateway.items.analogues import Analogues
from aisle.gateway.items.current import Current
from aisle.gateway.items.log import ItemLog
from aisle.gateway.items.redis_items import RedisItems
from aisle.gateway.items.shelf import Shelf
from aisle.gateway.items.sync import Sync
from aisle.gateway.items.updates import ItemUpdate, Updated, newest
from aisle.gateway.items.version_facts import CHUNK, VersionFacts
from aisle.gateway.log import LOOK_SECONDS
from aisle.serving import AsyncClient, RequestRefused, ServingError


class Items:
    """Takes updates, and has answers know them.

    Attributes:
        current: the answers.
    """

    def __init__(
        self,
        client: AsyncClient,
        store: RedisItems | None,
        folder: pathlib.Path,
        now: Callable[[], datetime.datetime],
    ) -> None:
        """Nothing runs yet.

        Args:
            client: the model's; the caller's to close.
            store: of all gateways; None where there is this one alone, whose own files are its memory.
            folder: the data folder whose `items/` is written.
            now: the time in UTC.
        """
        self._client, self._now, self._alone = client, now, store is None
        self._shelf = Shelf()
        self._sync, self._log = Sync(self._shelf, store), ItemLog(folder, now)
        facts = VersionFacts(client)
        self._analogues = Analogues(client, facts, self._shelf)
        self.current = Current(facts, self._shelf, self._analogues)

    @property
    def stale(self) -> bool:
        """Whether answers may lack what others were told: the store is down."""
        return self._sync.stale

    async def start(self) -> None:
        """Takes up what was told before."""
        if self._alone:
            await self._sync.tell(await self._log.written())
        await self._sync.tell(await self._log.recovered())

    async def run(self) -> None:
        """Hears of what others are told, learns what new items are like, and writes the hours' files, until it is cancelled."""
        await asyncio.gather(self._sync.run(), self._analogues.run(), self._roll_again())

    async def update(self, updates: Sequence[ItemUpdate], whole: bool) -> Updated:
        """Keeps updates, and has the next answers know them; raises NotWritten.

        Args:
            updates: one an item, or more.
            whole: whether what they don't name is taken back.
        """
        entries = newest(
            update.entries(self._since(update, place), whole) for place, update in enumerate(updates)
        )
        await self._log.append(entries)
        known = await self._sync.tell(entries)
        return Updated(items=len({key.item_id for key in entries}), stale=not known)

    def _since(self, update: ItemUpdate, place: int) -> int:
        """Since when an update holds; a time to come is now, and without one it is later than all that is known.

        The clocks of gateways differ: what is told last counts, whichever gateway was told before.
        """
        now = self._now()
        if update.timestamp:
            return microseconds(min(update.timestamp, now))
        return max(microseconds(now), self._shelf.latest(update.item_id) + 1) + place

    async def close(self) -> None:
        """Writes everything."""
        await self._sync.close()
        await self._log.close()
        await self._roll(everything=True)

    async def _roll_again(self) -> None:
        while True:
            await self._roll()
            await asyncio.sleep(LOOK_SECONDS)

    async def _roll(self, everything: bool = False) -> None:
        try:
            await self._log.roll(self._shelf, self._titles, everything)
        except (OSError, pa.ArrowException, ServingError) as error:  # The spool still has it.
            logging.getLogger(__name__).error("an hour of items can't be written yet: %s", error)

    async def _titles(self, item_ids: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        try:
            for start in range(0, len(item_ids), CHUNK):
                found |= await self._client.titles(item_ids[start : start + CHUNK])
        except RequestRefused:  # A version that an older `aisle` pushed tells none.
            pass
        return found
