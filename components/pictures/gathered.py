"""The pictures of a shop's items, each file read once, and what is wrong with those that can't be used."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.components.pictures.placeholders import placeholders
from aisle.components.pictures.places import read_places
from aisle.schema.pictures import PictureError, read_picture

IMAGE = "image"
"""The column of the items that names their pictures."""
PLACEHOLDER = "a placeholder"
_EXAMPLES = 3


@dataclasses.dataclass
class Gathered:
    """What was found of a shop's pictures.

    Attributes:
        hashes: of the content of each item's picture, by item; items without a usable one are left out.
        faults: why the pictures of others can't be used, by item.
    """

    hashes: dict[str, str] = dataclasses.field(default_factory=dict)
    faults: dict[str, str] = dataclasses.field(default_factory=dict)

    def read(
        self, folder: str, places: Mapping[str, str], known: Collection[str] = ()
    ) -> Iterator[tuple[str, NDArray[np.uint8]]]:
        """Reads the pictures of items one after the other, so that memory holds one.

        Args:
            folder: the data folder.
            places: of each item's picture, by item.
            known: the hashes of pictures that need not be decoded again.

        Yields:
            The hash of each picture that is not known, once, and the picture, [side, side, 3].
        """
        items: dict[str, list[str]] = {}
        for item, place in places.items():
            items.setdefault(place, []).append(item)
        met = dict.fromkeys(known, "")
        for place, found in read_places(folder, items):
            name, picture = "", None
            fault = str(found) if isinstance(found, PictureError) else ""
            if not isinstance(found, PictureError):
                name = content_hash(found)
                if name not in met:
                    picture, met[name] = _decoded(found)
                fault = met[name]
            for item in items[place]:
                (self.faults if fault else self.hashes)[item] = fault or name
            if picture is not None:
                yield name, picture

    def findings(self) -> list[dict[str, Any]]:
        """Each reason, how many items it leaves without a picture, and the first of them; the commonest first."""
        by_reason: dict[str, list[str]] = {}
        for item, reason in self.faults.items():
            by_reason.setdefault(reason, []).append(item)
        ordered = sorted(by_reason.items(), key=lambda one: (-len(one[1]), one[0]))
        return [
            {"reason": reason, "items": len(items), "examples": items[:_EXAMPLES]}
            for reason, items in ordered
        ]

    def take_out_placeholders(self) -> None:
        """Leaves the items without a picture whose own stands for none."""
        names, counts = np.unique(list(self.hashes.values()), return_counts=True)
        blank = set(names[placeholders(counts)].tolist())
        for item, name in list(self.hashes.items()):
            if name in blank:
                self.faults[item] = PLACEHOLDER
                del self.hashes[item]


def content_hash(data: bytes) -> str:
    """Of a file's bytes."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _decoded(data: bytes) -> tuple[NDArray[np.uint8] | None, str]:
    """A picture, or why it can't be used."""
    try:
        return read_picture(data), ""
    except PictureError as error:
        return None, str(error)
