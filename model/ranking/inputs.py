"""The texts the ranking head reads, made by one function offline and served."""

from __future__ import annotations

import tensorflow as tf

HISTORY_TITLES = 3
"""How many of the latest titles stand for a history."""


def history_titles(rows: tf.Tensor, titles: tf.Tensor) -> tf.Tensor:
    """Joins the titles of the latest history, newest first.

    Args:
        rows: int32 [b, H] item rows, -1 pads in front.
        titles: string [n].

    Returns:
        string [b].

    Example:
        >>> history_titles(tf.constant([[-1, 0, 1]]), tf.constant(["Mug", "Lamp"])).numpy().tolist()
        [b'Lamp ; Mug']
    """
    latest = tf.reverse(rows[:, -HISTORY_TITLES:], [1])
    ragged = tf.ragged.boolean_mask(latest, latest >= 0)
    return tf.strings.reduce_join(tf.gather(titles, ragged), axis=1, separator=" ; ")
