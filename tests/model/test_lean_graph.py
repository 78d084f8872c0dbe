"""A saved graph is smaller after what is computed twice was merged, and says what it said."""

from __future__ import annotations

import operator
import pathlib
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow.core.framework import function_pb2, node_def_pb2
from tensorflow.core.protobuf import saved_model_pb2

from aisle.model.served.saving.lean_graph import _merge, make_lean
from aisle.schema.contract import RECENT
from tests.model.small_search import SavedSearch

_OPERATIONS = (operator.add, operator.sub, operator.mul, tf.maximum)


def _functions(folder: pathlib.Path) -> list[function_pb2.FunctionDef]:
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return list(saved.meta_graphs[0].graph_def.library.function)


def _save(folder: pathlib.Path, function: Callable[..., tf.Tensor], *specs: tf.TensorSpec) -> None:
    module = tf.Module()
    module.call = tf.function(function, input_signature=specs)
    tf.saved_model.save(module, str(folder), signatures={"call": module.call})


def _call(folder: pathlib.Path, **inputs: tf.Tensor) -> np.ndarray:
    return np.asarray(tf.saved_model.load(str(folder)).signatures["call"](**inputs)["output_0"].numpy())


_NUMBERS = tf.TensorSpec([None], tf.float32, "x")


def test_what_is_computed_twice_is_there_once(tmp_path: pathlib.Path) -> None:
    def twice(x: tf.Tensor) -> tf.Tensor:
        return tf.math.exp(x[:2] * 3.0) + tf.math.exp(x[:2] * 3.0)

    _save(tmp_path, twice, _NUMBERS)
    expected = _call(tmp_path, x=tf.constant([1.0, 2.0, 3.0]))
    before, after = make_lean(str(tmp_path))
    assert after < before
    operations = [node.op for function in _functions(tmp_path) for node in function.node_def]
    assert operations.count("Exp") == operations.count("StridedSlice") == operations.count("Mul") == 1
    np.testing.assert_array_equal(_call(tmp_path, x=tf.constant([1.0, 2.0, 3.0])), expected)
    assert make_lean(str(tmp_path)) == (after, after)


def test_random_numbers_are_still_drawn_each_for_itself(tmp_path: pathlib.Path) -> None:
    _save(tmp_path, lambda x: tf.random.uniform([8]) - tf.random.uniform([8]) + 0.0 * x[0], _NUMBERS)
    make_lean(str(tmp_path))
    assert np.abs(_call(tmp_path, x=tf.constant([1.0]))).min() > 0


def test_what_refuses_an_input_still_does(tmp_path: pathlib.Path) -> None:
    def checked(x: tf.Tensor) -> tf.Tensor:
        tf.debugging.assert_positive(x)
        tf.debugging.assert_positive(x)
        return x * 2.0

    _save(tmp_path, checked, _NUMBERS)
    make_lean(str(tmp_path))
    assert _call(tmp_path, x=tf.constant([1.0])).tolist() == [2.0]
    with pytest.raises(tf.errors.InvalidArgumentError):
        _call(tmp_path, x=tf.constant([-1.0]))


def test_variables_are_read_after_what_wrote_them(tmp_path: pathlib.Path) -> None:
    module = tf.Module()
    module.count = tf.Variable(0.0)

    def counted(x: tf.Tensor) -> tf.Tensor:
        before = module.count + x
        module.count.assign_add(1.0)
        return tf.stack([before, module.count + x])

    module.call = tf.function(counted, input_signature=[tf.TensorSpec([], tf.float32, "x")])
    tf.saved_model.save(module, str(tmp_path), signatures={"call": module.call})
    make_lean(str(tmp_path))
    assert _call(tmp_path, x=tf.constant(5.0)).tolist() == [5.0, 6.0]


class Table(tf.Module):
    """A table of which rows are taken, and that is also read whole."""

    def __init__(self, values: np.ndarray) -> None:
        super().__init__()
        self.values = tf.Variable(values, trainable=False)

    def both(self, rows: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"rows": tf.gather(self.values, rows), "table": tf.identity(self.values)}

    def of_each(self, rows: tf.Tensor) -> dict[str, tf.Tensor]:
        """The rows of a batch, each from its own part of the table."""
        found = tf.raw_ops.ResourceGather(
            resource=self.values.handle, indices=rows, dtype=self.values.dtype, batch_dims=1
        )
        return {"rows": found}


