"""Masked language modelling (Devlin et al., NAACL 2019): what is masked, and the head that guesses it."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from transformers import TFBertModel

from aisle.model.text.bert import Tokenizer

KEPT, RANDOM = 0.1, 0.1
"""Of what is to be guessed, the share that stays as it is, and the share that another word piece replaces."""


class Masking:
    """Chooses whole words to be guessed, and hides most of them.

    Example:
        >>> tokenizer = Tokenizer(bert)
        >>> ids = tokenizer.inputs(tokenizer.pieces(tf.constant(["red mugs"]), 8))["input_ids"]
        >>> shown, guessed = Masking(tokenizer, share=1.0, seed=1)(ids, tf.constant(0))
        >>> guessed.numpy().tolist()  # All but [CLS] and [SEP].
        [[False, True, True, True, False]]
    """

    def __init__(self, tokenizer: Tokenizer, share: float, seed: int) -> None:
        """Makes the masking.

        Args:
            tokenizer: whose vocabulary has `[MASK]`.
            share: of the words, those to be guessed.
            seed: of every draw.
        """
        self._mask = tokenizer.mask
        self._continues = tf.constant(tokenizer.continues)
        self._ordinary = tf.constant(np.flatnonzero(~tokenizer.special), tf.int32)
        self._special = tf.constant(tokenizer.special)
        self._share = share
        self._seed = seed

    def __call__(self, ids: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Masks a batch.

        A word that is chosen is chosen with all its pieces. Each of them becomes `[MASK]` in 8 of 10 cases, any
        ordinary piece in 1, and stays in 1. Special pieces are never chosen.

        Args:
            ids: word pieces int32 [n, length], padded.
            number: of the batch, int64 []: the same number draws the same again.

        Returns:
            What BERT is shown, int32 [n, length], and which places it must guess, bool [n, length].
        """
        special = tf.gather(self._special, ids)
        begins = ~tf.gather(self._continues, ids) | special
        word = tf.cumsum(tf.cast(begins, tf.int32), axis=1) - 1
        chance = self._uniform(ids, number, 0)
        guessed = (tf.gather(chance, word, batch_dims=1) < self._share) & ~special
        how = self._uniform(ids, number, 1)
        drawn = tf.random.stateless_uniform(
            tf.shape(ids), self._seeds(number, 2), 0, len(self._ordinary), tf.int32
        )
        shown = tf.where(how < KEPT + RANDOM, tf.gather(self._ordinary, drawn), self._mask)
        shown = tf.where(how < KEPT, ids, shown)
        return tf.where(guessed, shown, ids), guessed

    def _uniform(self, ids: tf.Tensor, number: tf.Tensor, kind: int) -> tf.Tensor:
        return tf.random.stateless_uniform(tf.shape(ids), self._seeds(number, kind))

    def _seeds(self, number: tf.Tensor, kind: int) -> tf.Tensor:
        return tf.stack([tf.constant(3 * self._seed + kind, tf.int64), tf.cast(number, tf.int64)])


class MaskedLanguageModel(tf.keras.Model):
    """BERT and a head that guesses hidden word pieces: dense, GELU, layer norm, the word embeddings, a bias.

    Checkpoints of sentence encoders come without such a head. So that it disturbs a trained BERT little until it
    is trained itself, its dense layer starts as the identity and its bias as the logarithm of how often each piece
    occurs.

    Example:
        >>> from aisle.model.text.bert import load_bert
        >>> tokenizer = Tokenizer(bert)
        >>> often = np.array([1e6 if piece == "mug" else 0.0 for piece in tokenizer.vocabulary])
        >>> model = MaskedLanguageModel(load_bert(bert), often)
        >>> inputs = tokenizer.inputs(tokenizer.pieces(tf.constant(["red lamp"]), 8))
        >>> guess = model(inputs, tf.constant([[0, 2]], tf.int64))
        >>> tokenizer.vocabulary[int(tf.argmax(guess[0]))]
        'mug'
    """

    def __init__(self, bert: TFBertModel, counts: np.ndarray) -> None:
        """Makes the model.

        Args:
            bert: pretrained.
            counts: how often each word piece occurs in the texts to learn from, [vocabulary].
        """
        super().__init__(name="masked_language")
        self.bert = bert
        width = bert.config.hidden_size
        self.dense = tf.keras.layers.Dense(width, kernel_initializer="identity")
        self.norm = tf.keras.layers.LayerNormalization(epsilon=bert.config.layer_norm_eps)
        self.dense.build([None, width])
        self.norm.build([None, width])
        often = np.ones(bert.config.vocab_size)
        often[: len(counts)] += counts
        self.bias = tf.Variable(np.log(often / often.sum()), dtype=tf.float32, name="bias")

    def call(self, inputs: dict[str, tf.Tensor], places: tf.Tensor) -> tf.Tensor:
        """Guesses.

        Dropout stays off: the masks differ each time, and a run that was killed must go on as it would have.

        Args:
            inputs: BERT's inputs, [n, length].
            places: rows and columns to guess, int64 [m, 2].

        Returns:
            Logits float32 [m, vocabulary].
        """
        hidden = tf.gather_nd(self.bert(**inputs, training=False).last_hidden_state, places)
        hidden = self.norm(tf.nn.gelu(self.dense(hidden)))
        return tf.matmul(hidden, self.bert.bert.embeddings.weight, transpose_b=True) + self.bias

    def losses_of(self, inputs: dict[str, tf.Tensor], masking: Masking, number: tf.Tensor) -> tf.Tensor:
        """The cross-entropy of each guess in a batch.

        Args:
            inputs: BERT's inputs, [n, length], nothing masked.
            masking: chooses what is guessed.
            number: of the batch, int64 [].

        Returns:
            float32 [m], for the m places that were chosen (there may be none).
        """
        shown, guessed = masking(inputs["input_ids"], number)
        places = tf.where(guessed)
        logits = self({**inputs, "input_ids": shown}, places)
        right = tf.gather_nd(inputs["input_ids"], places)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(right, logits)
