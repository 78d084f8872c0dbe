"""The features of pictures: each picture encoded once, whatever runs, and memory bounded by a few of them."""

from __future__ import annotations

import pathlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aisle.components.pictures.features import BATCH, FeatureCache, see


def _shop(folder: pathlib.Path, count: int) -> dict[str, str]:
    """Items whose pictures are of one grey each."""
    places = {}
    for n in range(count):
        Image.new("RGB", (2, 2), (n, n, n)).save(folder / f"{n}.png")
        places[f"i{n}"] = f"{n}.png"
    return places


class Brightness:
    """Encodes a picture as its grey and one more, and remembers how many came at a time."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.batches.append(len(pictures))
        grey = pictures[:, 0, 0, 0].astype(np.float32)
        return np.stack([grey, grey + 1], 1)


def test_features_are_those_of_each_items_picture(tmp_path: pathlib.Path) -> None:
    places = _shop(tmp_path, 70) | {"twin": "7.png", "none": "other.png"}
    cache, encode = FeatureCache(str(tmp_path / "kept")), Brightness()
    seen = see(str(tmp_path), places, encode, cache)
    assert sum(encode.batches) == 70 and max(encode.batches) == BATCH
    assert list(seen.faults) == ["none"] and seen.hashes["twin"] == seen.hashes["i7"]
    wanted = [seen.hashes[item] for item in ("i9", "i69", "twin")]
    assert cache.take(wanted).tolist() == [[9, 10], [69, 70], [7, 8]]


def test_another_run_encodes_what_is_new(tmp_path: pathlib.Path) -> None:
    folder, encode = str(tmp_path / "kept"), Brightness()
    see(str(tmp_path), _shop(tmp_path, 5), encode, FeatureCache(folder))
    places = _shop(tmp_path, 6)
    seen = see(str(tmp_path), places, encode, FeatureCache(folder))
    assert encode.batches == [5, 1]
    cache = FeatureCache(folder)
    assert len(cache.known) == 6
    assert cache.take([seen.hashes[item] for item in places])[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert cache.take([]).shape == (0, 0)
