"""Has the shelves of all gateways on one store hold the same."""

from __future__ import annotations

import asyncio
import logging

from aisle.gateway.items.redis_items import Added, RedisItems
from aisle.gateway.items.shelf import Shelf
from aisle.gateway.items.updates import Entries, newest
from aisle.gateway.recents.store import StoreDown

LOOK_SECONDS = 1.0
"""A change that nobody was told of, since the telling was lost, is found after so long."""
HEARD_SECONDS = 0.25
"""Who tells something waits for so long that the others have it, so that no question after its answer lacks it."""


class Sync:
    """Puts what is told on this process's shelf and into the store, and what is in the store on the shelf."""

    def __init__(self, shelf: Shelf, store: RedisItems | None) -> None:
        """Nothing is read yet.

        Args:
            shelf: of this process.
            store: of all; None where there is this process alone.
        """
        self.shelf, self._store = shelf, store
        self._life, self._place = "", 0
        self._waiting: Entries = {}
        self._added = Added()
        self._apart = store is not None
        self._reading = asyncio.Lock()

    @property
    def stale(self) -> bool:
        """Whether the shelf may lack what others told, or they what was told here."""
        return self._apart or bool(self._waiting)

    async def tell(self, entries: Entries) -> bool:
        """Takes entries; returns whether every other gateway that listens has them. They wait for a store that is down."""
        self.shelf.put(entries)
        if self._store is None:
            return True
        self._waiting = newest([self._waiting, entries])
        await self.meet()
        return not self.stale and await self._store.read_by(self._life, self._added, HEARD_SECONDS)

    async def meet(self) -> None:
        """Gives the store what waits, and reads what is new there, unless it is down."""
        if self._store is None:
            return
        async with self._reading:
            try:
                await self._give(self._store)
                while await self._read(self._store):
                    pass
                self._apart = False
            except StoreDown as error:
                if not self._apart:
                    logging.getLogger(__name__).warning("items go on with what is known: %s", error)
                self._apart = True

    async def run(self) -> None:
        """Meets the store, whenever something changed there, until it is cancelled."""
        while True:
            try:
                if self._store is None:
                    return
                await self._store.changed(LOOK_SECONDS)
            except StoreDown:
                await asyncio.sleep(LOOK_SECONDS)
            await self.meet()

    async def close(self) -> None:
        """Tries once more, and ends the connection."""
        if self._store:
            await self.meet()
            await self._store.close()

    async def _give(self, store: RedisItems) -> None:
        waiting = self._waiting
        if waiting:
            self._added = await store.add(waiting)
            self._waiting = {key: entry for key, entry in self._waiting.items() if waiting.get(key) != entry}

    async def _read(self, store: RedisItems) -> bool:
        """Reads some; whether there is more."""
        read = await store.since(self._place)
        if read.life != self._life or not read.life and self.shelf:
            # The first meeting, or a store that started anew and has forgotten what every shelf still holds.
            self._life, self._place = read.life, 0
            await store.add(self.shelf.entries())
            return True
        self.shelf.put(read.entries)
        further, self._place = read.place > self._place, read.place
        if further and read.place >= read.last:
            await store.has_read(read.life, read.place)
        return read.place < read.last
