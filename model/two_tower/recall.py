"""Validation of the two-tower by recall over the whole catalogue, in blocks, so that its memory is bounded."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from aisle.model.training import workers
from aisle.model.two_tower.inputs import Catalogue, Queries
from aisle.model.two_tower.model import TwoTower

Floats = npt.NDArray[np.float32]

RECALL_AT = 20
BLOCK = 8192
"""Items scored at once."""
MOST_SCORES = 200_000_000
"""Of one validation: above, fewer queries are asked, but at least 100."""


class BestRecall(tf.keras.callbacks.Callback):
    """Validates by recall@20; keeps the best weights, ends training when none improves.

    Best is the sum of two recalls: of the items as they are, and of all of them as if they were new, so that what says
    what is new goes on learning when the rest has learnt enough.

    Example:
        >>> from aisle.model.options import TwoTowerOptions
        >>> from aisle.model.two_tower.model import Sizes
        >>> model = TwoTower(Sizes(3, 1, 1, 1, 1, 1), TwoTowerOptions())
        >>> two, none = tf.zeros(2), tf.ragged.constant([[], []])
        >>> item = {"item_id": two, "category": none, "brand": two, "price": two, "text": tf.zeros([2, 1])}
        >>> query = {"user_id": two, "country": two, "history": none, "history_weight": none}
        >>> took = tf.ragged.constant([[0], [1]], dtype=tf.int64)
        >>> valid = Queries(query, tf.zeros([1, 1]), tf.constant([0, 0]), took, np.zeros(2, np.float32))
        >>> recall = BestRecall(model, Catalogue(tf.constant(["mug", "lamp"]), item), valid, patience=3)
        >>> recall.on_epoch_end(0, {"loss": 1.5})  # There are but two items.
        two-tower: epoch 1, loss 1.5, recall@20 1.0000, by content 1.0000

    Attributes:
        epochs: after how many it was best.
    """

    def __init__(
        self, model: TwoTower, catalogue: Catalogue, valid: Queries, patience: int, most: int = 2000
    ) -> None:
        """Args: `patience`: validations without a better recall before the end. `most`: queries asked."""
        super().__init__()
        self._towers = model
        self._catalogue = catalogue
        chosen = drawn_queries(catalogue, valid, most)
        self._queries = valid.rows(chosen)
        self._targets = tf.gather(valid.targets, chosen)
        self._patience, self._waited = patience, 0
        self._best: float = -1.0
        self._weights: list[Floats] = []
        self.epochs = 0
        unknown = tf.fill(tf.shape(catalogue.features["item_id"]), tf.constant(model.unknown_id, tf.int64))
        self._as_new = Catalogue(catalogue.ids, {**catalogue.features, "item_id": unknown})

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Adds `val_recall` and `val_content_recall` to the logs."""
        recall, content = self._recall(self._catalogue), self._recall(self._as_new)
        if logs is not None:
            logs["val_recall"], logs["val_content_recall"] = recall, content
        loss = logs["loss"] if logs else 0.0
        told = f"recall@{RECALL_AT} {recall:.4f}, by content {content:.4f}"
        print(f"two-tower: epoch {epoch + 1}, loss {loss:.1f}, {told}")
        if recall + content > self._best:
            self._best, self._waited = recall + content, 0
            # What isn't trained, such as most of the items' vectors, stays as it is.
            self._weights = tf.keras.backend.batch_get_value(self._towers.trainable_weights)
            self.epochs = epoch + 1
        else:
            self._waited += 1
            self.model.stop_training = self._waited >= self._patience

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Puts the best weights back."""
        if self._weights:
            pairs = zip(self._towers.trainable_weights, self._weights, strict=True)
            tf.keras.backend.batch_set_value(list(pairs))

    def _recall(self, catalogue: Catalogue) -> float:
        top = best_items(self._towers, catalogue, self._queries, RECALL_AT).numpy()
        hits = [
            len(set(row) & set(found)) / min(RECALL_AT, len(set(row)))
            for row, found in zip(self._targets.to_list(), top, strict=True)
        ]
        return workers.mean(float(np.mean(hits)))


def drawn_queries(catalogue: Catalogue, valid: Queries, most: int) -> tf.Tensor:
    """The rows of those that are asked, the same each time: at most so many, fewer of a large catalogue, int64 [q]."""
    asked = max(100, min(most, MOST_SCORES // len(catalogue.ids)))
    return tf.constant(np.random.default_rng(1).permutation(len(valid.text_row))[:asked])


def best_items(
    model: TwoTower, catalogue: Catalogue, queries: dict[str, tf.Tensor], k: int, block: int = BLOCK
) -> tf.Tensor:
    """The rows of each query's best items, best first: int64 [n, min(k, items)].

    Never more than `block` + k scores a query are held at once.
    """
    query = model.queries(queries)
    rows = tf.zeros([tf.shape(query)[0], 0], tf.int64)
    scores = tf.zeros([tf.shape(query)[0], 0])
    count = len(catalogue.ids)
    for start in range(0, count, block):
        end = min(start + block, count)
        items = model.items({name: value[start:end] for name, value in catalogue.features.items()})
        found = tf.math.top_k(tf.matmul(query, items, transpose_b=True), min(k, end - start))
        scores = tf.concat([scores, found.values], 1)
        rows = tf.concat([rows, tf.cast(found.indices, tf.int64) + start], 1)
        scores, place = tf.math.top_k(scores, min(k, scores.shape[1]))
        rows = tf.gather(rows, place, batch_dims=1)
    return rows
