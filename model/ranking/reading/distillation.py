"""A reader with fewer layers that says what a trained one does."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from transformers import TFBertModel

from aisle.model.ranking.reading.late_interaction import LateInteraction
from aisle.model.training.lazy_adam import LazyAdam

_BATCH = 64
_BUCKETS = 16
"""So many batches are drawn together and their titles put in order of length, so that little is padding."""
_RATE = 2e-3
_PARTS = (2, 6)
"""The parts of titles that stand in for queries have so many word pieces: the first number or more, less than the second."""


def distil(
    teacher: LateInteraction,
    layers: int,
    queries: tf.RaggedTensor,
    titles: tf.RaggedTensor,
    steps: int,
    seed: int,
) -> LateInteraction:
    """Trains a reader of fewer layers to give the vectors of the trained one.

    It starts from the teacher's embeddings and from layers taken evenly, as DistilBERT does (Sanh et al., 2019), and
    learns the cosine of each vector with the teacher's: what is compared in a search is these alone, so nothing
    else need be alike. Half of each batch are titles, half what is as short as a query: queries, and parts of titles.
    Nothing is dropped out: the aim is free of noise, and so is the way to it (docs/experiments.md).

    Args:
        teacher: trained and finished; it stays as it is.
        layers: of the new reader, fewer than the teacher's.
        queries: word pieces, int32 [n, (p)], each text once.
        titles: as the queries.
        steps: of the training.
        seed: of the draws.

    Returns:
        A reader with the teacher's tokenizer, width and projection.
    """
    student = LateInteraction(_fewer(teacher.bert, layers), teacher.tokenizer, teacher.width)
    student.projection.assign(teacher.projection)
    rate = tf.keras.optimizers.schedules.CosineDecay(
        _RATE / 10, max(10, steps), warmup_target=_RATE, warmup_steps=max(1, steps // 10)
    )
    optimizer = LazyAdam(rate, clipnorm=1.0)
    texts = tf.RaggedTensorSpec([None, None], tf.int32)

    @tf.function(input_signature=[texts, texts])
    def step(whole: tf.RaggedTensor, short: tf.RaggedTensor) -> tf.Tensor:
        aims = [teacher(pieces, training=False) for pieces in (whole, short)]
        there = [tf.sequence_mask(count, tf.shape(aim)[1], tf.float32) for aim, count in aims]
        with tf.GradientTape() as tape:
            found = [student(pieces, training=False)[0] for pieces in (whole, short)]
            alike = [
                tf.reduce_sum(tf.reduce_sum(vectors * aim, -1) * mask)
                for vectors, (aim, _), mask in zip(found, aims, there, strict=True)
            ]
            loss = 1.0 - tf.add_n(alike) / tf.add_n([tf.reduce_sum(mask) for mask in there])
        tuned = student.tuned
        optimizer.apply_gradients(zip(tape.gradient(loss, tuned), tuned, strict=True))
        return loss

    losses = [float(step(*batch)) for batch in _draws(queries, titles, steps, seed)]
    if losses:
        print(
            f"ranking head: {layers} layers say what the whole does, cosine {1 - np.mean(losses[-20:]):.4f}"
        )
    return student


def _fewer(bert: TFBertModel, layers: int) -> TFBertModel:
    """A copy with some of the layers, taken evenly, the last among them."""
    config = copy.deepcopy(bert.config)
    config.num_hidden_layers = layers
    fewer = TFBertModel(config, add_pooling_layer=False)
    fewer(tf.zeros([1, 1], tf.int32))
    fewer.bert.embeddings.set_weights(bert.bert.embeddings.get_weights())
    count = len(bert.bert.encoder.layer)
    taken = np.linspace(count / layers, count, layers).round().astype(int) - 1
    for target, source in zip(fewer.bert.encoder.layer, taken, strict=True):
        target.set_weights(bert.bert.encoder.layer[source].get_weights())
    return fewer


def _draws(
    queries: tf.RaggedTensor, titles: tf.RaggedTensor, steps: int, seed: int
) -> Iterator[tuple[tf.RaggedTensor, tf.RaggedTensor]]:
    """Batches of word pieces: titles of about one length, and as many short texts."""
    rng = np.random.default_rng(seed)
    asked, named = ([row for row in texts.to_list() if row] or [[]] for texts in (queries, titles))
    half = _BATCH // 2
    for start in range(0, steps, _BUCKETS):
        whole = sorted((named[row] for row in rng.integers(len(named), size=_BUCKETS * half)), key=len)
        for bucket in rng.permutation(_BUCKETS)[: steps - start]:
            texts = [asked[row] for row in rng.integers(len(asked), size=half // 2)]
            parts = [_part(named[row], rng) for row in rng.integers(len(named), size=half // 2)]
            yield _ragged(whole[bucket * half : (bucket + 1) * half]), _ragged([*texts, *parts])


def _ragged(rows: list[list[int]]) -> tf.RaggedTensor:
    return tf.ragged.constant(rows, tf.int32, ragged_rank=1)


def _part(text: list[int], rng: np.random.Generator) -> list[int]:
    """Some word pieces of a text that stand together."""
    length = min(len(text), int(rng.integers(*_PARTS)))
    start = int(rng.integers(len(text) - length + 1))
    return text[start : start + length]
