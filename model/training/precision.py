"""Mixed precision: matrices are multiplied in bfloat16 where a training asks for it; all else is float32."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow as tf

MIXED = "mixed_bfloat16"
"""Keras' name of it."""


class Dense(tf.keras.layers.Dense):
    """A dense layer of float32 weights that hands on float32, whatever it multiplies in.

    bfloat16 has the range of float32 and 8 of its bits, so that a loss needs no scaling (Kalamkar et al., A Study of BFLOAT16
    for Deep Learning Training, 2019).

    Example:
        >>> layer = Dense(2, mixed=True, kernel_initializer="ones")
        >>> layer(tf.constant([[1.0, 0.001]])).numpy().tolist()  # 1.001 isn't one of its numbers.
        [[1.0, 1.0]]
        >>> layer.kernel.dtype.name
        'float32'
    """

    def __init__(self, units: int, activation: str | None = None, mixed: bool = False, **given: str) -> None:
        """Args: `mixed`: whether it multiplies in bfloat16."""
        super().__init__(units, activation, dtype=MIXED if mixed else "float32", **given)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Float32 [n, …] to float32 [n, units]."""
        return tf.cast(super().call(inputs), tf.float32)


def product(left: tf.Tensor, right: tf.Tensor, mixed: bool, **transposed: bool) -> tf.Tensor:
    """The product of two float32 matrices, as float32; `transposed` as `tf.matmul` has it.

    Example:
        >>> product(tf.constant([[1.001]]), tf.constant([[1.0]]), mixed=True).numpy().tolist()
        [[1.0]]
    """
    kind = tf.bfloat16 if mixed else tf.float32
    return tf.cast(tf.matmul(tf.cast(left, kind), tf.cast(right, kind), **transposed), tf.float32)


@contextlib.contextmanager
def layers_in(mixed: bool) -> Iterator[None]:
    """Has the layers that are made meanwhile, and say nothing of it, multiply in bfloat16."""
    before = tf.keras.mixed_precision.global_policy()
    if mixed:
        tf.keras.mixed_precision.set_global_policy(MIXED)
    try:
        yield
    finally:
        tf.keras.mixed_precision.set_global_policy(before)
