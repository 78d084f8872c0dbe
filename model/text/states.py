"""What a BERT makes of a text on its way: means of its upper layers, and the greatest of the last one."""

from __future__ import annotations

import tensorflow as tf

from aisle.model.text.bert import SentenceEncoder

PARTS = 4
"""The means of the layers at two thirds, at five sixths and at the end, and the maximum of the last."""
_LIMIT = 128
"""Pieces read of a text: a long review often turns in its second half."""


class States:
    """Reads more of a BERT than its sentence embedding: lower layers know moods that the last has left behind.

    Example:
        >>> states = States(SentenceEncoder(bert))  # Of which each vector has 16 numbers.
        >>> states(tf.constant(["red mug"])).shape.as_list()
        [1, 64]
    """

    def __init__(self, encoder: SentenceEncoder) -> None:
        self._encoder = encoder
        layers = encoder.bert.config.num_hidden_layers
        self._layers = (round(layers * 2 / 3), round(layers * 5 / 6), layers)
        self.width: int = PARTS * encoder.width

    def __call__(self, text: tf.Tensor) -> tf.Tensor:
        """Each part to unit length, behind one another: string [n] to float32 [n, PARTS * width]; zeros where nothing is read."""
        tokenizer = self._encoder.tokenizer
        pieces = tokenizer.pieces(text, _LIMIT)
        inputs = tokenizer.inputs(pieces, prompt=tokenizer.reading.query)
        told = self._encoder.bert(**inputs, training=False, output_hidden_states=True)
        mask = tf.cast(inputs["attention_mask"], tf.float32)[:, :, None]
        count = tf.reduce_sum(mask, 1)
        means = [tf.reduce_sum(told.hidden_states[layer] * mask, 1) / count for layer in self._layers]
        greatest = tf.reduce_max(
            tf.where(mask > 0, told.last_hidden_state, told.last_hidden_state.dtype.min), 1
        )
        known = tf.cast(pieces.row_lengths() > 0, tf.float32)[:, None]
        return tf.concat([tf.math.l2_normalize(part, 1) for part in (*means, greatest)], 1) * known

    def read(self, texts: tf.Tensor, batch: int = 64) -> tf.Tensor:
        """As `__call__`, of many texts, alike lengths together: [n] to [n, PARTS * width]."""
        if not len(texts):
            return tf.zeros([0, self.width])
        order = tf.argsort(tf.strings.length(texts))
        function = tf.function(self.__call__, input_signature=[tf.TensorSpec([None], tf.string)])
        found = [
            function(tf.gather(texts, order[start : start + batch])) for start in range(0, len(texts), batch)
        ]
        return tf.gather(tf.concat(found, 0), tf.argsort(order))
