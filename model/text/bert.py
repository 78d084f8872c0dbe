"""BERT: its tokenizer inside the graph, its weights, and sentence embeddings."""

from __future__ import annotations

import pathlib
import types

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text
from safetensors import SafetensorError
from transformers import BertConfig, TFBertModel

from aisle.model import tracing  # noqa: F401  Before anything is traced.
from aisle.model.stored import taken_out
from aisle.model.text.pieces import pieces_of
from aisle.schema.bert.files import check_bert
from aisle.schema.bert.reading import read_reading
from aisle.schema.bert.sentence_piece_model import MASK
from aisle.schema.bert.weights import WEIGHTS, WORD_PIECES, vocabulary_file
from aisle.schema.errors import InputError

MAX_CHARACTERS = 2_000
"""Longer texts are cut before tokenisation, so that a 1 MB title costs no more than a long one."""


class Tokenizer(tf.Module):
    """Cuts texts into the pieces that a BERT knows, and puts them together as it was trained to read them.

    Example:
        >>> tokenizer = Tokenizer(bert)
        >>> pieces = tokenizer.pieces(tf.constant(["Red mugs"]), limit=8)
        >>> tf.gather(tokenizer.vocabulary, pieces).to_list()
        [[b'red', b'mug', b'##s']]
        >>> tokenizer.inputs(pieces)["attention_mask"].numpy().tolist()
        [[1, 1, 1, 1, 1]]

    Attributes:
        reading: what stands before a text, and how an embedding is pooled.
    """

    def __init__(self, folder: str) -> None:
        """Args: `folder`: of a BERT: `vocab.txt` (WordPiece, uncased) or a SentencePiece model."""
        super().__init__()
        self._folder = folder
        self._known = pieces_of(folder)
        # Kept in sight of what saves the graph.
        self._resources = list(self._known.resources)
        self.reading = read_reading(folder)
        prompts = ("", self.reading.query, self.reading.passage)
        # Out of sight of what saves the graph, which would wrap a dict.
        self._prompts = types.MappingProxyType({text: self._ids(text) for text in prompts})

    @property
    def size(self) -> int:
        """How many pieces the vocabulary holds."""
        return len(self._known.vocabulary)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The pieces by id, [size]."""
        return self._known.vocabulary

    @property
    def words(self) -> tuple[str, ...]:
        """The pieces that are whole words, commoner ones of the languages that BERT learnt from."""
        return self._known.words

    @property
    def letters(self) -> tuple[str, ...]:
        """What each piece says of its word: `s` of `##s`, "" of what only stands before a word, [size]."""
        return self._known.letters

    @property
    def special(self) -> np.ndarray:
        """Which pieces stand for no text, such as `[SEP]`: bool [size]."""
        return self._known.special

    @property
    def continues(self) -> np.ndarray:
        """Which pieces go on with a word: bool [size]."""
        return self._known.continues

    @property
    def unknown(self) -> int:
        """The piece that stands for all that is none."""
        return self._known.unknown

    @property
    def mask(self) -> int:
        """The piece that hides another.

        Raises:
            InputError: the vocabulary has none.
        """
        if self._known.mask is None:
            name = vocabulary_file(pathlib.Path(self._folder))
            wanted = "[MASK]" if name == WORD_PIECES else MASK
            raise InputError(f"{self._folder}/{name} lacks {wanted}: words can't be hidden from this BERT")
        return self._known.mask

    def pieces(self, text: tf.Tensor, limit: int) -> tf.RaggedTensor:
        """Returns at most `limit` pieces of each text: string [n] to int32 [n, (pieces)]."""
        # BERT drops NUL where TF-Text would part the word.
        text = tf.strings.regex_replace(tf.strings.substr(text, 0, MAX_CHARACTERS), r"\x00", "")
        return self._known.cut(text)[:, :limit]

    def prompt_length(self, prompt: str) -> int:
        """How many pieces `inputs` puts before a text: of `reading.query`, `reading.passage` or ""."""
        return len(self._prompts[prompt])

    def inputs(self, *parts: tf.RaggedTensor, prompt: str = "") -> dict[str, tf.Tensor]:
        """Returns BERT's inputs for one or two segments, padded to the batch's longest.

        Args:
            parts: pieces of the segments, each int32 [n, (pieces)].
            prompt: stands before the first: `reading.query`, `reading.passage` or "".

        Returns:
            `input_ids`, `token_type_ids`, `attention_mask`: int32 [n, length].
        """
        known = self._known
        first, *others = parts
        segments = [_behind(self._prompts[prompt], first), *(_behind(known.second, part) for part in others)]
        combined, kinds = tf_text.combine_segments(segments, known.start, known.end)
        ids, kinds = combined.to_tensor(known.pad), kinds.to_tensor()
        mask = tf.sequence_mask(combined.row_lengths(), tf.shape(ids)[1], tf.int32)
        return {
            "input_ids": ids,
            "token_type_ids": tf.zeros_like(kinds) if known.second else kinds,
            "attention_mask": mask,
        }

    def _ids(self, text: str) -> tuple[int, ...]:
        """The pieces of one text; a word begins behind it."""
        return tuple(self._known.cut(tf.constant([text])).values.numpy().tolist()) if text else ()


def _behind(ids: tuple[int, ...], pieces: tf.RaggedTensor) -> tf.RaggedTensor:
    """Some pieces, and then those of each text."""
    if not ids:
        return pieces
    return tf.concat([tf.RaggedTensor.from_tensor(tf.tile([ids], [pieces.nrows(tf.int32), 1])), pieces], 1)


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
_BATCH = 64
"""Texts that are read at once."""
_AT_ONCE = 65_536
"""Embeddings that are brought to unit length at once."""


class SentenceEncoder:
    """Unit-length sentence embeddings (Reimers and Gurevych, 2019) of a frozen BERT, pooled as it was trained to be.

    Example:
        >>> from aisle.schema.bert.weights import bert_folder
        >>> encoder = SentenceEncoder(bert_folder())
        >>> mug, cup, shoe = encoder(tf.constant(["coffee mug", "tea cup", "running shoes"])).numpy()
        >>> bool(mug @ cup > mug @ shoe)
        True
    """

    def __init__(self, folder: str, limit: int = 64) -> None:
        """Args: `folder`: the BERT checkpoint. `limit`: pieces read of a text."""
        self.tokenizer = Tokenizer(folder)
        self.bert = load_bert(folder)
        self.width: int = self.bert.config.hidden_size
        self._limit = limit

    def __call__(self, text: tf.Tensor) -> tf.Tensor:
        """Embeds texts, as queries: string [n] to float32 [n, width]; an empty text gives zeros."""
        return self._embed(text, self.tokenizer.reading.query)

    def _embed(self, text: tf.Tensor, prompt: str) -> tf.Tensor:
        """As `__call__`, of texts behind a prompt."""
        pieces = self.tokenizer.pieces(text, self._limit)
        inputs = self.tokenizer.inputs(pieces, prompt=prompt)
        hidden = self.bert(**inputs, training=False).last_hidden_state
        known = tf.cast(pieces.row_lengths() > 0, tf.float32)[:, None]
        if self.tokenizer.reading.pooling == "first":
            return tf.math.l2_normalize(hidden[:, 0], axis=1) * known
        mask = tf.cast(inputs["attention_mask"], tf.float32)[:, :, None]
        mean = tf.reduce_sum(hidden * mask, 1) / tf.reduce_sum(mask, 1)
        return tf.math.l2_normalize(mean, axis=1) * known

    def encode_items(self, titles: tf.Tensor, descriptions: tf.Tensor) -> tf.Tensor:
        """Embeds items: the title and, read together, the title with the description: two of [n] to [n, width].

        Their sum, of which the second counts twice, to unit length, finds and ranks better than either
        (docs/experiments.md). An item without a description has its title's embedding.
        """
        prompt = self.tokenizer.reading.passage
        found = self._nothing(len(titles))
        self.add(found, np.arange(len(titles)), titles, prompt, 1.0)
        described = np.flatnonzero(descriptions.numpy() != b"")
        both = tf.strings.join([tf.gather(titles, described), tf.gather(descriptions, described)], ". ")
        self.add(found, described, both, prompt, _DESCRIBED)
        for start in range(0, len(titles), _AT_ONCE):
            rows = tf.range(start, min(start + _AT_ONCE, len(titles)))
            found.scatter_update(tf.IndexedSlices(tf.math.l2_normalize(tf.gather(found, rows), 1), rows))
        return taken_out(found)

    def encode(self, texts: tf.Tensor, batch: int = _BATCH, prompt: str | None = None) -> tf.Tensor:
        """Embeds many texts, alike lengths together so that little is padding: [n] to [n, width].

        Args:
            texts: string [n].
            batch: so many at once.
            prompt: stands before each, of the tokenizer's `reading`; None reads them as queries.
        """
        found = self._nothing(len(texts))
        prompt = self.tokenizer.reading.query if prompt is None else prompt
        self.add(found, np.arange(len(texts)), texts, prompt, 1.0, batch)
        return taken_out(found)

    def _nothing(self, count: int) -> tf.Variable:
        """Of so many texts, to be added to in place: a catalogue's embeddings are too large to be held twice."""
        return tf.Variable(tf.zeros([count, self.width]), trainable=False)

    def add(
        self,
        found: tf.Variable,
        rows: np.ndarray,
        texts: tf.Tensor,
        prompt: str,
        weight: float,
        batch: int = _BATCH,
    ) -> None:
        """Adds texts' embeddings to rows of a table.

        Args:
            found: float32 [m, width].
            rows: of the table, int64 [n].
            texts: string [n].
            prompt: stands before each.
            weight: what each embedding is multiplied by.
            batch: so many texts at once.
        """
        order = tf.argsort(tf.strings.length(texts)).numpy()
        function = tf.function(
            lambda text: weight * self._embed(text, prompt),
            input_signature=[tf.TensorSpec([None], tf.string)],
        )
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            found.scatter_add(tf.IndexedSlices(function(tf.gather(texts, chosen)), rows[chosen]))
