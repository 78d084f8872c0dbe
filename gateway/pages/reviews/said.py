"""What the reviews of an item come to, by the tables that `aisle reviews` wrote last."""

from __future__ import annotations

import collections
import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from aisle.gateway.pages.languages.language import marked

ITEMS_FILE, ASPECTS_FILE = "items.parquet", "aspects.parquet"
"""Of `aisle reviews`, below the folder of its tables; see docs/reviews.md."""
ASPECTS = {
    "delivery": marked("Delivery"),
    "packaging": marked("Packaging"),
    "size": marked("Size"),
    "quality": marked("Quality"),
    "price": marked("Price"),
    "service": marked("Service"),
    "looks": marked("Looks"),
}
"""What the pages call the aspects that have a name; the shop's own are called by their phrase."""
MOST = 6
"""Aspects that a page shows of an item."""


@dataclasses.dataclass(frozen=True)
class Aspect:
    """What an item's reviews speak of.

    Attributes:
        name: as a page says it.
        own: whether it is the shop's own phrase, which has no other languages.
        reviews: how many of the item's speak of it.
        good: the mean probability that these are good; None where none has words.
        phrases: that they do it by, the commonest first.
    """

    name: str
    own: bool
    reviews: int
    good: float | None
    phrases: list[str]


@dataclasses.dataclass(frozen=True)
class Said:
    """What the reviews of an item come to.

    Attributes:
        reviews: how many count.
        stars: the mean rating; None without ratings.
        good: the mean probability that a review is good; None where nothing tells it.
        at_least: the lower end of its interval.
        aspects: the most spoken of first.
    """

    reviews: int
    stars: float | None
    good: float | None
    at_least: float | None
    aspects: list[Aspect]


class Reviews:
    """What was said of each item: read again whenever it was worked out anew."""

    def __init__(self, folder: pathlib.Path | None = None) -> None:
        """Reads nothing yet.

        Args:
            folder: of the tables; it may be missing, and come later.
        """
        self._folder, self._read = folder, -1
        self._said: Mapping[str, Said] = {}

    def of(self, item_id: str) -> Said | None:
        """What was said of an item; None where nobody reviewed it, or nobody worked it out."""
        try:
            # Written last, so that the other is of the same reviews.
            written = (self._folder / ITEMS_FILE).stat().st_mtime_ns if self._folder else -1
            if self._folder and written != self._read:
                self._said = _read(self._folder)
                self._read = written
        except (OSError, pa.ArrowException, KeyError):  # Of no such file, or of one that is none of ours.
            self._said, self._read = {}, -1
        return self._said.get(item_id)


def _read(folder: pathlib.Path) -> dict[str, Said]:
    aspects: dict[str, list[Aspect]] = collections.defaultdict(list)
    for row in _rows(folder / ASPECTS_FILE, ("item_id", "aspect", "reviews", "good", "phrases")):
        if len(found := aspects[row["item_id"]]) < MOST:
            name = row["aspect"]
            told = (ASPECTS.get(name, name), name not in ASPECTS, row["reviews"], row["good"], row["phrases"])
            found.append(Aspect(*told))
    names = ("item_id", "reviews", "stars", "good", "at_least")
    return {
        row.pop("item_id"): Said(aspects=aspects.get(item, []), **row)
        for row in _rows(folder / ITEMS_FILE, names)
        for item in (row["item_id"],)
    }


def _rows(path: pathlib.Path, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    return pq.read_table(path, columns=list(columns)).select(columns).to_pylist()
