"""The catalogue's texts as BERT reads them, encoded once and kept in a byte a number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from aisle.model.stored import stored

_BATCH = 256


class WordTable(tf.Module):
    """Vectors of every item's word pieces, int8: 5,000 titles of 15 word pieces at width 128 are 10 MB.

    The same title is read and kept once.

    Example:
        >>> def read(titles):  # A vector for each letter, all alike.
        ...     return tf.ones([len(titles), 3, 2]), tf.strings.length(titles)
        >>> table = WordTable(["mug", "tv", "mug"], read)
        >>> vectors, counts = table.lookup(tf.constant([[1, 2]]))
        >>> counts.numpy().tolist(), vectors[0, 0].numpy().tolist()
        ([[2, 3]], [[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    """

    def __init__(self, titles: list[str], read: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]) -> None:
        """Encodes the catalogue, alike lengths together so that little is padding.

        Args:
            titles: [n].
            read: string [b] to unit vectors float32 [b, L, width] and how many each text has, int32 [b].
        """
        super().__init__()
        texts, place = np.unique(np.array(titles, object), return_inverse=True)
        order = np.argsort([len(text) for text in texts], kind="stable")
        rows: list[np.ndarray] = [np.zeros([0, 1], np.float32)] * len(texts)
        for start in range(0, len(texts), _BATCH):
            chosen = order[start : start + _BATCH]
            vectors, counts = (part.numpy() for part in read(tf.constant(texts[chosen].tolist())))
            for row, vector, count in zip(chosen, vectors, counts, strict=True):
                rows[row] = vector[:count]
        counts = np.array([len(row) for row in rows])
        flat = np.concatenate([row for row in rows if len(row)] or [np.zeros([1, 1], np.float32)])
        scale = float(np.abs(flat).max()) / 127 or 1.0
        self._scale = tf.constant(scale, tf.float32)
        self._vectors = stored(np.round(flat / scale), tf.int8)
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
