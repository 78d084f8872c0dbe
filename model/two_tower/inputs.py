"""What the two-tower learns from, in memory: the catalogue, the queries with their targets, and batches of both."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import tensorflow as tf
import tensorflow_transform as tft

from aisle.model.options import TwoTowerOptions
from aisle.model.spilled import SpilledRows
from aisle.model.text.bert import SentenceEncoder
from aisle.model.training.workers import WHOLE, Part
from aisle.model.two_tower.model import HALF_LIFE_DAYS, TwoTower, counted

READ_BATCH = 4096
_HELD = 134_217_728
"""Bytes of texts' embeddings that are held while towers learn: those of 87,000 items by the BERT that comes along."""


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """The item tower's inputs for every item; row r of each tensor is item r.

    Example:
        >>> features = {"item_id": tf.constant([0, 1]), "price": tf.constant([0.5, -0.5])}
        >>> catalogue = Catalogue(tf.constant(["mug", "lamp"]), features)
        >>> {name: values.numpy().tolist() for name, values in catalogue.rows(tf.constant([1])).items()}
        {'item_id': [1], 'price': [-0.5]}

    Attributes:
        ids: string [n].
        features: `item_id`, `category` (ragged), `brand`, `price`, `text`, and `row` in the catalogue.
        spilled: the texts, where they lie in a file instead.
    """

    ids: tf.Tensor
    features: dict[str, tf.Tensor]
    spilled: SpilledRows | None = None

    @property
    def described(self) -> dict[str, Any]:
        """The features with the texts wherever they are, which the towers are seldom asked for: they begin by them."""
        return self.features if self.spilled is None else {**self.features, "text": self.spilled}

    def spill(self, path: pathlib.Path) -> Catalogue:
        """The same with its texts in a file, where they are many."""
        text = self.features["text"]
        if 4 * text.shape.num_elements() <= _HELD:
            return self
        others = {name: value for name, value in self.features.items() if name != "text"}
        return Catalogue(self.ids, others, SpilledRows(text, path))

    def read_by(self, model: TwoTower) -> Catalogue:
        """With the texts in memory, where a model has to learn what they say."""
        if self.spilled is None or model.items.catalogue is not None:
            return self
        return Catalogue(self.ids, {**self.features, "text": self.spilled.tensor()})

    def texts(self) -> tf.Tensor:
        """The texts' embeddings: float32 [n, text width]."""
        return self.features["text"] if self.spilled is None else self.spilled.tensor()

    def rows(self, row: tf.Tensor) -> dict[str, tf.Tensor]:
        """The features of some rows: int64 [m]."""
        return {name: tf.gather(value, row) for name, value in self.features.items()}


@dataclasses.dataclass(frozen=True)
class Queries:
    """The query tower's inputs, and what was taken after each.

    Example:
        >>> texts = tf.constant([[0.0, 0.0], [1.0, 0.0]])  # Of no query, and of the query "mug".
        >>> taken = tf.ragged.constant([[0], [1, 2], [0]], dtype=tf.int64)
        >>> ages = np.zeros(3, np.float32)
        >>> queries = Queries({"user_id": tf.constant([7, 8, 9])}, texts, tf.constant([0, 1, 1]), taken, ages)
        >>> inputs = queries.rows(tf.constant([1, 2]))
        >>> inputs["text"].numpy().tolist(), inputs["text_row"].numpy().tolist()  # Both searched "mug".
        ([[1.0, 0.0]], [0, 0])

    Attributes:
        features: `user_id`, `country` [n], ragged [n, (h)] `history`, `history_weight`.
        texts: float32 [distinct, text width], the embeddings of all distinct query texts.
        text_row: int64 [n], the row of each query's.
        targets: ragged int64 [n, (t)], rows of the catalogue, never empty.
        age: of each query in days before the test, float32 [n].
    """

    features: dict[str, tf.Tensor]
    texts: tf.Tensor
    text_row: tf.Tensor
    targets: tf.RaggedTensor
    age: npt.NDArray[np.float32]

    def rows(self, row: tf.Tensor) -> dict[str, tf.Tensor]:
        """The tower's inputs for some queries: int64 [m]; a text that several share is there once."""
        features = {name: tf.gather(value, row) for name, value in self.features.items()}
        distinct, features["text_row"] = tf.unique(tf.gather(self.text_row, row))
        return {**features, "text": tf.gather(self.texts, distinct)}


def read_catalogue(
    patterns: list[str], transform: tft.TFTransformOutput, encoder: SentenceEncoder
) -> Catalogue:
    """Reads the transformed items."""
    names = ("item_id", "category", "brand", "price")
    rows = _examples(patterns, transform, ("item", *names, "title", "description"))
    text = encoder.encode_items(rows["title"], rows["description"])
    row = tf.range(len(rows["item"]), dtype=tf.int64)
    return Catalogue(rows["item"], {**{name: rows[name] for name in names}, "text": text, "row": row})


