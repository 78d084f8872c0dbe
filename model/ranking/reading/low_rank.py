"""Parameter-efficient tuning: low-rank updates of BERT's attention."""

from __future__ import annotations

import tensorflow as tf
from transformers import TFBertModel

_SCALE = 2.0
"""How much an update counts; the ratio alpha / r of the paper."""


class LowRank(tf.keras.layers.Layer):
    """A dense layer plus a trained product of two thin matrices: LoRA (Hu et al., ICLR 2022), equation 3.

    Example:
        >>> dense = tf.keras.layers.Dense(2, kernel_initializer="ones")
        >>> dense.build([None, 3])
        >>> layer, inputs = LowRank(dense, rank=1), tf.ones([1, 3])
        >>> _ = layer.down.assign(tf.ones([3, 1])), layer.up.assign([[1.0, 0.0]])
        >>> dense(inputs).numpy().tolist(), layer(inputs).numpy().tolist()
        ([[3.0, 3.0]], [[9.0, 3.0]])
        >>> layer.merged(share=0.5)(inputs).numpy().tolist()
        [[6.0, 3.0]]
    """

    def __init__(self, dense: tf.keras.layers.Dense, rank: int) -> None:
        """Args: `dense`: built; it stays as it is. `rank`: of the update, which starts at nothing."""
        super().__init__(name=f"{dense.name}_low_rank", dtype=dense.dtype_policy)
        self.dense = dense
        rows, columns = dense.kernel.shape
        self.down = self.add_weight("down", [rows, rank], initializer=tf.keras.initializers.HeUniform())
        self.up = self.add_weight("up", [rank, columns], initializer="zeros")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """As the dense layer: [..., rows] to [..., columns]."""
        update = tf.matmul(tf.matmul(inputs, self.down), self.up)
        return self.dense(inputs) + _SCALE * update

    def merged(self, share: float) -> tf.keras.layers.Dense:
        """The dense layer, a share of the update added to its weights."""
        self.dense.kernel.assign_add(share * _SCALE * tf.matmul(self.down, self.up))
        return self.dense


_ADAPTED = ("query", "value")


def adapt(bert: TFBertModel, rank: int, frozen: int = 0) -> list[tf.Variable]:
    """Puts updates beside the attention's queries and values of every layer from `frozen` on.

    Returns:
        The updates' variables: all that is to be trained.
    """
    variables = []
    for layer in bert.bert.encoder.layer[frozen:]:
        attention = layer.attention.self_attention
        for name in _ADAPTED:
            update = LowRank(getattr(attention, name), rank)
            setattr(attention, name, update)
            variables += [update.down, update.up]
    return variables


def merge(bert: TFBertModel, share: float) -> None:
    """Adds a share of the updates to the weights and takes them away, so that serving costs what it did."""
    for layer in bert.bert.encoder.layer:
        attention = layer.attention.self_attention
        for name in _ADAPTED:
            part = getattr(attention, name)
            if isinstance(part, LowRank):
                setattr(attention, name, part.merged(share))
