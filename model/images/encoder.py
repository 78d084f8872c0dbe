"""Pictures as features: what the network sees in them, small things and large."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from aisle.model.images.efficientnet import SIDE, STAGES, WIDTH, EfficientNet, read_weights

_FROM = 3
"""Of the stages, the first whose maps are read: before it there are edges and colours alone."""
FEATURES = sum(stage.channels for stage in STAGES[_FROM:]) + WIDTH
_TEXTURED = 4
"""The stage whose channels' covariances tell textures: fine enough to repeat over a picture, coarse enough to mean something."""
_CHANNELS = STAGES[_TEXTURED].channels
TEXTURES = 2 * sum(stage.channels for stage in STAGES) + WIDTH + _CHANNELS * (_CHANNELS + 1) // 2
"""Features that tell textures, too."""
_FLAT = 1e-2
_WHITE = 255.0


class PictureEncoder(tf.Module):
    """The mean over a picture of what the later stages and the last layer see in it.

    Example:
        .. code-block:: python

            encoder = PictureEncoder(read_weights())  # With `pip install 'aisle[images]'`.
            encoder(tf.zeros([1, 224, 224, 3], tf.uint8)).shape  # [1, FEATURES]

    Args:
        weights: as `read_weights` has them.
        textures: whether the features are TEXTURES: the means of all stages, how much each channel varies over the picture,
            and which vary together (Lin, RoyChowdhury and Maji, Bilinear CNN Models, ICCV 2015). Five times as many, they
            are for what is learnt of labelled pictures.
    """

    def __init__(self, weights: Mapping[str, NDArray[Any]], textures: bool = False) -> None:
        super().__init__()
        self._network = EfficientNet(weights)
        self._textures = textures
        self.width = TEXTURES if textures else FEATURES

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8)])
    def __call__(self, pictures: tf.Tensor) -> tf.Tensor:
        """uint8 [n, h, w, 3], sides that 32 divides, to float32 [n, width]."""
        maps = self._network(pictures)
        if not self._textures:
            return tf.concat([tf.reduce_mean(seen, [1, 2]) for seen in maps[_FROM:]], -1)
        means = [tf.reduce_mean(seen, [1, 2]) for seen in maps]
        spreads = [tf.math.reduce_std(seen, [1, 2]) for seen in maps[:-1]]
        return tf.concat([*means, *spreads, _covariances(maps[_TEXTURED])], -1)

    def read(self, files: tf.Tensor) -> tf.Tensor:
        """The features of pictures in their files' bytes, JPEG or PNG: string [b] to float32 [b, width]."""
        spec = tf.TensorSpec([SIDE, SIDE, 3], tf.uint8)

        def features() -> tf.Tensor:
            return self(tf.map_fn(square, files, fn_output_signature=spec))

        # TensorFlow's fused convolutions refuse a batch of nothing.
        return tf.cond(tf.size(files) > 0, features, lambda: tf.zeros([0, self.width]))


def texture_parts() -> NDArray[np.int64]:
    """Which part each of the TEXTURES belongs to: means and spreads of the early, the middle and the late stages, and the rest."""
    channels = [stage.channels for stage in STAGES]
    early, middle = sum(channels[:_FROM]), sum(channels[_FROM:-1])
    sizes = (early, middle, channels[-1], WIDTH, early, middle, channels[-1])
    return np.repeat(np.arange(len(sizes) + 1), [*sizes, TEXTURES - sum(sizes)])


def _covariances(seen: tf.Tensor) -> tf.Tensor:
    """Which channels vary together over a picture: [n, h, w, c] to [n, c (c + 1) / 2].

    Divided by the root of both spreads, and the root of what is left: else a few strong channels are all that counts.
    """
    flat = tf.reshape(seen, [tf.shape(seen)[0], -1, _CHANNELS])
    flat -= tf.reduce_mean(flat, 1, keepdims=True)
    together = tf.matmul(flat, flat, transpose_a=True) / tf.cast(tf.shape(flat)[1], tf.float32)
    spread = tf.sqrt(tf.linalg.diag_part(together)) + _FLAT
    together /= tf.sqrt(spread[:, :, None] * spread[:, None, :])
    places = tf.constant(np.stack(np.triu_indices(_CHANNELS), -1), tf.int32)
    upper = tf.gather_nd(tf.transpose(together, [1, 2, 0]), places)
    return tf.transpose(tf.sign(upper) * tf.sqrt(tf.abs(upper)))


def encoder_fn() -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """What the component PictureReader calls: pictures, [n, h, w, 3], to their features.

    Raises:
        InputError: the package of the weights is not installed, or has others.
    """
    encoder = PictureEncoder(read_weights())

    def encode(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        features: NDArray[np.float32] = encoder(tf.constant(pictures)).numpy()
        return features

    return encode


def square(file: tf.Tensor) -> tf.Tensor:
    """Decodes a picture and fits it, whole, into a white square: string [] to uint8 [SIDE, SIDE, 3]."""
    picture = tf.io.decode_image(file, channels=3, expand_animations=False)
    # The margins that TensorFlow pads with are 0: what is white must be 0 for the while.
    dark = _WHITE - tf.cast(picture, tf.float32)
    fitted = _WHITE - tf.image.resize_with_pad(
        dark, SIDE, SIDE, tf.image.ResizeMethod.BICUBIC, antialias=True
    )
    return tf.cast(tf.round(tf.clip_by_value(fitted, 0.0, _WHITE)), tf.uint8)
