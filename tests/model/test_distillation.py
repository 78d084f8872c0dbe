"""A reader of fewer layers, against the one that it learns from."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.options import RankingOptions
from aisle.model.ranking.export import Labels, RankingModule
from aisle.model.ranking.reading.distillation import _draws, distil
from aisle.model.ranking.reading.late_interaction import LateInteraction
from aisle.model.ranking.reading.text_trainer import shrink
from aisle.model.text.bert import Tokenizer, load_bert
from tests.model.small_bert import make_small_bert
from tests.model.test_text_head import make_head

TITLES = [
    "red mug",
    "blue mugs",
    "mini fridge",
    "red lamp",
    "blue lamp",
    "mini red mug",
    "fridges red",
    "mini lamp",
]
QUERIES = ["mug", "lamp", "mini fridge"]


@pytest.fixture
def teacher(tmp_path: pathlib.Path) -> LateInteraction:
    folder = make_small_bert(tmp_path / "bert", layers=4)
    reader = LateInteraction(load_bert(folder), Tokenizer(folder), width=8)
    # Layers that say something: as made, the small weights leave what they read almost as it is.
    for layer in reader.bert.bert.encoder.layer:
        layer.set_weights([8.0 * weight for weight in layer.get_weights()])
    reader.fit_projection(tf.constant(TITLES))
    return reader


def pieces(reader: LateInteraction, texts: list[str]) -> tf.RaggedTensor:
    return reader.tokenizer.pieces(tf.constant(texts), 10)


def learnt(teacher: LateInteraction, layers: int, steps: int) -> LateInteraction:
    return distil(teacher, layers, pieces(teacher, QUERIES), pieces(teacher, TITLES), steps, seed=1)


def alike(one: LateInteraction, other: LateInteraction) -> float:
    """The mean cosine of what both read."""
    first, second = (reader(pieces(reader, TITLES))[0].numpy() for reader in (one, other))
    cosines = (first * second).sum(-1)
    return float(cosines[np.square(first).sum(-1) > 0].mean())


def test_with_every_layer_it_reads_as_before(teacher: LateInteraction) -> None:
    assert alike(teacher, learnt(teacher, 4, steps=0)) == pytest.approx(1.0, abs=1e-5)


def test_it_starts_from_layers_taken_evenly_the_last_among_them(teacher: LateInteraction) -> None:
    taken = learnt(teacher, 2, steps=0).bert.bert.encoder.layer
    source = teacher.bert.bert.encoder.layer
    for layer, place in zip(taken, (1, 3), strict=True):
        for found, expected in zip(layer.get_weights(), source[place].get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_it_learns_to_say_what_the_whole_does(teacher: LateInteraction) -> None:
    before = [weight.copy() for weight in teacher.get_weights()]
    assert alike(teacher, learnt(teacher, 1, steps=30)) > alike(teacher, learnt(teacher, 1, steps=0)) + 0.02
    for weight, old in zip(teacher.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_the_titles_of_a_batch_are_of_about_one_length() -> None:
    lengths = np.arange(1, 25).repeat(5)
    titles = tf.RaggedTensor.from_row_lengths(np.arange(lengths.sum(), dtype=np.int32), lengths)
    batches = list(_draws(titles[:3], titles, 33, seed=1))
    assert len(batches) == 33
    read = [whole.row_lengths().numpy() for whole, _ in batches]
    assert all(np.ptp(rows) <= 4 for rows in read)
    # Over the batches each length is drawn as often as it is there.
    counts = np.bincount(np.concatenate(read), minlength=25)[1:]
    assert counts.sum() == 33 * 32
    assert counts.min() > 20 and counts.max() < 70
    assert all(short.row_lengths().numpy().max() <= 5 for _, short in batches)


def test_the_size_decides_what_is_served(tmp_path: pathlib.Path) -> None:
    head = make_head(tmp_path / "bert", clicked=False, layers=3)
    head.numbers(tf.zeros([1, head.numbers.heads[0]._start.shape[0]]))
    words = {"query": QUERIES, "title": QUERIES, "history_titles": [""] * 3}
    rows = {name: tf.constant(texts) for name, texts in words.items()}
    options = RankingOptions(word_width=8, size="tiny", distil_steps=1)
    before = [weight.name for weight in head.reader.bert.weights]
    shrink(head, rows, options)
    assert len(head.reader.bert.bert.encoder.layer) == 2
    module = RankingModule(head.numbers, head, options, Labels(True, False), reads_history=False)
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures={"serving_default": module.serve})
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    vectors, _ = loaded.read_title(tf.constant(TITLES))
    np.testing.assert_allclose(vectors, head.reader(pieces(head.reader, TITLES))[0], atol=1e-5)
    # The layers that were taken away are not served either.
    assert len(loaded.head_weights) < len(before) + len(head.numbers.variables)


def test_a_bert_without_more_layers_stays_as_it_is(tmp_path: pathlib.Path) -> None:
    head = make_head(tmp_path / "bert", clicked=False, layers=2)
    reader = head.reader
    words = {"query": QUERIES, "title": QUERIES, "history_titles": [""] * 3}
    shrink(head, {name: tf.constant(texts) for name, texts in words.items()}, RankingOptions(size="small"))
    assert head.reader is reader
