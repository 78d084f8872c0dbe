"""Late interaction, against similarities worked by hand and against BERT itself."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.ranking.reading.late_interaction import LateInteraction, similarities
from aisle.model.served import word_table
from aisle.model.served.word_table import WordTable
from aisle.model.text.bert import Tokenizer, load_bert
from tests.model.small_bert import make_small_bert


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> LateInteraction:
    folder = make_small_bert(tmp_path_factory.mktemp("bert"))
    return LateInteraction(load_bert(folder), Tokenizer(folder), width=16)


def read(reader: LateInteraction, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    vectors, counts = reader(reader.tokenizer.pieces(tf.constant(texts), 10))
    return vectors.numpy(), counts.numpy()


def test_the_whole_the_words_and_the_weakest_word_by_hand() -> None:
    query = tf.constant([[[0.6, 0.8], [1.0, 0.0], [0.0, 1.0]]])
    title = tf.constant([[[[1.0, 0.0], [1.0, 0.0], [0.6, 0.8]], [[0.0, 0.0]] * 3]])
    found = similarities(query, tf.constant([3]), title, tf.constant([[3, 0]])).numpy()
    # The first word is matched by itself, 1, the second by the title's second word, 0.8.
    share = np.exp(-8.0) / (np.exp(-8.0) + np.exp(-10.0))
    np.testing.assert_allclose(found[0, 0], [0.6, 0.9, 0.8 * share + 1.0 * (1 - share)], atol=1e-6)
    np.testing.assert_allclose(found[0, 1], [0.0, 0.0, 0.0])


def test_a_query_without_words_is_like_nothing() -> None:
    title = tf.constant([[[[1.0, 0.0], [1.0, 0.0]]]])
    found = similarities(tf.zeros([1, 3, 2]), tf.constant([0]), title, tf.constant([[2]])).numpy()
    assert found.tolist() == [[[0.0, 0.0, 0.0]]]


def test_a_text_is_read_the_same_beside_a_longer_one(reader: LateInteraction) -> None:
    alone, _ = read(reader, ["red mug"])
    both, counts = read(reader, ["red mug", "mini fridge blue mugs", ""])
    assert counts.tolist() == [3, 6, 0]
    np.testing.assert_allclose(both[0, :3], alone[0], atol=1e-5)
    assert not both[0, 3:].any()
    assert not both[2].any()


def test_the_vectors_are_berts_own_at_unit_length(reader: LateInteraction) -> None:
    inputs = reader.tokenizer.inputs(reader.tokenizer.pieces(tf.constant(["red mug"]), 10))
    hidden = reader.bert(**inputs).last_hidden_state.numpy()[0]
    expected = np.stack([hidden.mean(0), hidden[1], hidden[2]])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(read(reader, ["red mug"])[0][0], expected, atol=1e-5)


def test_the_projection_keeps_the_cosines_as_well_as_a_plane_can(tmp_path: pathlib.Path) -> None:
    folder = make_small_bert(tmp_path / "bert")
    reader = LateInteraction(load_bert(folder), Tokenizer(folder), width=12)
    kept = reader.fit_projection(tf.constant(["red mug", "blue mini fridge", "lamps", "чай"]))
    vectors, _ = read(reader, ["red mug"])
    assert vectors.shape == (1, 3, 12)
    assert 0.5 < kept <= 1.0
    np.testing.assert_allclose(reader.projection.numpy().T @ reader.projection.numpy(), np.eye(12), atol=1e-5)


def test_frozen_layers_are_not_trained(tmp_path: pathlib.Path) -> None:
    folder = make_small_bert(tmp_path / "bert", layers=3)
    reader = LateInteraction(load_bert(folder), Tokenizer(folder), width=4, frozen=2)
    reader(reader.tokenizer.pieces(tf.constant(["mug"]), 4))
    assert {
        name.split("layer_._")[1].split("/")[0] for name in (v.name for v in reader.trainable_variables)
    } == {"2"}


def test_the_table_gives_back_what_was_read_to_a_hundredth(reader: LateInteraction) -> None:
    titles = ["mini fridge blue mugs", "", "red mug", "咖啡杯", "red mug"]
    table = WordTable(titles, lambda text: reader(reader.tokenizer.pieces(text, 10)))
    expected, counts = read(reader, titles)
    found, found_counts = table.lookup(tf.constant([[2, 0], [3, 1]]))
    assert found_counts.numpy().tolist() == [[counts[2], counts[0]], [counts[3], 0]]
    np.testing.assert_allclose(found[0, 0], expected[2], atol=0.01)
    np.testing.assert_allclose(found[0, 1], expected[0], atol=0.01)
    assert not found.numpy()[1, 1].any()
    same, _ = table.lookup(tf.constant([[2, 4]]))
    np.testing.assert_array_equal(same[0, 0], same[0, 1])


@pytest.mark.parametrize("titles", [["mini fridge", "", "red mug", "red mug", "blue mugs"], ["", ""]])
def test_the_table_is_the_same_however_many_titles_are_read_at_once(
    reader: LateInteraction, titles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def table() -> list[np.ndarray]:
        found = WordTable(titles, lambda text: reader(reader.tokenizer.pieces(text, 10)))
        return [part.numpy() for part in found.lookup(tf.constant([range(len(titles))]))]

    whole = table()
    monkeypatch.setattr(word_table, "_AT_ONCE", 2)
    for one, other in zip(whole, table(), strict=True):
        np.testing.assert_array_equal(one, other)
    expected, counts = read(reader, titles)
    assert whole[1].tolist() == [counts.tolist()]
    largest = np.abs(expected).max()
    np.testing.assert_allclose(whole[0][0], expected[:, : whole[0].shape[2]], atol=largest / 254 + 1e-6)


def test_a_chinese_or_russian_title_is_read_word_by_word(reader: LateInteraction) -> None:
    _, counts = read(reader, ["咖啡杯", "белый чай"])
    assert counts.tolist() == [4, 3]
