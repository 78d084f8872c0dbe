"""Makes an approximate index, and measures what it finds of what there is."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.index import ApproximateIndex, ExactIndex, Index
from aisle.model.stored import taken_out

DEPTH = 100
"""Recall is of so many nearest items, which is what a source of candidates gives."""
AIMED_RECALL = 0.97
"""Probes are chosen by half of the queries to find so much, so that the other half finds 0.95."""
MOST_READ = 0.25
"""At most so many of the clusters are read; where that is too little, the recall says so."""
_PER_CLUSTER = 40
"""Vectors that each cluster is learnt from."""
_ROUNDS = 6
_BATCH = 4096
_QUERIES = 16
"""Queries compared with all items at once."""


@dataclasses.dataclass(frozen=True)
class Made:
    """An index and what it is worth.

    Example:
        >>> vectors = tf.Variable([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]])
        >>> made = make_index(vectors, {"items": vectors.numpy()}, clusters=4)
        >>> made.index.probes, made.figures["recall"]  # One cluster of four is read, with one item of four.
        (1, {'items': 0.25})

    Attributes:
        index: to be asked.
        figures: `clusters`, `probes`, `recall` and `queries` (by kind), `read_share` (items compared, of
            all), `index_mb` and `vectors_mb`.
    """

    index: ApproximateIndex
    figures: dict[str, Any]


def make_index(
    vectors: tf.Variable, queries: dict[str, np.ndarray], clusters: int = 0, seed: int = 1
) -> Made:
    """Clusters items, and reads as many clusters as the queries of every kind need.

    Half of the queries, every other one, choose the probes; the rest say what the recall is.

    Args:
        vectors: of the items, float32 [n, d].
        queries: query vectors by kind, float32 [q, d] each; a kind without one is left out.
        clusters: how many; 0 makes 2 sqrt(n).
        seed: of the clusters.
    """
    count = int(vectors.shape[0])
    clusters = min(clusters or round(2 * math.sqrt(count)), count)
    centroids, of_item = spherical_kmeans(vectors, clusters, seed)
    nearest = {kind: _nearest(vectors, asked) for kind, asked in queries.items() if len(asked)}
    probes = max(
        (_probes(queries[kind][::2], centroids, of_item, found[::2]) for kind, found in nearest.items()),
        default=1,
    )
    index = ApproximateIndex(vectors, centroids, of_item, probes)
    held = {kind: slice(1, None, 2) if len(found) > 1 else slice(None) for kind, found in nearest.items()}
    recall = {
        kind: _recall(index, queries[kind][held[kind]], found[held[kind]]) for kind, found in nearest.items()
    }
    sizes = np.bincount(of_item.numpy(), minlength=clusters)
    read = [_read(queries[kind], centroids, sizes, probes) for kind in nearest]
    return Made(
        index,
        {
            "clusters": clusters,
            "probes": probes,
            "recall": recall,
            "queries": {kind: len(found[held[kind]]) for kind, found in nearest.items()},
            "read_share": float(np.mean(read)) / count if read else 0.0,
            "index_mb": index.memory / 1e6,
            "vectors_mb": count * int(vectors.shape[1]) * 4 / 1e6,
        },
    )


def spherical_kmeans(vectors: tf.Variable, clusters: int, seed: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Clusters by direction: k-means that maximises the cosine.

    Source: Dhillon and Modha, Concept Decompositions for Large Sparse Text Data Using Clustering,
    Machine Learning 2001.

    Args:
        vectors: float32 [n, d].
        clusters: how many, at most n.
        seed: of the vectors that the centroids begin at and of those they learn from.

    Returns:
        Centroids of length 1, float32 [clusters, d], and the nearest one of each vector, int32 [n].

    Example:
        >>> vectors = tf.Variable([[1.0, 0.0], [0.0, 2.0], [5.0, 0.1], [0.1, 3.0]])
        >>> first, second, third, fourth = spherical_kmeans(vectors, clusters=2, seed=1)[1].numpy().tolist()
        >>> first == third, second == fourth, first == second
        (True, True, False)
    """
    rng = np.random.default_rng(seed)
    count = int(vectors.shape[0])
    values = taken_out(vectors)  # Not copied by each read, as a variable is of which rows were gathered.
    sample = tf.gather(values, rng.permutation(count)[: clusters * _PER_CLUSTER])
    centroids = tf.math.l2_normalize(sample[:clusters], axis=1)
    for _ in range(_ROUNDS):
        total = tf.math.unsorted_segment_sum(sample, _assign(sample, centroids), clusters)
        empty = tf.norm(total, axis=1, keepdims=True) < 1e-12
        centroids = tf.where(empty, centroids, tf.math.l2_normalize(total, axis=1))
    return centroids, _assign(values, centroids)


def _assign(vectors: tf.Tensor, centroids: tf.Tensor) -> tf.Tensor:
    """The nearest centroid of each vector, int32 [n]."""
    parts = [
        tf.argmax(
            tf.matmul(vectors[start : start + _BATCH], centroids, transpose_b=True), 1, output_type=tf.int32
        )
        for start in range(0, int(vectors.shape[0]), _BATCH)
    ]
    return tf.concat(parts, 0)


def _nearest(vectors: tf.Variable, queries: np.ndarray) -> np.ndarray:
    """The DEPTH nearest items of each query by comparing all: int32 [q, depth]."""
    index = ExactIndex(vectors)
    return _ask(index, queries, min(DEPTH, index.limit))


def _recall(index: ApproximateIndex, queries: np.ndarray, nearest: np.ndarray) -> float:
    """The share of the nearest items that the index finds, over all queries."""
    found = _ask(index, queries, nearest.shape[1])
    return float(np.mean([np.isin(true, got).mean() for true, got in zip(nearest, found, strict=True)]))


def _ask(index: Index, queries: np.ndarray, depth: int) -> np.ndarray:
    @tf.function(input_signature=[tf.TensorSpec([None, queries.shape[1]], tf.float32)])
    def top(query: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return index.ask(query).top(depth, tf.zeros([tf.shape(query)[0], index.count], tf.bool))

    parts = []
    for start in range(0, len(queries), _QUERIES):
        rows, scores = (part.numpy() for part in top(queries[start : start + _QUERIES]))
        parts.append(np.where(np.isfinite(scores), rows, -1))
    return np.concatenate(parts)


def _probes(queries: np.ndarray, centroids: tf.Tensor, of_item: tf.Tensor, nearest: np.ndarray) -> int:
    """The fewest clusters in which AIMED_RECALL of the nearest items are, at most MOST_READ of all."""
    order = np.argsort(-(queries @ centroids.numpy().T), axis=1)
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(order.shape[1])[None], 1)
    needed = np.take_along_axis(place, of_item.numpy()[nearest], 1)
    most = max(1, int(MOST_READ * order.shape[1]))
    return min(int(np.quantile(needed, AIMED_RECALL, method="higher")) + 1, most)


def _read(queries: np.ndarray, centroids: tf.Tensor, sizes: np.ndarray, probes: int) -> float:
    """How many items are compared with a query, on average."""
    order = np.argsort(-(queries @ centroids.numpy().T), axis=1)[:, :probes]
    return float(sizes[order].sum(1).mean())
