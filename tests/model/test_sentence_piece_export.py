"""A model that reads by SentencePiece is saved, saved again by what loads it, and served by ops that TF Serving has."""

from __future__ import annotations

import json
import pathlib
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from aisle.model.served.saving.lean_graph import make_lean
from aisle.model.text.bert import SentenceEncoder
from tests.model.small_bert import make_small_sentence_bert
from tests.model.small_search import make_small_search

OPS = pathlib.Path(__file__).resolve().parents[1] / "serving" / "tf_serving_ops.json"


def ops_of(folder: pathlib.Path) -> set[str]:
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    graph = saved.meta_graphs[0].graph_def
    own = {function.signature.name for function in graph.library.function}
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    return {node.op for node in nodes} - own


class Served(NamedTuple):
    """The function as it was traced, the folder as a run leaves it, and what is loaded of that."""

    search: Any
    folder: pathlib.Path
    loaded: Any


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A bundle whose head reads by SentencePiece, of which search alone is saved."""
    folder = tmp_path_factory.mktemp("served")
    bundle = make_small_search(folder, clicked=False, make=make_small_sentence_bert)
    query, user = (tf.TensorSpec([None], tf.string, name) for name in ("query", "user_id"))
    count = tf.TensorSpec([], tf.int32, "k")
    search = tf.function(bundle.search, input_signature=[query, user, count]).get_concrete_function()
    tf.saved_model.save(bundle, str(folder / "1"), signatures={"search": search})
    make_lean(str(folder / "1"))
    return Served(search, folder / "1", tf.saved_model.load(str(folder / "1")))


def test_a_search_answers_as_before_it_was_saved(served: Served) -> None:
    inputs = {
        "query": tf.constant(["red mugs", "fridge"]),
        "user_id": tf.constant(["", ""]),
        "k": tf.constant(3),
    }
    expected = served.search(**inputs)
    found = served.loaded.signatures["search"](**inputs)
    assert found["item_ids"].numpy().tolist() == expected["item_ids"].numpy().tolist()
    np.testing.assert_allclose(found["scores"], expected["scores"], rtol=1e-5)


def test_tf_serving_has_its_ops(served: Served) -> None:
    found = ops_of(served.folder)
    assert "SentencepieceTokenizeOp" in found
    assert found <= json.loads(OPS.read_text(encoding="utf-8")).keys()


def test_an_encoder_is_saved_again_by_what_loaded_it(tmp_path: pathlib.Path) -> None:
    encoder = SentenceEncoder(make_small_sentence_bert(tmp_path / "bert", layers=1))
    module, outer = tf.Module(), tf.Module()
    module.tokenizer, module.weights = encoder.tokenizer, list(encoder.bert.variables)
    module.embed = tf.function(lambda text: encoder(text), input_signature=[tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(module, str(tmp_path / "1"))
    outer.inner = tf.saved_model.load(str(tmp_path / "1"))
    outer.embed = tf.function(
        lambda text: outer.inner.embed(text), input_signature=[tf.TensorSpec([None], tf.string)]
    )
    tf.saved_model.save(outer, str(tmp_path / "2"))
    texts = tf.constant(["红色马克杯", "red mug"])
    loaded = tf.saved_model.load(str(tmp_path / "2"))
    np.testing.assert_allclose(loaded.embed(texts), encoder(texts), atol=1e-6)
