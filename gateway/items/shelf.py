"""This process's copy of all that was told of items."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from aisle.gateway.items.updates import FIELDS, Entries, Entry, Key
from aisle.gateway.items.words import Words

Value = str | float | int | bool | None


@dataclasses.dataclass(frozen=True)
class Told:
    """What was told of an item, and is newer than a version.

    Attributes:
        values: by field; what was not told, or taken back, is not there.
    """

    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def withdrawn(self) -> bool:
        """Whether it is never shown."""
        return bool(self.values.get("withdrawn"))

    @property
    def price(self) -> float | None:
        """None where it was not told."""
        return self.values.get("price")

    @property
    def sold_out(self) -> bool | None:
        """None where the stock was not told."""
        stock = self.values.get("stock")
        return None if stock is None else stock <= 0

    def text(self, name: str) -> str:
        """A text, "" where it was not told."""
        return self.values.get(name) or ""


_NOTHING = Told()


class Shelf:
    """The entries that count, by item.

    Attributes:
        words: of the titled items.
        titled: the items in the order in which a title was told of them first, whether or not it was taken back.
        title_changes: how often a title was told or taken back.

    Example:
        >>> shelf = Shelf()
        >>> shelf.put({Key("mug", "price"): Entry(5, "4.5"), Key("mug", "stock"): Entry(9, "0")})
        2
        >>> shelf.put({Key("mug", "stock"): Entry(8, "3")})  # It came late.
        0
        >>> shelf.told("mug").values, shelf.told("mug", as_of=5).values  # A version of 5 has the price.
        ({'price': 4.5, 'stock': 0}, {'stock': 0})
    """

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, Entry]] = {}
        self._having: dict[str, set[str]] = {name: set() for name in FIELDS}
        self._newest = dict.fromkeys(FIELDS, 0)
        self.words = Words()
        self.titled: list[str] = []
        self.title_changes = 0
        self._ever_titled: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._entries)

    def put(self, entries: Entries) -> int:
        """Takes entries; returns how many of them count."""
        count = 0
        for key, entry in entries.items():
            known = self._entries.setdefault(key.item_id, {})
            if key.field not in known or entry > known[key.field]:
                known[key.field] = entry
                self._newest[key.field] = max(self._newest[key.field], entry.at)
                self._index(key, entry)
                count += 1
        return count

    def told(self, item_id: str, as_of: int = 0) -> Told:
        """What was told of an item after a moment; that it is withdrawn holds until it is taken back."""
        entries = self._entries.get(item_id)
        if not entries:
            return _NOTHING
        values = {
            name: entry.value for name, entry in entries.items() if entry.at > as_of or name == "withdrawn"
        }
        return Told({name: value for name, value in values.items() if value is not None})

    def having(self, field: str) -> set[str]:
        """The items of which a field was told: not to be changed."""
        return self._having[field]

    def newest(self, field: str) -> int:
        """Since when the newest value of a field holds, of whichever item, in microseconds; 0 for none."""
        return self._newest[field]

    def latest(self, item_id: str) -> int:
        """When the last of it was told, in microseconds; 0 for never."""
        return max((entry.at for entry in self._entries.get(item_id, {}).values()), default=0)

    def entries(self, item_ids: Iterable[str] | None = None) -> Entries:
        """All entries, or those of some items."""
        chosen = self._entries if item_ids is None else item_ids
        return {
            Key(item, name): entry for item in chosen for name, entry in self._entries.get(item, {}).items()
        }

    def _index(self, key: Key, entry: Entry) -> None:
        having = self._having[key.field]
        # Nothing to hide is as good as nothing told.
        if entry.text == "null" or (key.field == "withdrawn" and entry.text == "false"):
            having.discard(key.item_id)
        else:
            having.add(key.item_id)
        self.title_changes += key.field == "title"
        if key.field == "title" and key.item_id not in self._ever_titled:
            self._ever_titled.add(key.item_id)
            self.titled.append(key.item_id)
        if key.field in ("title", "category", "brand"):
            told = self.told(key.item_id)
            searched = f"{told.text('title')} {told.text('category')} {told.text('brand')}"
            self.words.put(key.item_id, searched if told.text("title") else "")
