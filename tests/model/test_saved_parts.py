"""A SavedModel written in parts is the one that is written at once, of what its variables held as of each moment."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.served.saving import parts
from aisle.model.served.saving.parts import let_go, variables_of, write_graph, write_variables
from aisle.model.stored import put, stored


class _Scaled(tf.Module):
    """Multiplies by a variable what a table finds."""

    def __init__(self) -> None:
        super().__init__()
        self.factors = {"first": stored(np.array([2.0, 3.0], np.float32)), "names": stored(["a"], tf.string)}
        keys = tf.lookup.KeyValueTensorInitializer(tf.constant(["one", "two"]), tf.constant([1.0, 2.0]))
        self.table = tf.lookup.StaticHashTable(keys, 0.0)

    def __call__(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        first = self.factors["first"]
        return {
            "y": self.table.lookup(x) * first[1],
            "name": self.factors["names"][0],
            "size": tf.shape(first),
        }

    def save(self, folder: pathlib.Path) -> None:
        call = tf.function(self, input_signature=[tf.TensorSpec([None], tf.string, "x")])
        tf.saved_model.save(self, str(folder), signatures={"call": call})


def _answer(folder: pathlib.Path) -> tuple[list[float], bytes, list[int]]:
    signature = tf.saved_model.load(str(folder)).signatures["call"]
    answer = signature(x=tf.constant(["one", "two", "three"]))
    return answer["y"].numpy().tolist(), answer["name"].numpy(), answer["size"].numpy().tolist()


def _written(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path, pathlib.Path]:
    """One at once, and two in parts, of which the first is as of the same moment; the module is empty when it is traced."""
    whole, first, second, graph = (folder / name for name in ("whole", "1", "2", "graph"))
    module = _Scaled()
    module.save(whole)
    write_variables(module, str(first))
    module.factors["first"].assign([5.0, 7.0])
    module.factors["names"].assign(["b"])
    write_variables(module, str(second))
    let_go(variables_of(module))
    assert [tf.size(held).numpy() for held in module.factors.values()] == [0, 0]
    module.save(graph)
    for one in (first, second):
        write_graph(str(graph), str(one))
    return whole, first, second


def test_it_answers_by_what_the_variables_held(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_LARGE", 1)
    whole, first, second = _written(tmp_path)
    assert _answer(whole) == _answer(first) == ([3.0, 6.0, 0.0], b"a", [2])
    assert _answer(second) == ([7.0, 14.0, 0.0], b"b", [2])


def test_its_files_keys_and_values_are_those_of_one_that_is_written_at_once(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_LARGE", 1)
    whole, first, second = _written(tmp_path)
    files = [{path.relative_to(folder) for path in folder.rglob("*")} for folder in (whole, first, second)]
    assert files[0] == files[1] == files[2]
    told = [tf.train.load_checkpoint(str(folder / "variables" / "variables")) for folder in (whole, first)]
    assert told[0].get_variable_to_shape_map() == told[1].get_variable_to_shape_map()
    for key in set(told[0].get_variable_to_shape_map()) - {"_CHECKPOINTABLE_OBJECT_GRAPH"}:
        np.testing.assert_array_equal(*(one.get_tensor(key) for one in told))
    assert (first / "saved_model.pb").read_bytes() == (second / "saved_model.pb").read_bytes()


def test_what_is_small_is_kept() -> None:
    module = _Scaled()
    let_go(variables_of(module))
    assert [tf.size(held).numpy() for held in module.factors.values()] == [2, 1]


def test_what_was_let_go_can_be_filled_again_by_values_of_its_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_LARGE", 1)
    kept, grows = stored(np.array([1.0, 2.0])), stored(np.array([1, 2, 3]), tf.int32, any_length=True)
    let_go([kept, grows])
    put(kept, np.array([3.0, 4.0]))
    put(grows, np.array([5]))
    assert (kept.numpy().tolist(), grows.numpy().tolist()) == ([3.0, 4.0], [5])
    with pytest.raises(ValueError, match="incompatible"):
        put(kept, np.array([3.0, 4.0, 5.0]))
