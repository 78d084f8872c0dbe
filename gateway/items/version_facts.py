"""What versions know of items, asked once."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from aisle.serving import AsyncClient, ItemFact, RequestRefused

MAX_VERSIONS = 4
MAX_ITEMS = 1_000_000
"""Of a version that are remembered; beyond, it is asked anew."""
CHUNK = 5_000
"""Items of a request."""


@dataclasses.dataclass
class Known:
    """What a version knows.

    Attributes:
        version: its number.
        as_of: the moment up to which, in microseconds UTC; 0 of a version that doesn't tell.
        tells: whether it tells anything: one that an older `aisle` pushed doesn't.
        items: those asked about that it knows.
        asked: all that it was asked about.
        new: of the items that `VersionFacts.new` was given, those that it doesn't know.
        looked: how many of them it was asked about.
    """

    version: int | None
    as_of: int = 0
    tells: bool = False
    items: dict[str, ItemFact] = dataclasses.field(default_factory=dict)
    asked: set[str] = dataclasses.field(default_factory=set)
    new: set[str] = dataclasses.field(default_factory=set)
    looked: int = 0


class VersionFacts:
    """Remembers what the last versions told.

    Attributes:
        as_of: the moment up to which the version that answered last knows the shop; 0 before any has.
        latest: that version; None before any has.
    """

    def __init__(self, client: AsyncClient) -> None:
        """The client is the caller's to close."""
        self._client, self.as_of = client, 0
        self.latest: int | None = None
        self._known: OrderedDict[int, Known] = OrderedDict()

    async def of(self, version: int | None, item_ids: Iterable[str]) -> Known:
        """What a version knows of these items, and maybe of others; raises ServingError."""
        if version is None:  # Nobody says which it was: it can't be asked.
            return Known(None)
        known = self._known.get(version)
        if known is None or len(known.asked) > MAX_ITEMS:
            known = await self._first(version)
        self.as_of, self.latest = known.as_of, version
        if not known.tells:
            return known
        missing = [item for item in dict.fromkeys(item_ids) if item not in known.asked]
        for start in range(0, len(missing), CHUNK):
            chunk = missing[start : start + CHUNK]
            known.items.update((await self._client.facts(chunk, version)).items)
            known.asked.update(chunk)
        return known

    async def new(self, version: int | None, titled: Sequence[str]) -> set[str]:
        """Those of the items that a version doesn't know, not to be changed; raises ServingError.

        Args:
            version: its number.
            titled: all items that may be new; each time those of the time before, and more.
        """
        known, count = await self.of(version, ()), len(titled)
        if known.tells and known.looked < count:
            more = titled[known.looked : count]
            await self.of(version, more)
            known.new.update(item for item in more if item not in known.items)
            known.looked = max(known.looked, count)
        return known.new

    @property
    def versions(self) -> list[int]:
        """Those that answered of late and tell."""
        return [version for version, known in self._known.items() if known.tells]

    def forget(self, version: int) -> None:
        """Asks a version anew, should it answer again."""
        self._known.pop(version, None)

    async def _first(self, version: int) -> Known:
        try:
            known = Known(version, (await self._client.facts([], version)).as_of, True)
        except RequestRefused:
            known = Known(version)
        self._known[version] = known
        while len(self._known) > MAX_VERSIONS:
            self._known.popitem(last=False)
        return known
