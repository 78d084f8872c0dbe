"""What lists of candidates cost."""

from __future__ import annotations

import tensorflow as tf

from aisle.model.ranking.numbers import ranking_loss

_GAIN_LEVELS = 3.0
"""The best grade's gain is 2 to this less one, as nDCG's is with four grades."""


def list_losses(labels: dict[str, tf.Tensor], logits: tf.Tensor) -> tf.Tensor:
    """The loss of each list.

    A list that people judged costs the cross-entropy between the shares of its candidates in the gain and their
    softmax (ListNet: Cao et al., ICML 2007, with nDCG's exponential gain); any other the mean of `ranking_loss`.

    Args:
        labels: `outcome` float32 [b, m, 3] (click and conversion, -1 unknown, and their weight), `there` bool [b, m] (what is no
            padding), `judged` bool [b].
        logits: float32 [b, m, 2].

    Returns:
        float32 [b].

    Example:
        >>> outcome = tf.constant([[[1.0, -1.0, 1.0], [0.0, -1.0, 1.0]]])  # Of two candidates the first is good.
        >>> labels = {"outcome": outcome, "there": tf.constant([[True, True]]), "judged": tf.constant([True])}
        >>> list_losses(labels, tf.zeros([1, 2, 2])).numpy().astype(float).round(3).tolist()  # -log(1 / 2)
        [0.693]
    """
    there = labels["there"]
    listwise = _cross_entropy(_gains(labels), there, logits[:, :, 0])
    flat = ranking_loss(tf.reshape(labels["outcome"], [-1, 3]), tf.reshape(logits, [-1, 2]))
    each = tf.where(there, tf.reshape(flat, tf.shape(there)), 0.0)
    pointwise = tf.math.divide_no_nan(tf.reduce_sum(each, 1), tf.reduce_sum(tf.cast(there, tf.float32), 1))
    return tf.where(labels["judged"], listwise, pointwise)


def contrast(labels: dict[str, tf.Tensor], logits: tf.Tensor) -> tf.Tensor:
    """As the judged lists of `list_losses`, with the other lists' candidates as negatives.

    Args:
        labels: as of `list_losses`.
        logits: of each list's query with every list's candidates, list after list, float32 [b, b * m].

    Returns:
        float32 [b].
    """
    count = tf.shape(labels["there"])[0]
    own = tf.eye(count)[:, :, None] * _gains(labels)[:, None]
    there = tf.broadcast_to(tf.reshape(labels["there"], [1, -1]), tf.shape(logits))
    return _cross_entropy(tf.reshape(own, tf.shape(logits)), there, logits)


def _gains(labels: dict[str, tf.Tensor]) -> tf.Tensor:
    """The gain of each candidate, 0 for padding: float32 [b, m]."""
    share = tf.clip_by_value(labels["outcome"][:, :, 0], 0.0, 1.0)
    return tf.where(labels["there"], tf.pow(2.0, _GAIN_LEVELS * share) - 1.0, 0.0)


def _cross_entropy(gains: tf.Tensor, there: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Between the shares in the gain and the softmax of what is there: three of [b, m] to [b]."""
    target = tf.math.divide_no_nan(gains, tf.reduce_sum(gains, 1, keepdims=True))
    log_share = tf.nn.log_softmax(tf.where(there, logits, -1e9), 1)
    return -tf.reduce_sum(target * tf.where(there, log_share, 0.0), 1)
