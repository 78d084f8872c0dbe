"""BERT tokenisation inside the graph, and sentence embeddings."""

from __future__ import annotations

import pathlib

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text
from safetensors import SafetensorError
from transformers import BertConfig, TFBertModel

from aisle.model import tracing  # noqa: F401  Before anything is traced.
from aisle.schema.bert_files import WEIGHTS, check_bert
from aisle.schema.errors import InputError

MAX_CHARACTERS = 2_000
"""Longer texts are cut before tokenisation, so that a 1 MB title costs no more than a long one."""


class Tokenizer:
    """WordPiece tokenisation of one text or a pair, in TF-Text ops that TF Serving has.

    Example:
        >>> tokenizer = Tokenizer(bert)
        >>> pieces = tokenizer.pieces(tf.constant(["Red mugs"]), limit=8)
        >>> tf.gather(tokenizer.vocabulary, pieces).to_list()
        [[b'red', b'mug', b'##s']]
        >>> tokenizer.inputs(pieces)["attention_mask"].numpy().tolist()
        [[1, 1, 1, 1, 1]]

    Attributes:
        size: how many word pieces the vocabulary holds.
        words: the pieces that are whole words, commoner ones of the language that BERT learnt from.
        vocabulary: they themselves, [size].
    """

    def __init__(self, folder: str) -> None:
        """Args: `folder`: holds BERT's `vocab.txt` (uncased)."""
        vocabulary = (pathlib.Path(folder) / "vocab.txt").read_text(encoding="utf-8").split("\n")
        vocabulary = [piece.rstrip("\r") for piece in vocabulary if piece]
        self.size = len(vocabulary)
        lacking = [piece for piece in ("[UNK]", "[CLS]", "[SEP]") if piece not in vocabulary]
        if lacking:
            raise InputError(f"{folder}/vocab.txt lacks {', '.join(lacking)}: it is no vocabulary of a BERT")
        self.words = tuple(piece for piece in vocabulary if piece.isalpha())
        self.vocabulary = tuple(vocabulary)
        self._start, self._end = vocabulary.index("[CLS]"), vocabulary.index("[SEP]")
        self._folder, self._vocabulary = folder, vocabulary
        self._pieces = tf_text.FastBertTokenizer(
            vocab=vocabulary, token_out_type=tf.int32, lower_case_nfd_strip_accents=True
        )

    @property
    def special(self) -> np.ndarray:
        """Which word pieces stand for no text, such as `[SEP]`: bool [size]."""
        return np.array(
            [piece[:1] == "[" and piece[-1:] == "]" and len(piece) > 2 for piece in self._vocabulary]
        )

    @property
    def continues(self) -> np.ndarray:
        """Which word pieces go on with a word: bool [size]."""
        return np.array([piece.startswith("##") for piece in self._vocabulary])

    @property
    def mask(self) -> int:
        """The word piece that hides another.

        Raises:
            InputError: the vocabulary has none.
        """
        if "[MASK]" not in self._vocabulary:
            raise InputError(f"{self._folder}/vocab.txt lacks [MASK]: words can't be hidden from this BERT")
        return self._vocabulary.index("[MASK]")

    def pieces(self, text: tf.Tensor, limit: int) -> tf.RaggedTensor:
        """Returns at most `limit` word pieces of each text: string [n] to int32 [n, (pieces)]."""
        # BERT drops NUL where TF-Text would part the word.
        text = tf.strings.regex_replace(tf.strings.substr(text, 0, MAX_CHARACTERS), r"\x00", "")
        return self._pieces.tokenize(text)[:, :limit]

    def inputs(self, *parts: tf.RaggedTensor) -> dict[str, tf.Tensor]:
        """Returns BERT's inputs for one or two segments, padded to the batch's longest.

        Args:
            parts: word pieces of the segments, each int32 [n, (pieces)].

        Returns:
            `input_ids`, `token_type_ids`, `attention_mask`: int32 [n, length].
        """
        combined, types = tf_text.combine_segments(list(parts), self._start, self._end)
        ids = combined.to_tensor()
        mask = tf.sequence_mask(combined.row_lengths(), tf.shape(ids)[1], tf.int32)
        return {"input_ids": ids, "token_type_ids": types.to_tensor(), "attention_mask": mask}


