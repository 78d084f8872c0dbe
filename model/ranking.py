"""The BERT ranking head: reads a query (or a history) beside a candidate, with its features."""

from __future__ import annotations

import tensorflow as tf
from transformers import TFBertModel

from aisle.model.options import RankingOptions
from aisle.model.text import Tokenizer


class FeatureHead(tf.keras.Model):
    """The candidate's numbers alone: what the text has to add to."""

    def __init__(self, normalization: tf.keras.layers.Normalization) -> None:
        super().__init__(name="feature_head")
        self._normalization = normalization
        self._hidden = tf.keras.layers.Dense(64, activation="gelu")
        self._out = tf.keras.layers.Dense(2)

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Float32 [n, F] to the logits of click and of conversion given the click, [n, 2]."""
        return self._out(self._hidden(self._normalization(features)))


class RankingHead(tf.keras.Model):
    """Predicts click and conversion of a candidate.

    pCTCVR = pCTR x pCVR as in ESMM (Ma et al., SIGIR 2018). The features and the text each give
    logits that add up; the text's start at zero, so that training begins from the features.
    """

    def __init__(self, bert: TFBertModel, features: FeatureHead, learning_rate: float = 1e-3) -> None:
        """Makes the head.

        Args:
            bert: pretrained; trained by the optimizer that `compile` is given.
            features: trained before, or not.
            learning_rate: of everything but the BERT, which learns much slower.
        """
        super().__init__(name="ranking_head")
        self.bert = bert
        self.features = features
        self._text = tf.keras.layers.Dense(2, kernel_initializer="zeros")
        self._fast = tf.keras.optimizers.Adam(learning_rate)

    def call(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Scores candidates: BERT's inputs int32 [n, length] and `features` float32 [n, F] to
        the logits of click and of conversion given the click, float32 [n, 2]."""
        names = ("input_ids", "token_type_ids", "attention_mask")
        hidden = self.bert(**{name: inputs[name] for name in names}, training=training).last_hidden_state
        mask = tf.cast(inputs["attention_mask"], tf.float32)[:, :, None]
        text = tf.reduce_sum(hidden * mask, 1) / tf.reduce_sum(mask, 1)
        return self.features(inputs["features"]) + self._text(text)

    def train_step(self, data: tuple[dict[str, tf.Tensor], tf.Tensor]) -> dict[str, tf.Tensor]:
        """One step of both optimizers."""
        inputs, labels = data
        with tf.GradientTape() as tape:
            logits = self(inputs, training=True)
            loss = self.compute_loss(inputs, labels, logits)
        slow = self.bert.trainable_variables
        fast = [*self.features.trainable_variables, *self._text.trainable_variables]
        gradients = tape.gradient(loss, [*slow, *fast])
        self.optimizer.apply_gradients(zip(gradients[: len(slow)], slow, strict=False))
        self._fast.apply_gradients(zip(gradients[len(slow) :], fast, strict=False))
        return self.compute_metrics(inputs, labels, logits, None)


def probabilities(logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """PCTR and pCTCVR: float32 [n, 2] to two of [n]."""
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
    for label, probability in zip(tf.unstack(labels, axis=1), probabilities(logits), strict=False):
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
