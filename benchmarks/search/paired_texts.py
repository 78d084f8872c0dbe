"""Contrastive learning: a title beside its own description, against the others of the batch."""

from __future__ import annotations

import tensorflow as tf
from transformers import TFBertModel

TEMPERATURE = 0.05


def mean_vectors(bert: TFBertModel, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
    """Mean-pooled, unit-length: BERT's inputs [n, length] to float32 [n, width]."""
    hidden = bert(**inputs, training=False).last_hidden_state
    mask = tf.cast(inputs["attention_mask"], tf.float32)[:, :, None]
    return tf.math.l2_normalize(tf.reduce_sum(hidden * mask, 1) / tf.reduce_sum(mask, 1), 1)


def pair_losses(bert: TFBertModel, one: dict[str, tf.Tensor], other: dict[str, tf.Tensor]) -> tf.Tensor:
    """InfoNCE both ways, float32 [n] (van den Oord et al., 2018)."""
    cosines = tf.matmul(mean_vectors(bert, one), mean_vectors(bert, other), transpose_b=True) / TEMPERATURE
    right = tf.range(tf.shape(cosines)[0])
    return (
        tf.nn.sparse_softmax_cross_entropy_with_logits(right, cosines)
        + tf.nn.sparse_softmax_cross_entropy_with_logits(right, tf.transpose(cosines))
    ) / 2