def _copied(folder: pathlib.Path, inputs: dict[str, np.ndarray]) -> dict[str, int]:
    """Bytes that each signature takes to read variables, once all have been asked."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        definitions = tf.compat.v1.saved_model.load(session, ["serve"], str(folder)).signature_def
        copied = {}
        given = {**{one.name: one.empty for one in RECENT}, **inputs}
        for name in sorted(definitions.keys() - {"__saved_model_init_op", "serving_default"}) * 2:
            inputs_of, outputs = definitions[name].inputs, definitions[name].outputs
            found = tf.compat.v1.RunMetadata()
            session.run(
                [output.name for output in outputs.values()],
                {info.name: given[key] for key, info in inputs_of.items()},
                tf.compat.v1.RunOptions(trace_level=tf.compat.v1.RunOptions.FULL_TRACE),
                found,
            )
            copied[name] = sum(
                taken.total_bytes
                for device in found.step_stats.dev_stats
                for node in device.node_stats
                if " = ReadVariableOp(" in node.timeline_label
                for taken in node.memory
            )
    return copied


@pytest.mark.parametrize(
    "values",
    [
        np.arange(30, dtype=np.float32).reshape(10, 3),
        np.array([b"a", b"b", b""] * 4, object),
        np.arange(-12, 12, dtype=np.int8).reshape(2, 4, 3),
    ],
)
def test_a_table_of_which_rows_are_taken_is_read_without_a_copy(
    tmp_path: pathlib.Path, values: np.ndarray
) -> None:
    module, rows = Table(values), np.array([[1, 0], [1, 1]], np.int32)
    call = tf.function(module.both, input_signature=[tf.TensorSpec([None, None], tf.int32, "rows")])
    tf.saved_model.save(module, str(tmp_path), signatures={"both": call})
    assert _copied(tmp_path, {"rows": rows})["both"] > 0
    make_lean(str(tmp_path))
    assert _copied(tmp_path, {"rows": rows})["both"] == 0
    found = tf.saved_model.load(str(tmp_path)).signatures["both"](rows=tf.constant(rows))
    np.testing.assert_array_equal(found["rows"].numpy(), values[rows])
    np.testing.assert_array_equal(found["table"].numpy(), values)


def test_rows_are_taken_of_each_ones_part_of_a_table(tmp_path: pathlib.Path) -> None:
    values = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    module = Table(values)
    call = tf.function(module.of_each, input_signature=[tf.TensorSpec([2, None], tf.int32, "rows")])
    tf.saved_model.save(module, str(tmp_path), signatures={"of_each": call})
    make_lean(str(tmp_path))
    found = tf.saved_model.load(str(tmp_path)).signatures["of_each"](rows=tf.constant([[3, 0], [1, 1]]))
    np.testing.assert_array_equal(found["rows"], [values[0][[3, 0]], values[1][[1, 1]]])


@pytest.mark.xdist_group("small_search")
def test_no_question_copies_a_table_of_the_model(saved_search: SavedSearch) -> None:
    one, none = np.array([b"red mug"], object), np.array([b""], object)
    inputs = {
        **{"query": one, "user_id": np.array([b"u0"], object), "item_id": np.array([b"i1"], object)},
        **{"history": none[None], "item_ids": np.array([[b"i0", b"i1"]], object)},
        **{"category": none, "brand": none[None], "price_min": np.zeros(1), "price_max": np.ones(1)},
        **{"in_stock": np.array(False), "exclude_seen": np.array(True), "k": np.array(5), "text": one},
    }
    copied = _copied(saved_search.base / "1", inputs)
    assert {"search", "rank", "recommend", "similar", "explain"} <= copied.keys()
    assert not any(copied.values()), copied


def test_a_node_that_another_must_be_placed_beside_stays() -> None:
    def constant(name: str) -> node_def_pb2.NodeDef:
        return node_def_pb2.NodeDef(name=name, op="Const")

    beside = node_def_pb2.NodeDef(name="z", op="Neg", input=["c:output:0"])
    beside.attr["_class"].list.s.append(b"loc:@b")
    function = function_pb2.FunctionDef(node_def=[*map(constant, "abc"), beside], ret={"y": "z:y:0"})
    _merge(function)
    assert [node.name for node in function.node_def] == ["a", "b", "z"]
    assert list(function.node_def[-1].input) == ["a:output:0"]


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_sums_and_products_of_any_form_stay_what_they_are(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    steps = data.draw(
        st.lists(
            st.tuples(st.integers(0, len(_OPERATIONS) - 1), st.integers(0, 30), st.integers(0, 30)),
            min_size=1,
            max_size=20,
        )
    )

    def formula(x: tf.Tensor) -> tf.Tensor:
        values = [x, tf.constant(2.0), tf.constant(2.0)]
        for operation, one, other in steps:
            values.append(_OPERATIONS[operation](values[one % len(values)], values[other % len(values)]))
        return tf.stack([tf.reduce_sum(value) for value in values])

    folder = tmp_path_factory.mktemp("formula")
    _save(folder, formula, _NUMBERS)
    given_x = tf.constant([0.5, -1.0])
    expected = _call(folder, x=given_x)
    make_lean(str(folder))
    np.testing.assert_array_equal(_call(folder, x=given_x), expected)


@pytest.mark.xdist_group("small_search")
def test_a_search_finds_and_scores_as_before(saved_search: SavedSearch) -> None:
    inputs = {
        "query": tf.constant(["red mug", "fridgs"]),
        "user_id": tf.constant(["u0", ""]),
        "k": tf.constant(5),
        **{one.name: tf.constant(one.empty) for one in RECENT},
    }
    before, after = saved_search.nodes
    assert after < 0.7 * before
    exported = tf.saved_model.load(str(saved_search.exported))
    expected = exported.signatures["search"](**inputs)
    found = saved_search.loaded.signatures["search"](**inputs)
    assert found["item_ids"].numpy().tolist() == expected["item_ids"].numpy().tolist()
    np.testing.assert_allclose(found["scores"], expected["scores"], rtol=1e-5)
