"""Views of a photo that show the same: another part of it, mirrored, in other light."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_SMALLEST = 0.4
"""Of the photo's area, what is seen at least."""
_LONGEST = 4 / 3
"""Of a view's sides, one by the other."""
_BRIGHTER, _TINTED = 0.3, 0.07
"""How far contrast and brightness, and each colour, go up and down."""
_MIDDLE, _WHITE = 127.0, 255.0


class Views:
    """Draws how photos are viewed.

    Example:
        >>> views = Views(seed=1)
        >>> photos = tf.zeros([2, 64, 64, 3], tf.uint8)
        >>> Views.of(photos, tf.constant(views.boxes(2)), tf.constant(views.light(2))).shape.as_list()
        [2, 64, 64, 3]
    """

    def __init__(self, seed: int) -> None:
        self._draw = np.random.default_rng(seed)

    def boxes(self, count: int) -> Floats:
        """Parts of photos: top, left, bottom and right, from 0 to 1, [count, 4]; of mirror images left is beyond right."""
        draw = self._draw
        area = draw.uniform(_SMALLEST, 1, count)
        shape = np.exp(draw.uniform(-np.log(_LONGEST), np.log(_LONGEST), count))
        height, width = np.minimum(np.sqrt(area / shape), 1), np.minimum(np.sqrt(area * shape), 1)
        top, left = draw.uniform(0, 1 - height), draw.uniform(0, 1 - width)
        mirrored = draw.random(count) < 0.5
        sides = np.where(mirrored, left + width, left), np.where(mirrored, left, left + width)
        return np.stack([top, sides[0], top + height, sides[1]], 1).astype(np.float32)

    def light(self, count: int) -> Floats:
        """By what contrast, and then red, green and blue are multiplied, [count, 4]."""
        contrast, bright = self._draw.uniform(1 - _BRIGHTER, 1 + _BRIGHTER, (2, count, 1))
        tint = self._draw.uniform(1 - _TINTED, 1 + _TINTED, (count, 3))
        return np.concatenate([contrast, bright * tint], 1).astype(np.float32)

    def kept(self, shape: tuple[int, int], share: float) -> Floats:
        """Which features are kept: 0, or 1 / share of about a share of them (dropout)."""
        return ((self._draw.random(shape) < share) / share).astype(np.float32)

    @staticmethod
    def of(pictures: tf.Tensor, boxes: tf.Tensor, light: tf.Tensor) -> tf.Tensor:
        """The views: uint8 [n, h, w, 3] to float32 of 0 to 255, of the same size."""
        each = tf.range(tf.shape(pictures)[0])
        seen = tf.image.crop_and_resize(tf.cast(pictures, tf.float32), boxes, each, tf.shape(pictures)[1:3])
        seen = (_MIDDLE + (seen - _MIDDLE) * light[:, None, None, :1]) * light[:, None, None, 1:]
        return tf.clip_by_value(seen, 0.0, _WHITE)
