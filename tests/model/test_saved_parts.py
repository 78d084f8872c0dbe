"""A SavedModel written a second time has the same graph and what its variables hold then."""

from __future__ import annotations

import pathlib

import numpy as np
import tensorflow as tf

from aisle.model.served.saving.saved_again import save_again
from aisle.model.stored import stored


class _Scaled(tf.Module):
    """Multiplies by a variable what a table finds."""

    def __init__(self) -> None:
        super().__init__()
        self.factors = {"first": stored(np.array([2.0, 3.0], np.float32)), "names": stored(["a"], tf.string)}
        keys = tf.lookup.KeyValueTensorInitializer(tf.constant(["one", "two"]), tf.constant([1.0, 2.0]))
        self.table = tf.lookup.StaticHashTable(keys, 0.0)

    def __call__(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": self.table.lookup(x) * self.factors["first"][1], "name": self.factors["names"][0]}


def _answer(folder: pathlib.Path) -> tuple[list[float], bytes]:
    signature = tf.saved_model.load(str(folder)).signatures["call"]
    answer = signature(x=tf.constant(["one", "two", "three"]))
    return answer["y"].numpy().tolist(), answer["name"].numpy()


def test_it_answers_by_what_the_variables_hold_now(tmp_path: pathlib.Path) -> None:
    module = _Scaled()
    call = tf.function(module, input_signature=[tf.TensorSpec([None], tf.string, "x")])
    first, again = tmp_path / "1", tmp_path / "2"
    tf.saved_model.save(module, str(first), signatures={"call": call})
    module.factors["first"].assign([5.0, 7.0])
    module.factors["names"].assign(["b"])
    save_again(module, str(first), str(again))
    assert _answer(first) == ([3.0, 6.0, 0.0], b"a")
    assert _answer(again) == ([7.0, 14.0, 0.0], b"b")


def test_its_files_and_keys_are_those_of_the_first(tmp_path: pathlib.Path) -> None:
    module = _Scaled()
    call = tf.function(module, input_signature=[tf.TensorSpec([None], tf.string, "x")])
    first, again = tmp_path / "1", tmp_path / "2"
    tf.saved_model.save(module, str(first), signatures={"call": call})
    save_again(module, str(first), str(again))
    files = [{path.relative_to(folder) for path in folder.rglob("*")} for folder in (first, again)]
    assert files[0] == files[1]
    keys = [
        tf.train.load_checkpoint(str(folder / "variables" / "variables")).get_variable_to_shape_map()
        for folder in (first, again)
    ]
    assert keys[0] == keys[1]
    assert (first / "saved_model.pb").read_bytes() == (again / "saved_model.pb").read_bytes()