def load_bert(folder: str, layers: int | None = None, dropout: float | None = None) -> TFBertModel:
    """Loads a pretrained BERT, or its first `layers` layers.

    Args:
        folder: holds `config.json` and `model.safetensors`.
        layers: how many layers to keep; None keeps all.
        dropout: in training; None takes what `config.json` says.

    Raises:
        InputError: a file is missing or damaged, is a pickle, or the weights don't fit the configuration.
    """
    check_bert(folder)
    config = BertConfig.from_pretrained(folder)
    if dropout is not None:
        config.hidden_dropout_prob = config.attention_probs_dropout_prob = dropout
    config.num_hidden_layers = min(layers or config.num_hidden_layers, config.num_hidden_layers)
    try:
        bert, told = TFBertModel.from_pretrained(
            folder, config=config, use_safetensors=True, add_pooling_layer=False, output_loading_info=True
        )
    except (ValueError, OSError, KeyError, AssertionError, RuntimeError, SafetensorError) as error:
        said = " ".join(str(error).split())
        raise InputError(f"{folder}/{WEIGHTS} can't be loaded: {said[:300]}") from error
    # Transformers would fill what is missing with random numbers.
    if lacking := sorted(told["missing_keys"]):
        raise InputError(f"{folder}/{WEIGHTS} lacks {len(lacking)} of BERT's weights, such as {lacking[0]}")
    for weight in bert.weights:
        if not np.isfinite(weight.numpy()).all():
            raise InputError(f"{folder}/{WEIGHTS} is damaged: {weight.name} holds NaN or infinity")
    return bert


_DESCRIBED = 2.0
"""How much title and description together count beside the title alone."""


class SentenceEncoder:
    """Mean-pooled, unit-length sentence embeddings (Reimers and Gurevych, 2019) of a frozen BERT.

    Example:
        >>> from aisle.schema.weights import bert_folder
        >>> encoder = SentenceEncoder(bert_folder())
        >>> mug, cup, shoe = encoder(tf.constant(["coffee mug", "tea cup", "running shoes"])).numpy()
        >>> bool(mug @ cup > mug @ shoe)
        True
    """

    def __init__(self, folder: str, limit: int = 64) -> None:
        """Args: `folder`: the BERT checkpoint. `limit`: word pieces read of a text."""
        self.tokenizer = Tokenizer(folder)
        self.bert = load_bert(folder)
        self.width: int = self.bert.config.hidden_size
        self._limit = limit

    def __call__(self, text: tf.Tensor) -> tf.Tensor:
        """Embeds texts: string [n] to float32 [n, width]; an empty text gives zeros."""
        pieces = self.tokenizer.pieces(text, self._limit)
        inputs = self.tokenizer.inputs(pieces)
        hidden = self.bert(**inputs, training=False).last_hidden_state
        mask = tf.cast(inputs["attention_mask"], tf.float32)[:, :, None]
        mean = tf.reduce_sum(hidden * mask, 1) / tf.reduce_sum(mask, 1)
        known = tf.cast(pieces.row_lengths() > 0, tf.float32)[:, None]
        return tf.math.l2_normalize(mean, axis=1) * known

    def encode_items(self, titles: tf.Tensor, descriptions: tf.Tensor) -> tf.Tensor:
        """Embeds items: the title and, read together, the title with the description: two of [n] to [n, width].

        Their sum, of which the second counts twice, to unit length, finds and ranks better than either
        (docs/experiments.md). An item without a description has its title's embedding.
        """
        found = self.encode(titles).numpy()
        described = np.flatnonzero(descriptions.numpy() != b"")
        both = tf.strings.join([titles, descriptions], ". ")
        found[described] += _DESCRIBED * self.encode(tf.gather(both, described)).numpy()
        return tf.math.l2_normalize(found, 1)

    def encode(self, texts: tf.Tensor, batch: int = 64) -> tf.Tensor:
        """Embeds many texts, alike lengths together so that little is padding: [n] to [n, width]."""
        if not len(texts):
            return tf.zeros([0, self.width])
        order = tf.argsort(tf.strings.length(texts)).numpy()
        found = np.empty([len(texts), self.width], np.float32)
        function = tf.function(self.__call__, input_signature=[tf.TensorSpec([None], tf.string)])
        for start in range(0, len(texts), batch):
            chosen = order[start : start + batch]
            found[chosen] = function(tf.gather(texts, chosen)).numpy()
        return tf.constant(found)
