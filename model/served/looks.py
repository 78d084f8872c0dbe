"""What a shop's items look like, in the served graph."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
import tensorflow as tf
from numpy.typing import NDArray

from aisle.model.images.efficientnet import read_weights
from aisle.model.images.encoder import PictureEncoder
from aisle.model.images.weighing import Weighed, taken_together, weigh
from aisle.model.images.whitening import Whitening
from aisle.model.retrieval.index import Asked, ExactIndex
from aisle.model.served.ranked import Ranked
from aisle.model.stored import stored


class Looks(tf.Module):
    """The pictures of items as vectors, and what makes one of a picture that comes with a question.

    Example:
        .. code-block:: python

            looks, weighed = looks_of(frames, ids, [tower.item_embeddings.numpy()], None)  # With `pip install 'aisle[images]'`.
            rows, scores = looks.like(tf.constant([open("mug.png", "rb").read()])).best(3)
    """

    def __init__(
        self, encoder: PictureEncoder, turn: Whitening, vectors: NDArray[np.float32], weight: float
    ) -> None:
        """Nothing is asked yet.

        Args:
            encoder: sees in a picture what `turn` makes a vector of.
            turn: learnt from the shop's pictures.
            vectors: of the items, [n, w], 0 without a picture.
            weight: of the pictures' cosine beside those of towers and texts, in what is similar.
        """
        super().__init__()
        self._encoder, self._turn, self._weight = encoder, turn, weight
        self._vectors = stored(vectors)
        self._there = stored(np.any(vectors != 0, axis=1), tf.bool)
        self._index = ExactIndex(self._vectors)

    def near(self, rows: tf.Tensor) -> list[Asked]:
        """Asks for the items that look like given ones, int32 [b]: cosines by their weight, 0 without a picture.

        Returns:
            Nothing where pictures don't count.
        """
        return [self._index.ask(self._weight * tf.gather(self._vectors, rows))] if self._weight else []

    def like(self, files: tf.Tensor) -> Ranked:
        """The items that look like the pictures in files' bytes, string [b], by the cosine."""
        scores = self._index.ask(self._turn(self._encoder.read(files))).scores
        return Ranked(scores, tf.broadcast_to(self._there[None], tf.shape(scores)))


def looks_of(
    frames: Mapping[str, pl.DataFrame],
    ids: Sequence[str],
    others: Sequence[NDArray[np.float32]],
    weight: float | None,
) -> tuple[Looks, Weighed] | None:
    """Makes them of a shop's pictures.

    Args:
        frames: tables by name; `pictures` has `item_id` and `features`, FEATURES float16 numbers in bytes.
        ids: of the items, in their order.
        others: vectors of the items, see `weigh`.
        weight: of the pictures in what is similar; None has the validation window choose it.

    Returns:
        What was found about the weight, too; None where fewer than two items have a picture.
    """
    pictures = frames.get("pictures")
    if pictures is None:
        return None
    place = {item: row for row, item in enumerate(ids)}
    seen = pictures.filter(pl.col("item_id").is_in(list(place)))
    if len(seen) < 2:
        return None
    features = np.stack([np.frombuffer(data, np.float16) for data in seen["features"]])
    turn = Whitening.learn(features)
    rows = [place[item] for item in seen["item_id"]]
    found = [
        turn(tf.constant(features[at : at + 1024].astype(np.float32))).numpy()
        for at in range(0, len(features), 1024)
    ]
    vectors = np.zeros((len(ids), found[0].shape[1]), np.float32)
    vectors[rows] = np.concatenate(found)
    weighed = weigh(taken_together(frames["interactions"], ids), others, vectors)
    weighed = weighed if weight is None else dataclasses.replace(weighed, weight=weight)
    return Looks(PictureEncoder(read_weights()), turn, vectors, weighed.weight), weighed
