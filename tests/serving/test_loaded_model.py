"""A loaded version: the same answers as by TensorFlow's own loader, tables and files beside the graph included."""

from __future__ import annotations

import pathlib
import runpy
import threading

import numpy as np
import psutil
import pytest
import tensorflow as tf
from google.protobuf.message import DecodeError

from aisle.schema.contract import SIMILAR, with_defaults
from aisle.serving.server.loaded.c_api import FREEING
from aisle.serving.server.loaded.loaded_model import load


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
    given = with_defaults(SIMILAR, inputs)
    expected = other.signatures["similar"](**{name: tf.constant(value) for name, value in given.items()})
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


@pytest.mark.parametrize("kept", [0, 1, 5, 40, 0.5])
def test_a_file_that_is_cut_off_is_not_loaded(
    folder: pathlib.Path, tmp_path: pathlib.Path, kept: float
) -> None:
    whole = (folder / "saved_model.pb").read_bytes()
    (tmp_path / "saved_model.pb").write_bytes(whole[: int(kept * len(whole)) if kept == 0.5 else int(kept)])
    with pytest.raises((ValueError, tf.errors.OpError, DecodeError)):
        load(1, tmp_path)


def test_a_file_of_something_else_is_not_loaded(tmp_path: pathlib.Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"item_id,title\n1,mug\n")
    with pytest.raises((ValueError, DecodeError)):
        load(1, tmp_path)


@pytest.mark.parametrize(
    ("word", "error"),
    [(np.array(b"red", object), ValueError), (np.array([[b"red"]], object), ValueError)],
)
def test_an_input_of_another_shape_is_refused(
    folder: pathlib.Path, word: np.ndarray, error: type[Exception]
) -> None:
    with pytest.raises(error, match="'word' has shape"):
        load(1, folder).run("find", {"word": word})


@pytest.mark.parametrize("length", [0, 22, 23, 5000])
def test_texts_of_any_length_go_in_and_come_back(tmp_path: pathlib.Path, length: int) -> None:
    module = tf.Module()
    spec = tf.TensorSpec([None, None], tf.string, "text")
    module.say = tf.function(lambda text: {"said": text, "twice": text + text}, input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"say": module.say})
    text = np.array([[b"a" * length, b"\x00\xff"], [b"", b"\xc3\xa9" * length]], object)
    found = load(1, tmp_path / "1").run("say", {"text": text})
    assert found["said"].tolist() == text.tolist()
    assert found["twice"].tolist() == [[one + one for one in row] for row in text.tolist()]
    empty = load(1, tmp_path / "1").run("say", {"text": np.empty([0, 2], object)})
    assert empty["said"].shape == (0, 2)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "bool", "uint8", "complex64"])
def test_numbers_of_any_kind_go_in_and_come_back(tmp_path: pathlib.Path, dtype: str) -> None:
    module = tf.Module()
    spec = tf.TensorSpec(None, dtype, "value")
    module.say = tf.function(lambda value: {"said": tf.identity(value)}, input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"say": module.say})
    model = load(1, tmp_path / "1")
    for value in (np.array(1), np.arange(6).reshape(2, 3).T, np.empty([3, 0])):
        found = model.run("say", {"value": value.astype(dtype)})["said"]
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, value.astype(dtype))


def test_many_threads_ask_while_versions_come_and_go(folder: pathlib.Path) -> None:
    models = [load(1, folder)]
    over = threading.Event()
    wrong: list[object] = []

    def ask() -> None:
        while not over.is_set():
            found = models[-1].run("find", {"word": np.array([b"blue"] * 3, object)})["place"].tolist()
            if found != [1, 1, 1]:
                wrong.append(found)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for version in range(2, 12):
        models.append(load(version, folder))
        models.pop(0)
    over.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_version_that_nobody_refers_to_is_freed(tmp_path: pathlib.Path) -> None:
    module, megabytes = tf.Module(), 100
    module.weights = tf.Variable(tf.ones([megabytes, 1 << 18]))
    spec = tf.TensorSpec([], tf.int32, "row")
    module.sum = tf.function(lambda row: {"sum": tf.reduce_sum(module.weights[row])}, input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"sum": module.sum})
    held = []
    for version in range(8):
        model = load(version, tmp_path / "1")
        assert model.run("sum", {"row": np.array(3)})["sum"] == 1 << 18
        del model
        for thread in threading.enumerate():
            if thread.name == FREEING:
                thread.join()
        held.append(psutil.Process().memory_info().rss >> 20)
    # The allocator may keep what one version needed for the next.
    assert held[-1] < held[1] + megabytes / 2, held
