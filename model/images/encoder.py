"""Pictures as features: what the network sees in them, small things and large."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray

from aisle.model.images.efficientnet import SIDE, STAGES, WIDTH, EfficientNet

_FROM = 3
"""Of the stages, the first whose maps are read: before it there are edges and colours alone."""
FEATURES = sum(stage.channels for stage in STAGES[_FROM:]) + WIDTH
_WHITE = 255.0


class PictureEncoder(tf.Module):
    """The mean over a picture of what the later stages and the last layer see in it.

    Example:
        .. code-block:: python

            encoder = PictureEncoder(read_weights())  # With `pip install 'aisle[images]'`.
            encoder(tf.zeros([1, 224, 224, 3], tf.uint8)).shape  # [1, FEATURES]

    Args:
        weights: as `read_weights` has them.
    """

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        super().__init__()
        self._network = EfficientNet(weights)

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8)])
    def __call__(self, pictures: tf.Tensor) -> tf.Tensor:
        """uint8 [n, h, w, 3], sides that 32 divides, to float32 [n, FEATURES]."""
        maps = self._network(pictures)[_FROM:]
        return tf.concat([tf.reduce_mean(seen, [1, 2]) for seen in maps], -1)

    def read(self, files: tf.Tensor) -> tf.Tensor:
        """The features of pictures in their files' bytes, JPEG or PNG: string [b] to float32 [b, FEATURES]."""
        spec = tf.TensorSpec([SIDE, SIDE, 3], tf.uint8)

        def features() -> tf.Tensor:
            return self(tf.map_fn(square, files, fn_output_signature=spec))

        # TensorFlow's fused convolutions refuse a batch of nothing.
        return tf.cond(tf.size(files) > 0, features, lambda: tf.zeros([0, FEATURES]))


def square(file: tf.Tensor) -> tf.Tensor:
    """Decodes a picture and fits it, whole, into a white square: string [] to uint8 [SIDE, SIDE, 3]."""
    picture = tf.io.decode_image(file, channels=3, expand_animations=False)
    # The margins that TensorFlow pads with are 0: what is white must be 0 for the while.
    dark = _WHITE - tf.cast(picture, tf.float32)
    fitted = _WHITE - tf.image.resize_with_pad(
        dark, SIDE, SIDE, tf.image.ResizeMethod.BICUBIC, antialias=True
    )
    return tf.cast(tf.round(tf.clip_by_value(fitted, 0.0, _WHITE)), tf.uint8)
