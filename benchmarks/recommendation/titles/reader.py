"""A cross-encoder: BERT reads the latest titles of a history and a candidate's title together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from aisle.model.text.bert import Tokenizer, load_bert
from aisle.schema.bert.weights import bert_folder

LAYERS = 3
"""Of BERT's six: what a shop could wait for, and what can be trained here."""
_HISTORY, _TITLE = 40, 16
"""Word pieces read of each."""
_BATCH, _ASKED = 64, 256
_RATE, _FAST = 1e-4, 3e-3
"""Of AdamW at its peak, for BERT, and for the weights of the logit, which begin with nothing."""

Texts = npt.NDArray[np.object_]


class Reader:
    """Says how much likelier a candidate is taken than what else is known of it says.

    Source: the cross-encoder of Nogueira and Cho, Passage Re-ranking with BERT, 2019, pooled by the mean as MiniLM was trained.
    """

    def __init__(self, seed: int) -> None:
        """Begins with the installed BERT's first layers."""
        tf.keras.utils.set_random_seed(seed)
        self._tokenizer = Tokenizer(bert_folder())
        self._bert = load_bert(bert_folder(), LAYERS)
        self._out = tf.keras.layers.Dense(1)
        self._graph = tf.function(self._read, reduce_retracing=True)

    def fit(self, history: Texts, title: Texts, taken: npt.NDArray[np.float32], seed: int) -> list[float]:
        """Learns from pairs, once each: strings [n], strings [n], 0 or 1 [n]. Returns the losses of each tenth of them."""
        order = np.random.default_rng(seed).permutation(len(taken))
        steps = max(1, len(order) // _BATCH)
        slow, fast = (_optimizer(steps, peak) for peak in (_RATE, _FAST))
        self._read(*(tf.constant(texts[:2], tf.string) for texts in (history, title)))
        # Word pieces keep their embeddings: a few thousand pairs hold few of them, and they are most of the weights.
        layers = [weight for one in self._bert.bert.encoder.layer for weight in one.trainable_variables]
        slow.build(layers)
        fast.build(self._out.trainable_variables)

        @tf.function(reduce_retracing=True)
        def step(one: tf.Tensor, other: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                logits = self._read(one, other, training=True)
                loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(label, logits))
            of_layers, of_logit = tape.gradient(loss, [layers, self._out.trainable_variables])
            slow.apply_gradients(zip(of_layers, layers, strict=True))
            fast.apply_gradients(zip(of_logit, self._out.trainable_variables, strict=True))
            return loss

        losses = [
            float(
                step(tf.constant(history[some], tf.string), tf.constant(title[some], tf.string), taken[some])
            )
            for some in np.array_split(order, steps)
        ]
        return [float(np.mean(part)) for part in np.array_split(losses, min(10, steps))]

    def __call__(self, history: Texts, title: Texts) -> npt.NDArray[np.float32]:
        """The logits of pairs, each different one read once, alike lengths together: strings [n] each to float32 [n]."""
        pairs, place = np.unique(
            np.array([b"%s\n%s" % pair for pair in zip(history, title, strict=True)], object),
            return_inverse=True,
        )
        order = np.argsort([len(pair) for pair in pairs], kind="stable")
        found = np.zeros(len(pairs), np.float32)
        for start in range(0, len(order), _ASKED):
            some = order[start : start + _ASKED]
            one, other = zip(*(pair.split(b"\n", 1) for pair in pairs[some]), strict=True)
            found[some] = self._graph(tf.constant(one), tf.constant(other)).numpy()
        return found[np.ravel(place)]

    def _read(self, history: tf.Tensor, title: tf.Tensor, training: bool = False) -> tf.Tensor:
        pieces = [
            self._tokenizer.pieces(text, limit) for text, limit in ((history, _HISTORY), (title, _TITLE))
        ]
        inputs = self._tokenizer.inputs(*pieces)
        hidden = self._bert(**inputs, training=training).last_hidden_state
        mask = tf.cast(inputs["attention_mask"], tf.float32)[:, :, None]
        return self._out(tf.reduce_sum(hidden * mask, 1) / tf.reduce_sum(mask, 1))[:, 0]


def _optimizer(steps: int, peak: float) -> tf.keras.optimizers.Optimizer:
    """AdamW that warms up over a tenth of all steps, then falls to nothing."""
    rate = tf.keras.optimizers.schedules.CosineDecay(
        peak / 10, steps, warmup_target=peak, warmup_steps=max(1, steps // 10)
    )
    return tf.keras.optimizers.AdamW(rate, weight_decay=0.01, clipnorm=1.0)
