"""The warm-up file, read as TF Serving reads it, against the shop that it was made of."""

from __future__ import annotations

import pathlib

import polars as pl
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from aisle.model.served.warmup import warmup_requests, write_warmup
from aisle.schema.contract import SIGNATURES

ITEMS, TITLES = ["a", "b", "c"], ["red mug of clay", "lamp", ""]
TAKEN = pl.DataFrame(
    {"user_id": ["u1", "u2", ""], "item_id": ["b", "a", "gone"], "timestamp": [1, 3, 2]},
)


def written(folder: pathlib.Path, **tables: pl.DataFrame) -> list[tuple[str, dict[str, tf.Tensor]]]:
    """Signature and inputs of each request."""
    made = warmup_requests({"interactions": TAKEN, **tables}, ITEMS, TITLES)
    write_warmup(str(folder), made)
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record)
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    ]
    assert len(logs) == len(made)
    requests = [log.predict_log.request for log in logs]
    assert {request.model_spec.name for request in requests} == {"aisle"}
    return [
        (request.model_spec.signature_name, {name: tf.make_ndarray(p) for name, p in request.inputs.items()})
        for request in requests
    ]


def test_the_inputs_are_those_of_the_contract(tmp_path: pathlib.Path) -> None:
    named = pl.DataFrame({"item_id": ITEMS, "domain": [None, "food", "kitchen"]})
    found = written(tmp_path, items=named)
    declared = {signature.name: signature for signature in SIGNATURES}
    for name, inputs in found:
        assert set(inputs) == {tensor.name for tensor in declared[name].inputs}
        for tensor in declared[name].inputs:
            assert inputs[tensor.name].ndim == (tensor.shape.count(",") + 1 if tensor.shape else 0)
    assert {name for name, _ in found} == {
        "search", "filtered_search", "recommend", "recommend_within", "retrieve", "similar", "rank", "explain"
    }  # fmt: skip
    # Of a shop without domains the model has no such signature.
    assert "recommend_within" not in {name for name, _ in written(tmp_path / "plain")}


def test_the_latest_items_and_users_of_the_shop_are_asked_about(tmp_path: pathlib.Path) -> None:
    found = written(tmp_path)
    assert [inputs["item_id"].tolist() for name, inputs in found if name == "similar"] == [[b"a"], [b"b"]]
    ranked = next(inputs for name, inputs in found if name == "rank")
    # What is no longer in the catalogue is not asked about.
    assert ranked["item_ids"].tolist() == [[b"a", b"b"]]
    users = [inputs["user_id"].tolist() for name, inputs in found if name == "recommend"]
    assert users == [[b""], [b"u2"], [b""], [b"u1"]]


def test_queries_are_those_searched_for_else_the_titles_words(tmp_path: pathlib.Path) -> None:
    searched = pl.DataFrame({"query": ["mug", "", "lamp"], "timestamp": [1, 5, 9]})
    asked = [
        inputs["query"].tolist()
        for name, inputs in written(tmp_path / "a", impressions=searched)
        if name == "search"
    ]
    assert asked == [[b"lamp"], [b"mug"]]
    judged = pl.DataFrame({"query": ["cup"]})
    asked = [
        inputs["query"].tolist()
        for name, inputs in written(tmp_path / "b", judgements=judged)
        if name == "search"
    ]
    assert asked[0] == [b"cup"]
    asked = [inputs["query"].tolist() for name, inputs in written(tmp_path / "c") if name == "search"]
    assert asked == [[b"red mug of"], [b"lamp"]]
