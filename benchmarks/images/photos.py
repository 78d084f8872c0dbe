"""The Grocery Store Dataset (Klasson, Zhang and Kjellström, WACV 2019): photos taken in shops, and each product's own picture."""

from __future__ import annotations

import csv
import dataclasses
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 224
SPLITS = ("train", "val", "test")
PRODUCTS = "products"
"""The split of the products' own pictures."""
_BATCH = 16

Values = NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Photos:
    """Some photos: what each shows, and of which coarse class that is, whole numbers from 0, [n]."""

    paths: list[pathlib.Path]
    fine: NDArray[np.int64]
    coarse: NDArray[np.int64]


def read_lists(source: pathlib.Path) -> dict[str, Photos]:
    """The photos of each of SPLITS, and the products' own pictures, in the order of the fine classes."""
    found = {}
    for split in SPLITS:
        with (source / f"{split}.txt").open(encoding="utf-8") as file:
            rows = [[cell.strip() for cell in line.split(",")] for line in file if line.strip()]
        fine, coarse = (np.array([int(row[place]) for row in rows]) for place in (1, 2))
        found[split] = Photos([source / row[0] for row in rows], fine, coarse)
    with (source / "classes.csv").open(encoding="utf-8") as file:
        products = sorted(csv.DictReader(file), key=lambda row: int(row["Class ID (int)"]))
    own = [source / row["Iconic Image Path (str)"].lstrip("/") for row in products]
    coarse = np.array([int(row["Coarse Class ID (int)"]) for row in products])
    return found | {PRODUCTS: Photos(own, np.arange(len(own)), coarse)}


def features(photos: dict[str, Photos], kept: pathlib.Path | None) -> dict[str, Values]:
    """What the encoder sees in the photos of each split and in their mirror images, on average; out of a file where it has them.

    Args:
        photos: by split.
        kept: an .npz file that is read, or written where it isn't there.

    Returns:
        [n, TEXTURES] of each split.
    """
    if kept is not None and kept.is_file():
        with np.load(kept) as file:
            return {split: file[split].astype(np.float32) for split in photos}
    import tensorflow as tf

    from aisle.model.images.efficientnet import read_weights
    from aisle.model.images.encoder import PictureEncoder

    encoder = PictureEncoder(read_weights(), textures=True)

    def seen(pixels: NDArray[np.uint8]) -> Values:
        mirrored = np.ascontiguousarray(pixels[:, :, ::-1])
        both: Values = (encoder(tf.constant(pixels)) + encoder(tf.constant(mirrored))).numpy() / 2
        return both

    found = {
        split: np.concatenate([seen(part) for part in _pixels(some.paths)]) for split, some in photos.items()
    }
    if kept is not None:
        halves: dict[str, Any] = {split: values.astype(np.float16) for split, values in found.items()}
        np.savez(kept, **halves)
    return found


def tuned(photos: dict[str, Photos], *splits: str) -> list[Values]:
    """What a network that is tuned on the photos of `train` says of those of other splits: logits, [n, k] each."""
    import tensorflow as tf

    from aisle.model.images.classifier import PictureClassifier
    from aisle.model.images.efficientnet import read_weights

    train = photos["train"]
    pictures = np.concatenate(list(_pixels(train.paths)))
    classifier = PictureClassifier.learn(read_weights(), pictures, train.fine)
    return [
        np.concatenate([classifier(tf.constant(part)).numpy() for part in _pixels(photos[split].paths)])
        for split in splits
    ]


def _pixels(paths: Sequence[pathlib.Path]) -> Iterator[NDArray[np.uint8]]:
    """The middle squares of photos, some at a time: [m, SIDE, SIDE, 3]."""
    for start in range(0, len(paths), _BATCH):
        squares = []
        for path in paths[start : start + _BATCH]:
            with Image.open(path) as image:
                side = min(image.size)
                left, top = (image.width - side) // 2, (image.height - side) // 2
                square = image.convert("RGB").crop((left, top, left + side, top + side))
                squares.append(np.asarray(square.resize((SIDE, SIDE), Image.Resampling.BICUBIC)))
        yield np.stack(squares)
