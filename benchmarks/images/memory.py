"""The memory that reading many pictures takes: the data path whole, but for the network, whose own is that of one batch."""

from __future__ import annotations

import pathlib
import tempfile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aisle.components.pictures.features import FeatureCache, see
from benchmarks.data.data_path import peak_mb

_SIDE = 64
_FEATURES = 1_984
"""As many as the encoder gives."""


def peak_of_reading(count: int) -> int:
    """Megabytes that this process held at most after it read so many pictures, each another, and kept their features."""
    draw = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        root, places = pathlib.Path(folder), dict[str, str]()
        for number in range(count):
            places[f"i{number}"] = name = f"{number}.png"
            pixels = draw.integers(0, 256, (_SIDE, _SIDE, 3), np.uint8)
            Image.fromarray(pixels).save(root / name, compress_level=0)
        see(folder, places, _encode, FeatureCache(str(root / "kept")))
    return peak_mb()


def _encode(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """As large as what the network gives, and quick."""
    return np.repeat(pictures.mean((1, 2, 3), np.float32)[:, None], _FEATURES, 1)
