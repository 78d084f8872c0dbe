"""The items nearest to a vector: by comparing all of them, or those of the nearest clusters alone."""

from __future__ import annotations

import dataclasses
from typing import Protocol

import tensorflow as tf

APPROXIMATE_DEPTH = 1000
"""An approximate index gives at most so many items."""
_NEAR_DEPTH = 500
"""So many items of each index are summed up with the other's."""
_PARALLEL = 4
"""Queries of a batch that are looked up at once: each gathers the vectors that it compares."""


class Asked(Protocol):
    """An index that was asked for the items nearest to each of a batch of vectors.

    Example:
        >>> asked: Asked = ExactIndex(tf.Variable([[1.0, 0.0], [0.0, 1.0]])).ask(tf.constant([[0.5, 2.0]]))
        >>> asked.limit, asked.of(tf.constant([[1, 0]])).numpy().tolist()
        (2, [[2.0, 0.5]])

    Attributes:
        limit: how many items it can give.
    """

    @property
    def limit(self) -> int: ...

    def top(self, depth: int, exclude: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The best items, best first.

        Args:
            depth: how many, at most the index's `limit`.
            exclude: bool [b, n], items that are not to be given.

        Returns:
            Item rows int32 [b, depth] and scores float32 [b, depth], -inf where there is no item.
        """

    def of(self, rows: tf.Tensor) -> tf.Tensor:
        """The exact score of given items: int32 [b, m] to float32 [b, m]."""


class Index(Protocol):
    """Finds the items whose vectors have the largest inner product with a query's.

    Example:
        >>> vectors = tf.Variable([[1.0, 0.0], [0.0, 1.0]])
        >>> approximate = ApproximateIndex(vectors, vectors, tf.constant([0, 1]), probes=1)
        >>> indexes: list[Index] = [ExactIndex(vectors), approximate]
        >>> query, nothing = tf.constant([[0.5, 2.0]]), tf.zeros([1, 2], tf.bool)
        >>> [index.ask(query).top(1, nothing)[0].numpy().tolist() for index in indexes]
        [[[1]], [[1]]]

    Attributes:
        count: how many items there are, n.
        limit: how many of them it can give.
    """

    count: int
    limit: int

    def ask(self, query: tf.Tensor) -> Asked:
        """Asks for the items nearest to each query: float32 [b, d]."""


@dataclasses.dataclass(frozen=True)
class AskedExact:
    """Every item's score.

    Example:
        >>> asked = AskedExact(tf.constant([[0.5, 2.0, 1.0]]), limit=3)
        >>> rows, scores = asked.top(2, exclude=tf.constant([[False, True, False]]))
        >>> rows.numpy().tolist(), scores.numpy().tolist()
        ([[2, 0]], [[1.0, 0.5]])

    Attributes:
        scores: float32 [b, n].
        limit: n.
    """

    scores: tf.Tensor
    limit: int

    def top(self, depth: int, exclude: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """See Asked."""
        top = tf.math.top_k(tf.where(exclude, -float("inf"), self.scores), depth)
        return top.indices, top.values

    def of(self, rows: tf.Tensor) -> tf.Tensor:
        """See Asked."""
        return tf.gather(self.scores, rows, batch_dims=1)


class ExactIndex(tf.Module):
    """Compares every item: right up to about 100,000 of them.

    Example:
        >>> index = ExactIndex(tf.Variable([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]))
        >>> rows, scores = index.ask(tf.constant([[0.0, 2.0]])).top(2, exclude=tf.zeros([1, 3], tf.bool))
        >>> rows.numpy().tolist(), scores.numpy().tolist()
        ([[1, 2]], [[2.0, 1.0]])
    """

    def __init__(self, vectors: tf.Variable) -> None:
        """Args: `vectors`: of the items, float32 [n, d]."""
        super().__init__()
        self._vectors = vectors
        self.count = self.limit = int(vectors.shape[0])

    def ask(self, query: tf.Tensor) -> AskedExact:
        """See Index."""
        return AskedExact(tf.matmul(query, self._vectors, transpose_b=True), self.limit)


@dataclasses.dataclass(frozen=True)
class AskedApproximate:
    """What is asked of an ApproximateIndex.

    Example:
        >>> vectors = tf.Variable([[1.0, 0.0], [0.0, 1.0]])
        >>> index = ApproximateIndex(vectors, centroids=vectors, clusters=tf.constant([0, 1]), probes=1)
        >>> asked = AskedApproximate(index, query=tf.constant([[0.5, 2.0]]))
        >>> asked.of(tf.constant([[0, 1]])).numpy().tolist()  # Exact, also of the cluster that is not read.
        [[0.5, 2.0]]

    Attributes:
        index: which is asked.
        query: float32 [b, d].
    """

    index: ApproximateIndex
    query: tf.Tensor

    @property
    def limit(self) -> int:
        """See Asked."""
        return self.index.limit

    def top(self, depth: int, exclude: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """See Asked."""
        return self.index.search(self.query, depth, exclude)

    def of(self, rows: tf.Tensor) -> tf.Tensor:
        """See Asked."""
        return tf.linalg.matvec(tf.gather(self.index.vectors, rows), self.query)


class ApproximateIndex(tf.Module):
    """An inverted file: items by cluster, of which the nearest to the query are read, and scored exactly.

    Source: Jégou, Douze and Schmid, Product Quantization for Nearest Neighbor Search, PAMI 2011,
    section IV, without the quantisation: the vectors are needed for exact scores anyhow, so the index
    adds four bytes an item and the centroids. In ops that stock TF Serving has.

    Example:
        >>> vectors = tf.Variable([[1.0, 0.0], [0.5, 0.0], [0.0, 1.0]])
        >>> centroids, clusters = tf.constant([[1.0, 0.0], [0.0, 1.0]]), tf.constant([0, 0, 1])
        >>> index = ApproximateIndex(vectors, centroids, clusters, probes=1)
        >>> rows, scores = index.search(tf.constant([[2.0, 1.0]]), 3, exclude=tf.zeros([1, 3], tf.bool))
        >>> rows[0, :2].numpy().tolist(), scores.numpy().tolist()  # The third item's cluster is not read.
        ([0, 1], [[2.0, 1.0, -inf]])

    Attributes:
        vectors: of the items, float32 [n, d]; not copied.
        centroids: of the clusters, float32 [c, d].
        probes: how many clusters are read.
        count: n.
        limit: how many items it can give.
    """

    def __init__(self, vectors: tf.Variable, centroids: tf.Tensor, clusters: tf.Tensor, probes: int) -> None:
        """Sorts the items by cluster.

        Args:
            vectors: of the items, float32 [n, d].
            centroids: of the clusters, float32 [c, d].
            clusters: which one each item is in, int32 [n].
            probes: how many clusters are read, at most c.
        """
        super().__init__()
        self.vectors = vectors
        self.probes = probes
        self.count = int(vectors.shape[0])
        self.limit = min(self.count, APPROXIMATE_DEPTH)
        self.centroids = tf.Variable(centroids, trainable=False)
        self._members = tf.Variable(tf.argsort(clusters, stable=True), trainable=False)
        sizes = tf.math.bincount(clusters, minlength=int(centroids.shape[0]))
        self._starts = tf.Variable(tf.concat([[0], tf.cumsum(sizes)], 0), trainable=False)

    @property
    def memory(self) -> int:
        """Bytes beside the items' vectors."""
        return sum(int(part.shape.num_elements()) * 4 for part in self.variables if part is not self.vectors)

    def ask(self, query: tf.Tensor) -> AskedApproximate:
        """See Index."""
        return AskedApproximate(self, query)

    def search(self, query: tf.Tensor, depth: int, exclude: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Asked.top`; `query` is float32 [b, d]."""
        near = tf.math.top_k(tf.matmul(query, self.centroids, transpose_b=True), self.probes).indices

        def one(asked: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
            vector, probed, owner = asked
            rows = self._items(probed)
            scores = tf.linalg.matvec(tf.gather(self.vectors, rows), vector)
            places = tf.stack([tf.fill(tf.shape(rows), owner), rows], 1)
            scores = tf.where(tf.gather_nd(exclude, places), -float("inf"), scores)
            lacking = [[0, tf.maximum(depth - tf.shape(rows)[0], 0)]]
            top = tf.math.top_k(tf.pad(scores, lacking, constant_values=-float("inf")), depth)
            return tf.gather(tf.pad(rows, lacking), top.indices), top.values

        return tf.map_fn(  # type: ignore[no-any-return]
            one,
            (query, near, tf.range(tf.shape(query)[0])),
            parallel_iterations=_PARALLEL,
            fn_output_signature=(tf.TensorSpec([depth], tf.int32), tf.TensorSpec([depth], tf.float32)),
        )

    def _items(self, probed: tf.Tensor) -> tf.Tensor:
        """The items of some clusters: int32 [p] to int32 [t]."""
        starts, ends = tf.gather(self._starts, probed), tf.gather(self._starts, probed + 1)
        return tf.gather(self._members, tf.ragged.range(starts, ends).values)


@dataclasses.dataclass(frozen=True)
class AskedByLength:
    """What an approximate index says, by the length of each item's vector: of queries of length 1, cosines.

    Example:
        >>> asked = AskedByLength(AskedExact(tf.constant([[0.5, 2.0]]), limit=2), lengths=tf.constant([1.0, 4.0]))
        >>> asked.of(tf.constant([[1, 0]])).numpy().tolist()
        [[0.5, 0.5]]

    Attributes:
        asked: by inner products.
        lengths: of the items' vectors, float32 [n].
    """

    asked: Asked
    lengths: tf.Tensor

    @property
    def limit(self) -> int:
        """See Asked."""
        return self.asked.limit

    def top(self, depth: int, exclude: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """See Asked; the items are those of the largest inner products, in their order."""
        rows, scores = self.asked.top(depth, exclude)
        return rows, scores / tf.gather(self.lengths, rows)

    def of(self, rows: tf.Tensor) -> tf.Tensor:
        """See Asked."""
        return self.asked.of(rows) / tf.gather(self.lengths, rows)


def cosines(index: Index, vectors: tf.Tensor, lengths: tf.Tensor) -> Asked:
    """Asks for the items whose vectors point where each of some vectors does: float32 [b, d].

    Args:
        index: of the items.
        vectors: of any length but 0.
        lengths: of the items' vectors, float32 [n], none of them 0.

    Example:
        >>> index = ExactIndex(tf.Variable([[3.0, 4.0], [0.1, 0.0]]))
        >>> asked = cosines(index, tf.constant([[2.0, 0.0]]), lengths=tf.constant([5.0, 0.1]))
        >>> asked.of(tf.constant([[0, 1]])).numpy().astype(float).round(3).tolist()
        [[0.6, 1.0]]
    """
    asked = index.ask(tf.math.l2_normalize(vectors, axis=1))
    if isinstance(asked, AskedExact):
        return AskedExact(asked.scores / lengths, asked.limit)
    return AskedByLength(asked, lengths)


def nearest_by_sum(asked: list[Asked], nothing: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The items near in any of several spaces, by the sum of their scores in all.

    Args:
        asked: indexes of the same items.
        nothing: False, [b, n].

    Returns:
        Item rows int32 [b, m] and scores float32 [b, m], -inf where there is no item or it came before;
        every item where all the indexes are exact.
    """
    exact = [one.scores for one in asked if isinstance(one, AskedExact)]
    if len(exact) == len(asked):
        total = tf.zeros(tf.shape(nothing))
        for scores in exact:
            total += scores
        rows = tf.broadcast_to(tf.range(asked[0].limit)[None], tf.shape(nothing))
        return rows, total
    found: list[tuple[tf.Tensor, tf.Tensor]] = []
    for one in asked:
        rows, scores = one.top(min(one.limit, _NEAR_DEPTH), nothing)
        again = tf.zeros_like(rows, tf.bool)
        for earlier, sums in found:
            same = (rows[:, :, None] == earlier[:, None, :]) & tf.math.is_finite(sums)[:, None, :]
            again |= tf.reduce_any(same, 2)
        total = tf.add_n([other.of(rows) for other in asked])
        found.append((rows, tf.where(tf.math.is_finite(scores) & ~again, total, -float("inf"))))
    return tf.concat([rows for rows, _ in found], 1), tf.concat([sums for _, sums in found], 1)
