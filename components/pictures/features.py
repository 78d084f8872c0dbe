"""What an encoder sees in a shop's pictures, kept by the hash of their content: a picture is encoded once, in whatever run."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from aisle.components.pictures.gathered import Gathered
from aisle.components.storage import exists, list_folder, make_folder, open_file, write_whole

Encode = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Pictures [n, side, side, 3] to features [n, d]."""

BATCH = 32
"""Pictures that are encoded at a time."""
_PART = 1024
"""Pictures of a file of the cache."""
_SUFFIX = ".parquet"
_HASH, _FEATURES = "hash", "features"


class FeatureCache:
    """Features by hash, float16, in files of a folder that only ever gains some.

    Args:
        folder: of one encoder's features; made where it isn't there.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        make_folder(folder)
        self._parts: dict[str, list[str]] = {}
        for name in list_folder(folder) if exists(folder) else []:
            if name.endswith(_SUFFIX) and not name.startswith("."):
                with open_file(os.path.join(folder, name)) as file:
                    self._parts[name] = pq.read_table(file, columns=[_HASH])[_HASH].to_pylist()

    @property
    def known(self) -> frozenset[str]:
        """The hashes of the pictures whose features it holds."""
        return frozenset(one for hashes in self._parts.values() for one in hashes)

    def add(self, hashes: Sequence[str], features: NDArray[np.float16]) -> None:
        """Keeps the features of some pictures: [n, d]."""
        rows = [row.tobytes() for row in np.ascontiguousarray(features, np.float16)]
        table = pa.table({_HASH: list(hashes), _FEATURES: pa.array(rows, pa.binary())})
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        name = uuid.uuid4().hex + _SUFFIX
        write_whole(os.path.join(self._folder, name), sink.getvalue().to_pybytes())
        self._parts[name] = list(hashes)

    def take(self, wanted: Sequence[str]) -> NDArray[np.float16]:
        """The features of pictures that it holds: [n, d]."""
        place = {name: n for n, name in enumerate(wanted)}
        rows: list[NDArray[np.float16]] = [np.zeros(0, np.float16)] * len(wanted)
        for part, hashes in self._parts.items():
            if place.keys().isdisjoint(hashes):
                continue
            with open_file(os.path.join(self._folder, part)) as file:
                table = pq.read_table(file)
            for name, data in zip(table[_HASH].to_pylist(), table[_FEATURES].to_pylist(), strict=True):
                if name in place:
                    rows[place[name]] = np.frombuffer(data, np.float16)
        return np.stack(rows) if rows else np.zeros((0, 0), np.float16)


def see(folder: str, places: Mapping[str, str], encode: Encode, cache: FeatureCache) -> Gathered:
    """Encodes the pictures of items that were not encoded before; memory holds some of them.

    Args:
        folder: the data folder.
        places: of each item's picture, by item.
        encode: the encoder.
        cache: holds the features of all pictures that can be used, then.

    Returns:
        Which picture each item has, and why others have none.
    """
    gathered = Gathered()
    hashes, features = list[str](), list[NDArray[np.float16]]()
    for names, pictures in _batches(gathered.read(folder, places, cache.known)):
        hashes += names
        features.append(encode(pictures).astype(np.float16))
        if len(hashes) >= _PART:
            cache.add(hashes, np.concatenate(features))
            hashes, features = [], []
    if hashes:
        cache.add(hashes, np.concatenate(features))
    gathered.take_out_placeholders()
    return gathered


def _batches(
    pictures: Iterator[tuple[str, NDArray[np.uint8]]],
) -> Iterator[tuple[list[str], NDArray[np.uint8]]]:
    """Some pictures at a time, with their hashes."""
    names, held = list[str](), list[NDArray[np.uint8]]()
    for name, picture in pictures:
        names.append(name)
        held.append(picture)
        if len(held) == BATCH:
            yield names, np.stack(held)
            names, held = [], []
    if held:
        yield names, np.stack(held)
