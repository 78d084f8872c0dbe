"""The catalogue's texts as BERT reads them, encoded once and kept in a byte a number."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import IO

import numpy as np
import tensorflow as tf

from aisle.model.stored import filled, stored

Read = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
_BATCH = 256
_AT_ONCE = 4_096
"""Texts whose vectors are read from the file at once."""


class WordTable(tf.Module):
    """Vectors of every item's word pieces, int8: 5,000 titles of 15 word pieces at width 128 are 10 MB.

    The same title is read and kept once. What is read lies in a file until the largest number is known, by which all are kept:
    four times as much.

    Example:
        >>> def read(titles):  # A vector for each letter, all alike.
        ...     return tf.ones([len(titles), 3, 2]), tf.strings.length(titles)
        >>> table = WordTable(["mug", "tv", "mug"], read)
        >>> vectors, counts = table.lookup(tf.constant([[1, 2]]))
        >>> counts.numpy().tolist(), vectors[0, 0].numpy().tolist()
        ([[2, 3]], [[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    """

    def __init__(self, titles: list[str], read: Read) -> None:
        """Encodes the catalogue, alike lengths together so that little is padding.

        Args:
            titles: [n].
            read: string [b] to unit vectors float32 [b, L, width] and how many each text has, int32 [b].
        """
        super().__init__()
        texts, place = np.unique(np.array(titles, object), return_inverse=True)
        with tempfile.TemporaryFile() as file:
            counts, kept = _read(texts, read, file)
            self._scale = tf.constant(kept.scale, tf.float32)
            vectors = filled((max(kept.rows, 1), kept.width), tf.int8, kept.blocks())
            self._vectors = tf.Variable(vectors, trainable=False)
        self._place = stored(place, tf.int32)
        self._counts = stored(counts, tf.int32)
        self._starts = stored(np.concatenate([[0], np.cumsum(counts)[:-1]]), tf.int32)

    def lookup(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The vectors of items: int32 [b, m] to float32 [b, m, L, width], zeros behind, and int32 [b, m]."""
        rows = tf.gather(self._place, rows)
        counts = tf.gather(self._counts, rows)
        places = tf.range(tf.maximum(tf.reduce_max(counts), 1))
        there = places < counts[:, :, None]
        flat = tf.where(there, tf.gather(self._starts, rows)[:, :, None] + places, 0)
        vectors = tf.cast(tf.gather(self._vectors, flat), tf.float32) * self._scale
        return tf.where(there[..., None], vectors, 0.0), counts


@dataclasses.dataclass(frozen=True)
class _Kept:
    """The vectors of texts in a file, float32, in the order that they were read in."""

    file: IO[bytes]
    starts: np.ndarray
    counts: np.ndarray
    width: int
    scale: float

    @property
    def rows(self) -> int:
        return int(self.counts.sum())

    def blocks(self) -> Iterator[np.ndarray]:
        """All vectors in the order of the texts, as they are kept: [m, width] at a time."""
        if not self.rows:
            yield np.zeros([1, self.width], np.float32)
        for first in range(0, len(self.counts) if self.rows else 0, _AT_ONCE):
            counts, starts = (part[first : first + _AT_ONCE] for part in (self.counts, self.starts))
            found, end = np.empty([counts.sum(), self.width], np.float32), 0
            for start, count in zip(starts.tolist(), counts.tolist(), strict=True):
                if count:
                    os.preadv(self.file.fileno(), [found[end : end + count].data], start * found.strides[0])
                    end += count
            yield np.round(found / self.scale)


def _read(texts: np.ndarray, read: Read, file: IO[bytes]) -> tuple[np.ndarray, _Kept]:
    """Reads texts into a file, alike lengths together; how many vectors each has, and what is kept of them."""
    order = np.argsort([len(text) for text in texts], kind="stable")
    counts, width, most = np.zeros(len(texts), np.int64), 1, 0.0
    for start in range(0, len(texts), _BATCH):
        chosen = order[start : start + _BATCH]
        vectors, found = (part.numpy() for part in read(tf.constant(texts[chosen].tolist())))
        rows = vectors[np.arange(vectors.shape[1]) < found[:, None]]
        counts[chosen], width = found, rows.shape[1]
        most = max(most, float(np.abs(rows).max(initial=0.0)))
        file.write(rows.tobytes())
    file.flush()
    starts = np.zeros(len(texts), np.int64)
    starts[order] = np.concatenate([[0], np.cumsum(counts[order])[:-1]])
    return counts, _Kept(file, starts, counts, width, most / 127 or 1.0)
