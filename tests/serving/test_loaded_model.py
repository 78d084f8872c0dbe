"""A loaded version: the same answers as by TensorFlow's own loader, tables and files beside the graph included."""

from __future__ import annotations

import pathlib
import runpy

import numpy as np
import pytest
import tensorflow as tf

from aisle.serving.loaded_model import load


class Counted(tf.Module):
    """Looks words up in a file beside the graph, and multiplies by a variable, function within function."""

    def __init__(self, words: pathlib.Path) -> None:
        super().__init__()
        table = tf.lookup.TextFileInitializer(
            str(words),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        self.table = tf.lookup.StaticHashTable(table, -1)
        self.factor = tf.Variable(3.0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def scaled(self, values: tf.Tensor) -> tf.Tensor:
        return values * self.factor

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "word")])
    def find(self, word: tf.Tensor) -> dict[str, tf.Tensor]:
        place = self.table.lookup(word)
        tf.debugging.assert_non_negative(place, "unknown word")
        return {"place": place, "scaled": self.scaled(tf.cast(place, tf.float32))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    base = tmp_path_factory.mktemp("counted")
    (base / "words.txt").write_text("red\nblue\ngrün\n", encoding="utf-8")
    module = Counted(base / "words.txt")
    tf.saved_model.save(module, str(base / "1"), signatures={"find": module.find})
    (base / "words.txt").unlink()
    return base / "1"


def test_files_tables_and_variables_are_there(folder: pathlib.Path) -> None:
    found = load(1, folder).run("find", {"word": np.array(["grün".encode(), b"red"], object)})
    assert found["place"].tolist() == [2, 0]
    assert found["scaled"].tolist() == [6.0, 0.0]


@pytest.mark.parametrize("aside", [False, True])
def test_what_the_graph_refuses_is_told_with_its_reason(folder: pathlib.Path, aside: bool) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="unknown word"):
        load(1, folder).run("find", {"word": np.array([b"pink"], object)}, aside)


def test_signatures_and_their_inputs_are_those_of_the_file(folder: pathlib.Path) -> None:
    model = load(7, folder)
    assert model.version == 7
    assert model.specs == {"find": {"word": tf.TensorSpec([None], tf.string, "word")}}
    assert sorted(model.signature_defs["find"].outputs) == ["place", "scaled"]


def test_answers_are_those_of_tensorflows_own_loader(tmp_path: pathlib.Path) -> None:
    tiny = runpy.run_path(str(pathlib.Path(__file__).with_name("tiny_model.py")))
    tiny["save_tiny_model"](tmp_path / "1")
    model, other = load(1, tmp_path / "1"), tf.saved_model.load(str(tmp_path / "1"))
    assert set(model.specs) == set(other.signatures)
    inputs = {"item_id": np.array([b"a", b"b"], object), "k": np.array(3, np.int32)}
    expected = other.signatures["similar"](**{name: tf.constant(value) for name, value in inputs.items()})
    found = model.run("similar", inputs)
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value.numpy())


def test_a_folder_that_lacks_its_variables_is_not_loaded(
    folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "saved_model.pb").write_bytes((folder / "saved_model.pb").read_bytes())
    with pytest.raises(tf.errors.OpError):
        load(1, tmp_path)
