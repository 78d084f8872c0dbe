"""What the pushed SavedModel asks of the server that loads it: ops and attributes of stock TF Serving alone.

`tests/serving/tf_serving_ops.json` lists the ops, with their attributes, that both TensorFlow 2.16.2 and 2.19.1 register
with TensorFlow Text: those that TF Serving 2.16.1 and 2.19.1 are built with. A newer TensorFlow that writes an op or an
attribute that they don't know is found here, rather than by a server that refuses to load the model.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator

import pytest
from tensorflow.core.framework import node_def_pb2
from tensorflow.core.protobuf import saved_model_pb2

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

OPS = pathlib.Path(__file__).resolve().parents[1] / "serving" / "tf_serving_ops.json"


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """Op to its attributes."""
    listed = json.loads(OPS.read_text(encoding="utf-8"))
    return {name: set(attributes.split()) for name, attributes in listed.items()}


def _nodes(model: saved_model_pb2.SavedModel) -> Iterator[node_def_pb2.NodeDef]:
    for graph in (meta.graph_def for meta in model.meta_graphs):
        yield from graph.node
        for function in graph.library.function:
            yield from function.node_def


def _unknown(model: saved_model_pb2.SavedModel, known: dict[str, set[str]]) -> set[str]:
    """What a server would not load: names of ops, and OP.ATTRIBUTE."""
    own = {
        function.signature.name for meta in model.meta_graphs for function in meta.graph_def.library.function
    }
    found = set()
    for node in _nodes(model):
        if node.op in own:
            continue
        if node.op not in known:
            found.add(node.op)
            continue
        # Those that begin with an underscore are hints, which any op may have.
        attributes = {name for name in node.attr if not name.startswith("_")}
        found |= {f"{node.op}.{name}" for name in attributes - known[node.op]}
    return found


def test_the_pushed_model_has_no_op_that_tf_serving_lacks(
    output: pathlib.Path, known: dict[str, set[str]]
) -> None:
    (*_, newest) = sorted((output / "serving" / "aisle").glob("[0-9]*/saved_model.pb"))
    model = saved_model_pb2.SavedModel.FromString(newest.read_bytes())
    assert sum(1 for _ in _nodes(model)) > 1000
    assert _unknown(model, known) == set()


def test_an_op_and_an_attribute_that_it_lacks_are_found(known: dict[str, set[str]]) -> None:
    model = saved_model_pb2.SavedModel()
    graph = model.meta_graphs.add().graph_def
    graph.node.add(op="OpOfTomorrow")
    graph.library.function.add().node_def.add(op="Cast").attr["rounding_of_tomorrow"].b = True
    assert _unknown(model, known) == {"OpOfTomorrow", "Cast.rounding_of_tomorrow"}
