"""The BERT ranking head: reads a query (or a history) beside a candidate, with its features."""

from __future__ import annotations


import tensorflow as tf
from transformers import TFBertModel

from aisle.model.options import RankingOptions
from aisle.model.text import Tokenizer


class RankingHead(tf.keras.Model):
    """Predicts click and conversion of a candidate.

    pCTCVR = pCTR x pCVR as in ESMM (Ma et al., SIGIR 2018). The features and the text each give
    logits that add up; the text's start at zero, so that training begins from the features.
    """

    def __init__(self, bert: TFBertModel, normalization: tf.keras.layers.Normalization) -> None:
        super().__init__(name="ranking_head")
        self.bert = bert
        self._normalization = normalization
        self._hidden = tf.keras.layers.Dense(64, activation="gelu")
        self._features = tf.keras.layers.Dense(2)
        self._text = tf.keras.layers.Dense(2, kernel_initializer="zeros")

    def call(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Scores candidates: BERT's inputs int32 [n, length] and `features` float32 [n, F] to
        the logits of click and of conversion given the click, float32 [n, 2]."""
        names = ("input_ids", "token_type_ids", "attention_mask")
        hidden = self.bert(**{name: inputs[name] for name in names}, training=training).last_hidden_state
        mask = tf.cast(inputs["attention_mask"], tf.float32)[:, :, None]
        text = tf.reduce_sum(hidden * mask, 1) / tf.reduce_sum(mask, 1)
        numbers = self._normalization(inputs["features"])
        return self._features(self._hidden(numbers)) + self._text(text)


def probabilities(logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """pCTR and pCTCVR: float32 [n, 2] to two of [n]."""
    click = tf.math.sigmoid(logits[:, 0])
    return click, click * tf.math.sigmoid(logits[:, 1])


def ranking_loss(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Binary cross-entropy of click and of conversion, each where its label is there.

    Args:
        labels: float32 [n, 2], click and conversion, -1 where unknown.
        logits: float32 [n, 2].

    Returns:
        float32 [n].
    """
    total = tf.zeros_like(logits[:, 0])
    for label, probability in zip(tf.unstack(labels, axis=1), probabilities(logits)):
        p = tf.clip_by_value(probability, 1e-6, 1 - 1e-6)
        entropy = -(label * tf.math.log(p) + (1 - label) * tf.math.log(1 - p))
        total += tf.where(label >= 0, entropy, 0.0)
    return total


def model_inputs(
    tokenizer: Tokenizer,
    options: RankingOptions,
    query: tf.Tensor,
    history_titles: tf.Tensor,
    title: tf.Tensor,
    features: tf.Tensor,
) -> dict[str, tf.Tensor]:
    """Tokenises a query (the history's titles where it is empty) and a candidate: strings [n]."""
    first = tokenizer.pieces(tf.where(query == "", history_titles, query), options.query_pieces)
    inputs = tokenizer.inputs(first, tokenizer.pieces(title, options.title_pieces))
    return {**inputs, "features": features}
