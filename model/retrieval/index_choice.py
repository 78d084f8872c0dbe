"""Which indexes a catalogue gets, and the shop's own questions that measure them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import polars as pl
import tensorflow as tf
from absl import logging

from aisle.model.retrieval.clusters import DEPTH, make_index
from aisle.model.retrieval.retriever import Retriever
from aisle.model.retrieval.sources import vector_sources
from aisle.model.stored import taken_out

_QUESTIONS = 256
"""Of each kind at most: half choose how many clusters are read, half measure the recall."""
_BATCH = 64


def choose_indexes(
    retriever: Retriever, users: list[str], searched: list[str], exact_items: int, seed: int = 1
) -> dict[str, Any]:
    """Gives the retriever approximate indexes where the catalogue is too large to compare every item.

    Args:
        retriever: not traced yet; with exact indexes.
        users: known users, whose vectors are among the questions.
        searched: queries, which are among them, too; see `searched_in`.
        exact_items: catalogues of at most so many items keep the exact indexes.
        seed: of the clusters and of which questions are drawn.

    Returns:
        What `assets.extra/index.json` holds: `kind` (`exact` or `approximate`), `items`, `recall_at`,
        `recall` (the lowest there is), and `indexes`: the figures of each by name.
    """
    found: dict[str, Any] = {"kind": "exact", "items": retriever.count, "recall_at": DEPTH, "recall": 1.0}
    if retriever.count <= exact_items:
        return {**found, "indexes": {}}
    asked = _questions(retriever, users, searched, np.random.default_rng(seed))
    made = {
        source.name: make_index(getattr(retriever.tower, source.items), asked[source.name], seed=seed)
        for source in vector_sources()
    }
    retriever.indexes = {name: one.index for name, one in made.items()}
    recalls = {(name, kind): r for name, one in made.items() for kind, r in one.figures["recall"].items()}
    for (name, kind), recall in recalls.items():
        logging.info("index of %s: recall@%d of %s is %.4f", name, DEPTH, kind, recall)
    figures = {name: one.figures for name, one in made.items()}
    return {**found, "kind": "approximate", "recall": min(recalls.values()), "indexes": figures}


def _questions(
    retriever: Retriever, users: list[str], searched: list[str], rng: np.random.Generator
) -> dict[str, dict[str, np.ndarray]]:
    """Vectors that are asked of each index, by kind: float32 [q, d]."""
    drawn = {
        "users": [users[row] for row in rng.permutation(len(users))[:_QUESTIONS]],
        "searches": [searched[row] for row in rng.permutation(len(searched))[:_QUESTIONS]],
    }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string), tf.TensorSpec([None], tf.string)])
    def vectors(query: tf.Tensor, user: tf.Tensor) -> dict[str, tf.Tensor]:
        return retriever.context(query, user, tf.zeros([tf.shape(user)[0], 0], tf.string)).vectors

    found = {}
    for source in vector_sources():
        items = _sample(getattr(retriever.tower, source.items), rng)
        names = drawn[source.asked]
        nobody = [""] * len(names)
        queries, people = (nobody, names) if source.asked == "users" else (names, nobody)
        none = np.zeros((0, items.shape[1]), np.float32)
        asked = _embed(vectors, source.name, queries, people, none)
        found[source.name] = {source.asked: asked, "items": items}
    return found


def _sample(vectors: tf.Variable, rng: np.random.Generator) -> np.ndarray:
    """Some of the items' vectors, without empty ones."""
    # Rows that are gathered of a variable would have each read after that copy all of it.
    rows = tf.gather(taken_out(vectors), rng.permutation(int(vectors.shape[0]))[:_QUESTIONS]).numpy()
    return np.asarray(rows[np.linalg.norm(rows, axis=1) > 0])


def _embed(function: Any, name: str, queries: list[str], users: list[str], none: np.ndarray) -> np.ndarray:
    parts = [
        function(tf.constant(queries[at : at + _BATCH]), tf.constant(users[at : at + _BATCH]))[name].numpy()
        for at in range(0, len(users), _BATCH)
    ]
    return np.concatenate([none, *parts])


def searched_in(frames: Mapping[str, pl.DataFrame]) -> list[str]:
    """The different queries that were searched or judged, in order; `frames` are the Labeler's tables by name."""
    columns = [frames[name]["query"] for name in ("impressions", "judgements") if name in frames]
    queries = {query.strip() for column in columns for query in column.drop_nulls().to_list()}
    return sorted(queries - {""})