def read_queries(
    splits: list[list[str]], transform: tft.TFTransformOutput, catalogue: Catalogue, encoder: SentenceEncoder
) -> list[Queries]:
    """Reads the transformed queries of each split (its file patterns); those without a known target are left out."""
    names = (
        "user_id",
        "country",
        "query",
        "query_age",
        "history",
        "history_age",
        "history_weight",
        "targets",
    )
    count = len(catalogue.ids)
    known = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(catalogue.ids, tf.range(count, dtype=tf.int64)), -1
    )
    read = [_with_targets(_examples(patterns, transform, names), known) for patterns in splits]
    distinct, text_row = np.unique(
        np.concatenate([rows["query"].numpy().astype(object) for rows in read]), return_inverse=True
    )
    texts = encoder.encode(tf.constant(distinct, tf.string, [len(distinct)]))
    found, start = [], 0
    for rows in read:
        row = tf.constant(text_row[start : start + len(rows["query"])], tf.int64)
        start += len(rows["query"])
        features = {name: rows[name] for name in ("user_id", "country", "history")}
        features["history_weight"] = counted(rows["history"], rows["history_weight"], rows["history_age"])
        found.append(Queries(features, texts, row, rows["targets"], rows["query_age"].numpy()))
    return found


def joined(one: Queries, other: Queries) -> Queries:
    """Both together; their texts are the same."""
    features = {name: tf.concat([value, other.features[name]], 0) for name, value in one.features.items()}
    return Queries(
        features,
        one.texts,
        tf.concat([one.text_row, other.text_row], 0),
        tf.concat([one.targets, other.targets], 0),
        np.concatenate([one.age, other.age]),
    )


def taken(queries: Queries, catalogue: Catalogue, items: int, users: int) -> sp.csr_matrix:
    """Who took what: half for having taken it at all, half for how lately and how often, as `counted` says it.

    Args:
        queries: those of an unknown user are each a user of their own.
        catalogue: what they took.
        items: the size of their vocabulary, whose last id is that of unknown ones.
        users: the same of users.

    Returns:
        float32 [users, items], the items by id.
    """
    user = queries.features["user_id"].numpy().ravel()
    user = np.where(user < users - 1, user, users + np.arange(len(user)))
    row = np.repeat(user, queries.targets.row_lengths().numpy())
    item = tf.gather(catalogue.features["item_id"], queries.targets.values).numpy()
    age = np.repeat(queries.age - queries.age.min(initial=np.inf), queries.targets.row_lengths().numpy())
    cells = (row[item < items - 1], item[item < items - 1])
    shape = (users + len(user), items)
    lately = np.exp2(-age[item < items - 1] / HALF_LIFE_DAYS).astype(np.float32)
    once = sp.csr_matrix((np.ones_like(lately), cells), shape).sign()
    return ((once + sp.csr_matrix((lately, cells), shape)) / 2).tocsr()


def _with_targets(rows: dict[str, tf.Tensor], known: tf.lookup.StaticHashTable) -> dict[str, tf.Tensor]:
    targets = tf.ragged.map_flat_values(known.lookup, rows["targets"])
    targets = tf.ragged.boolean_mask(targets, targets >= 0)
    kept = tf.where(targets.row_lengths() > 0)[:, 0]
    return {name: tf.gather(value, kept) for name, value in {**rows, "targets": targets}.items()}


def _examples(
    patterns: list[str], transform: tft.TFTransformOutput, names: tuple[str, ...]
) -> dict[str, tf.Tensor]:
    """Some features of all transformed examples of some files, sparse ones as ragged tensors."""
    spec = {name: feature for name, feature in transform.transformed_feature_spec().items() if name in names}

    def parse(records: tf.Tensor) -> dict[str, tf.Tensor]:
        return {
            name: tf.RaggedTensor.from_sparse(value) if isinstance(value, tf.SparseTensor) else value
            for name, value in tf.io.parse_example(records, spec).items()
        }

    files = [path for pattern in patterns for path in tf.io.gfile.glob(pattern)]
    dataset = tf.data.TFRecordDataset(files, "GZIP").batch(READ_BATCH).map(parse, num_parallel_calls=2)
    batches = list(dataset) or [parse(tf.zeros([0], tf.string))]
    return {name: tf.concat([batch.pop(name) for batch in batches], 0) for name in names}


def batches(
    queries: Queries, catalogue: Catalogue, options: TwoTowerOptions, part: Part = WHOLE
) -> tf.data.Dataset:
    """Endless batches, as `TwoTower.compute_loss` takes them: random queries, one random target of each.

    A basket is drawn as often as it has targets, so that every (query, target) pair is as likely. A part of a batch has its
    share of the queries and all of the items, so that the losses of all parts add up to that of the batch.
    """
    owner, rows = queries.targets.value_rowids(), queries.targets.values
    pairs = len(rows)
    drawn = np.bincount(rows.numpy(), minlength=len(catalogue.ids)) / pairs
    probability = tf.constant(drawn, tf.float32)

    def batch(step: tf.Tensor) -> dict[str, object]:
        pair = tf.random.stateless_uniform([options.batch], [options.seed, step], 0, pairs, tf.int64)
        distinct, place, count = tf.unique_with_counts(tf.gather(rows, pair))
        return {
            "query": queries.rows(tf.gather(owner, part.of(pair))),
            "item": catalogue.rows(distinct),
            "place": part.of(place),
            "count": count,
            "probability": tf.gather(probability, distinct),
        }

    return tf.data.Dataset.counter().map(batch, num_parallel_calls=2).prefetch(4)
