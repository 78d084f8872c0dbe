"""Reads a query beside a text word by word: ColBERT's late interaction on a pretrained BERT."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from transformers import TFBertModel

from aisle.model.ranking.reading.low_rank import adapt, merge
from aisle.model.text.bert import Tokenizer

SIMILARITIES = ("whole", "words", "weakest")
"""What `similarities` says of a query and a text."""

_SHARPNESS = 10.0
"""How strongly the weakest word outweighs the others in `weakest`: the factor of its softmax."""


class LateInteraction(tf.keras.Model):
    """Encodes texts one by one; a query and a text meet only in their word pieces' cosines.

    After ColBERT (Khattab and Zaharia, SIGIR 2020). A catalogue's texts are encoded once, so that a query costs
    one reading of a few words, whatever the number of candidates.

    Example:
        >>> from aisle.model.text.bert import load_bert
        >>> reader = LateInteraction(load_bert(bert), Tokenizer(bert), width=8)
        >>> vectors, count = reader(reader.tokenizer.pieces(tf.constant(["red mugs"]), 8))
        >>> vectors.shape.as_list(), count.numpy().tolist()  # Of the whole, of `red`, of `mug` and of `##s`.
        ([1, 4, 8], [4])
        >>> similar = similarities(vectors, count, vectors[:, None], count[:, None])  # The text itself.
        >>> similar.numpy().astype(float).round(3).tolist()
        [[[1.0, 1.0, 1.0]]]
    """

    def __init__(
        self,
        bert: TFBertModel,
        tokenizer: Tokenizer,
        width: int = 128,
        frozen: int = 0,
        adapter_rank: int = 0,
    ) -> None:
        """Makes the encoder.

        Args:
            bert: pretrained.
            tokenizer: of the same vocabulary.
            width: of the vectors kept; see `fit_projection`.
            frozen: how many of the lowest layers, and the embeddings, are not trained; the last one always is.
            adapter_rank: of the updates that are trained instead of the weights; 0 trains these. See `low_rank`.
        """
        super().__init__(name="late_interaction")
        self.bert = bert
        self.tokenizer = tokenizer
        # Words are compared with words: what stands before a text must be the same on both sides.
        self._prompt = tokenizer.reading.query
        self._prompt_length = tokenizer.prompt_length(self._prompt)
        self.width = width
        self._frozen = min(frozen, bert.config.num_hidden_layers - 1)
        self.projection = tf.Variable(tf.eye(bert.config.hidden_size, width), trainable=False)
        bert.bert.embeddings.trainable = not self._frozen
        for layer in bert.bert.encoder.layer[: self._frozen]:
            layer.trainable = False
        self.adapters = adapt(bert, adapter_rank, self._frozen) if adapter_rank else []

    @property
    def tuned(self) -> list[tf.Variable]:
        """What is trained."""
        return list(self.adapters) or self.trainable_variables

    def finish(self, share: float = 1.0) -> None:
        """Ends the training: a share of the updates is added to the weights, and costs nothing from then on."""
        merge(self.bert, share)
        self.adapters = []

    def call(
        self, pieces: tf.RaggedTensor, training: bool = False, offset: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Encodes texts.

        Args:
            pieces: word pieces int32 [n, (p)].
            training: whether dropout is on.
            offset: what is added to BERT's embeddings, of the shape of `no_offset`; None adds nothing.

        Returns:
            Unit vectors float32 [n, 1 + P, width], first the whole text's mean (Reimers and Gurevych, 2019), then
            one of each word piece, zeros behind a text's end and where it is empty; and how many vectors each text
            has, int32 [n].
        """
        hidden, mask = self._hidden(self.tokenizer.inputs(pieces, prompt=self._prompt), training, offset)
        mean = tf.reduce_sum(hidden * mask, 1, keepdims=True) / tf.reduce_sum(mask, 1, keepdims=True)
        words = hidden[:, 1 + self._prompt_length : -1]
        vectors = tf.matmul(tf.concat([mean, words], 1), self.projection)
        count = tf.cast(pieces.row_lengths(), tf.int32)
        count = tf.where(count > 0, 1 + count, 0)
        there = tf.sequence_mask(count, tf.shape(vectors)[1], tf.float32)[:, :, None]
        return tf.math.l2_normalize(vectors, -1) * there, count

    def no_offset(self, pieces: tf.RaggedTensor) -> tf.Tensor:
        """Zeros of the embeddings' shape: float32 [n, l, hidden]."""
        length = tf.cast(tf.reduce_max(pieces.row_lengths()), tf.int32) + 2 + self._prompt_length
        return tf.zeros([pieces.nrows(tf.int32), length, self.bert.config.hidden_size])

    def _hidden(
        self, inputs: dict[str, tf.Tensor], training: bool, offset: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The last layer's output [n, l, hidden] and the mask of what is text [n, l, 1]."""
        main = self.bert.bert
        mask = tf.cast(inputs["attention_mask"], tf.float32)
        bias = (1.0 - mask[:, None, None, :]) * -1e9
        learning = training and not self._frozen
        hidden = main.embeddings(
            input_ids=inputs["input_ids"], token_type_ids=inputs["token_type_ids"], training=learning
        )
        if offset is not None:
            hidden += tf.cast(offset, hidden.dtype)
        for number, layer in enumerate(main.encoder.layer):
            learning = training and number >= self._frozen
            hidden = layer(hidden, tf.cast(bias, hidden.dtype), None, None, None, None, False, learning)[0]
        return tf.cast(hidden, tf.float32), mask[:, :, None]

    def fit_projection(self, texts: tf.Tensor) -> float:
        """Chooses the projection that keeps most of the word pieces' cosines: their leading directions.

        Args:
            texts: string [n], of which the vectors are taken.

        Returns:
            The share of the vectors' squared length that is kept, 0 to 1.
        """
        inputs = self.tokenizer.inputs(self.tokenizer.pieces(texts, 24), prompt=self._prompt)
        hidden, _ = self._hidden(inputs, False)
        rows = tf.math.l2_normalize(tf.reshape(hidden, [-1, hidden.shape[-1]]), -1).numpy()
        _, directions = np.linalg.eigh(rows.T @ rows)
        self.projection.assign(directions[:, ::-1][:, : self.width])
        return float(np.square(rows @ self.projection.numpy()).sum() / len(rows))


def word_cosines(query: tf.Tensor, text: tf.Tensor, text_count: tf.Tensor) -> tf.Tensor:
    """The cosines of each of the query's word pieces with each of the text's.

    Args:
        query: float32 [b, 1 + Q, width], as encoded.
        text: float32 [b, m, 1 + P, width].
        text_count: vectors of each text, int32 [b, m].

    Returns:
        float32 [b, m, Q, P]; -1 behind the end of the text.
    """
    cosines = tf.einsum("bqw,bmpw->bmqp", query[:, 1:], text[:, :, 1:])
    there = tf.sequence_mask(tf.maximum(text_count - 1, 0), tf.shape(text)[2] - 1)
    return tf.where(there[:, :, None], cosines, -1.0)


def best_words(query: tf.Tensor, text: tf.Tensor, text_count: tf.Tensor) -> tf.Tensor:
    """The cosine of each of the query's word pieces with the text's most alike one; as `word_cosines`.

    Returns:
        float32 [b, m, Q]; 0 where the text is empty.
    """
    best = tf.reduce_max(word_cosines(query, text, text_count), -1)
    return tf.where(text_count[:, :, None] > 1, best, 0.0)


def word_shares(best: tf.Tensor, query_count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """How much each of the query's word pieces counts in `words` and in `weakest`: two of [b, m, Q].

    Args:
        best: of `best_words`.
        query_count: vectors of each query, int32 [b].
    """
    there = tf.sequence_mask(tf.maximum(query_count - 1, 0), tf.shape(best)[2], tf.float32)[:, None]
    even = tf.math.divide_no_nan(there, tf.reduce_sum(there, -1, keepdims=True))
    weakest = tf.nn.softmax(-_SHARPNESS * best + (there - 1.0) * 1e9, -1) * there
    return tf.broadcast_to(even, tf.shape(best)), weakest


def similarities(
    query: tf.Tensor, query_count: tf.Tensor, text: tf.Tensor, text_count: tf.Tensor
) -> tf.Tensor:
    """Compares queries and texts, in the order of SIMILARITIES.

    `whole` is the cosine of the means, `words` the mean over the query's word pieces of their best cosine
    (MaxSim), `weakest` the same weighted to the least matched ones: a blue fridge is no white fridge, however
    well the rest fits.

    Args:
        query: float32 [b, 1 + Q, width].
        query_count: int32 [b].
        text: float32 [b, m, 1 + P, width].
        text_count: int32 [b, m].

    Returns:
        float32 [b, m, 3]; zeros where the query or the text is empty.
    """
    whole = tf.einsum("bw,bmw->bm", query[:, 0], text[:, :, 0])
    best = best_words(query, text, text_count)
    even, weakest = word_shares(best, query_count)
    return tf.stack([whole, tf.reduce_sum(even * best, -1), tf.reduce_sum(weakest * best, -1)], -1)
