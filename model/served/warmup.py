"""The warm-up file of a served model: requests that a server answers by itself before it shows a version."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from aisle.schema import contract
from aisle.schema.events import CLICK

EACH = 3
"""Requests of each signature, of those for a user twice as many; TF Serving takes at most 1,000 in all."""
_RANKED = 50
"""Candidates of a request to rank."""


def write_warmup(folder: str, requests: Sequence[bytes]) -> None:
    """Writes `assets.extra/tf_serving_warmup_requests`, a TFRecord of PredictionLog, as TF Serving reads it.

    Args:
        folder: of the SavedModel.
        requests: of `warmup_requests`.
    """
    path = os.path.join(folder, contract.EXTRA_FOLDER, contract.WARMUP_FILE)
    tf.io.gfile.makedirs(os.path.dirname(path))
    with tf.io.TFRecordWriter(path) as file:
        for request in requests:
            file.write(request)


def warmup_requests(
    tables: dict[str, pl.DataFrame], item_ids: Sequence[str], titles: Sequence[str]
) -> list[bytes]:
    """Requests of every signature, each a serialized PredictionLog.

    They are the shop's own: its latest queries (titles where it has none), its latest users, and the items that they took. So
    the first visitor after a switch doesn't wait for what a graph does once.

    Args:
        tables: the Labeler's, by name.
        item_ids: of the catalogue.
        titles: of the catalogue.
    """
    found = []
    for signature, inputs in _requests(tables, list(item_ids), list(titles)):
        log = prediction_log_pb2.PredictionLog()
        request = log.predict_log.request
        request.model_spec.name, request.model_spec.signature_name = contract.MODEL_NAME, signature.name
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(value)
        found.append(log.SerializeToString())
    return found


def _requests(
    tables: dict[str, pl.DataFrame], item_ids: list[str], titles: list[str]
) -> Iterator[tuple[contract.Signature, dict[str, Any]]]:
    """Signatures with their inputs."""
    known = set(item_ids)
    taken = tables["interactions"].sort("timestamp", descending=True).head(10_000)
    items = [item for item in taken["item_id"].unique(maintain_order=True).to_list() if item in known]
    items = (items or item_ids)[:_RANKED]
    users = [user for user in taken["user_id"].unique(maintain_order=True).to_list() if user][:EACH]
    for row in range(min(EACH, len(items))):
        query, user = _strings(_queries(tables, titles)[row : row + 1] or [""]), _strings([""])
        history = _strings([items[row : row + 5]])
        k, no = tf.make_tensor_proto(10, tf.int32), tf.make_tensor_proto(False)
        recent = _recent(items[row])
        yield contract.SEARCH, {"query": query, "user_id": user, "k": k, **recent}
        yield (
            contract.FILTERED_SEARCH,
            {
                **{
                    "query": query,
                    "user_id": user,
                    "category": user,
                    "brand": _strings([[]]),
                    "in_stock": no,
                    "k": k,
                },
                "price_min": tf.make_tensor_proto([0.0], tf.float32),
                "price_max": tf.make_tensor_proto([np.inf], tf.float32),
                **recent,
            },
        )
        for asked, given in (("", history), (users[row] if row < len(users) else "", _strings([[]]))):
            inputs = {"user_id": _strings([asked]), "history": given, "exclude_seen": no, "k": k, **recent}
            yield contract.RECOMMEND, inputs
            yield contract.RETRIEVE, inputs
            for domain in _domain(tables):
                yield contract.RECOMMEND_WITHIN, {**inputs, "domain": _strings([domain])}
        yield contract.SIMILAR, {"item_id": _strings(items[row : row + 1]), "k": k, **recent}
        yield contract.RANK, {"query": query, "user_id": user, "item_ids": _strings([items]), **recent}
        few = _strings([items[:EACH]])
        yield contract.EXPLAIN, {"query": query, "user_id": user, "item_ids": few, **recent}


def _domain(tables: dict[str, pl.DataFrame]) -> list[str]:
    """One of the shop's domains, if it has any."""
    items = tables.get("items", pl.DataFrame())
    return items["domain"].drop_nulls().head(1).to_list() if "domain" in items.columns else []


def _recent(item: str) -> dict[str, Any]:
    """A click on an item a moment ago, as the contract's inputs."""
    return {
        contract.RECENT_ITEMS: _strings([[item]]),
        contract.RECENT_EVENTS: _strings([[CLICK.name]]),
        contract.RECENT_AGES: tf.make_tensor_proto([[60.0]], tf.float32),
        contract.NOW: tf.make_tensor_proto([0.0], tf.float64),
    }


def _queries(tables: dict[str, pl.DataFrame], titles: list[str]) -> list[str]:
    """The latest searched, else the judged, else the first words of titles."""
    for name in ("impressions", "judgements"):
        if name in tables and "query" in tables[name].columns and tables[name].height:
            rows = tables[name]
            rows = rows.sort("timestamp", descending=True) if "timestamp" in rows.columns else rows
            found = [
                query for query in rows.head(10_000)["query"].unique(maintain_order=True).to_list() if query
            ]
            if found:
                return found[:EACH]
    return [" ".join(title.split()[:3]) for title in titles if title.strip()][:EACH]


def _strings(values: list[Any]) -> Any:
    """A TensorProto of strings, of the lists' own shape."""
    shape = [len(values), *([len(values[0])] if values and isinstance(values[0], list) else [])]
    flat = [text.encode() for value in values for text in (value if isinstance(value, list) else [value])]
    return tf.make_tensor_proto(flat, tf.string, shape)
