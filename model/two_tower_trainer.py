"""The TFX Trainer's `run_fn` of the two-tower: reads, trains, exports."""

from __future__ import annotations

import dataclasses
import json
import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from aisle.model import history
from aisle.model.options import TwoTowerOptions
from aisle.model.preprocessing import (
    BRAND_VOCABULARY,
    CATEGORY_VOCABULARY,
    COUNTRY_VOCABULARY,
    ITEM_VOCABULARY,
    USER_VOCABULARY,
)
from aisle.model.text import SentenceEncoder
from aisle.model.two_tower import Sizes, TwoTower
from aisle.model.two_tower_export import export
from aisle.schema.weights import bert_folder

RECALL_AT = 20


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """The item tower's inputs for every item; row r of each tensor is item r.

    Attributes:
        ids: string [n].
        features: `item_id`, `category` (ragged), `brand`, `price`, `text`.
    """

    ids: tf.Tensor
    features: dict[str, tf.Tensor]

    def rows(self, row: tf.Tensor) -> dict[str, tf.Tensor]:
        """The features of some rows: int64 [m]."""
        return {name: tf.gather(value, row) for name, value in self.features.items()}


def run_fn(fn_args: FnArgs) -> None:
    """Trains the two-tower and exports it to `fn_args.serving_model_dir`.

    Args:
        fn_args: `train_files` hold the splits `items` and `train`, `eval_files` the split `eval`;
            `custom_config` holds `options` (a TwoTowerOptions as JSON) and `bert` (a folder or "").
    """
    options = TwoTowerOptions(**json.loads(fn_args.custom_config["options"]))
    tf.keras.utils.set_random_seed(options.seed)
    transform = tft.TFTransformOutput(fn_args.transform_output)
    encoder = SentenceEncoder(fn_args.custom_config.get("bert") or bert_folder())
    catalogue = _read_catalogue(_matching(fn_args.train_files, "items"), transform, encoder)
    train = _read_queries(_matching(fn_args.train_files, "train"), transform, catalogue)
    valid = _read_queries(fn_args.eval_files, transform, catalogue)
    texts = _query_texts([*train["query"], *valid["query"]], encoder)

    model = TwoTower(_sizes(transform, encoder.width), options)
    model.compile(optimizer=tf.keras.optimizers.Adam(options.learning_rate))
    epoch = options.steps_per_epoch or max(1, options.steps // 10)
    batches = _batches(train, catalogue, texts, options)
    best = _BestRecall(model, catalogue, valid, texts, options.patience)
    result = model.fit(
        batches,
        epochs=-(-options.steps // epoch),
        steps_per_epoch=epoch,
        callbacks=[best, *history.callbacks(fn_args.model_run_dir)],
        verbose=0,
    )
    history.finish(result, fn_args.model_run_dir)
    export(model, transform, encoder, catalogue.ids, catalogue.features, fn_args.serving_model_dir)


def _matching(patterns: list[str], split: str) -> list[str]:
    return [pattern for pattern in patterns if f"Split-{split}" in pattern]


def _examples(patterns: list[str], transform: tft.TFTransformOutput) -> dict[str, tf.Tensor]:
    """All transformed examples of some files, sparse features as ragged tensors."""
    files = [path for pattern in patterns for path in tf.io.gfile.glob(pattern)]
    records = [record for record in tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()]
    parsed = tf.io.parse_example(
        tf.constant(records, tf.string, [len(records)]), transform.transformed_feature_spec()
    )
    return {
        name: tf.RaggedTensor.from_sparse(value) if isinstance(value, tf.SparseTensor) else value
        for name, value in parsed.items()
    }


def _read_catalogue(
    patterns: list[str], transform: tft.TFTransformOutput, encoder: SentenceEncoder
) -> Catalogue:
    rows = _examples(patterns, transform)
    features = {name: rows[name] for name in ("item_id", "category", "brand", "price")}
    return Catalogue(rows["item"], {**features, "text": encoder.encode(rows["title"])})


def _read_queries(
    patterns: list[str], transform: tft.TFTransformOutput, catalogue: Catalogue
) -> dict[str, tf.Tensor]:
    """Query examples whose `targets` are catalogue rows: ragged int64 [n, (t)], never empty."""
    rows = _examples(patterns, transform)
    lookup = {item: row for row, item in enumerate(catalogue.ids.numpy())}
    targets = tf.ragged.map_flat_values(
        lambda ids: tf.constant([lookup.get(item, -1) for item in ids.numpy()], tf.int64, ids.shape),
        rows["targets"],
    )
    targets = tf.ragged.boolean_mask(targets, targets >= 0)
    kept = tf.where(targets.row_lengths() > 0)[:, 0]
    names = ("user_id", "country", "query", "history", "history_age", "history_weight")
    queries = {name: tf.gather(rows[name], kept) for name in names}
    queries["targets"] = tf.gather(targets, kept)
    queries["query"] = queries["query"].numpy()
    return queries


def _query_texts(queries: list[bytes], encoder: SentenceEncoder) -> dict[bytes, np.ndarray]:
    """The embedding of each distinct query; the empty one's is zeros."""
    distinct = sorted(set(queries))
    return dict(
        zip(distinct, encoder.encode(tf.constant(distinct, tf.string, [len(distinct)])).numpy(), strict=False)
    )


def _sizes(transform: tft.TFTransformOutput, text: int) -> Sizes:
    def size(name: str) -> int:
        return int(transform.vocabulary_size_by_name(name)) + 1

    return Sizes(
        items=size(ITEM_VOCABULARY),
        categories=size(CATEGORY_VOCABULARY),
        brands=size(BRAND_VOCABULARY),
        users=size(USER_VOCABULARY),
        countries=size(COUNTRY_VOCABULARY),
        text=text,
    )


def _query_features(
    queries: dict[str, tf.Tensor], texts: dict[bytes, np.ndarray], chosen: np.ndarray
) -> dict[str, tf.Tensor]:
    names = ("user_id", "country", "history", "history_age", "history_weight")
    features = {name: tf.gather(queries[name], chosen) for name in names}
    features["text"] = tf.constant(np.stack([texts[query] for query in queries["query"][chosen]]))
    return features


def _batches(
    queries: dict[str, tf.Tensor],
    catalogue: Catalogue,
    texts: dict[bytes, np.ndarray],
    options: TwoTowerOptions,
) -> tf.data.Dataset:
    """Endless batches: random queries, one random target of each, weighted by its basket's size.

    A basket is drawn as often as it has targets, so that every (query, target) pair is as likely.
    """
    targets = queries["targets"]
    pairs = targets.value_rowids().numpy()
    rows = targets.values.numpy()
    probability = (np.bincount(rows, minlength=len(catalogue.ids)) / len(rows)).astype(np.float32)
    text_of = {text: number for number, text in enumerate(texts)}
    matrix = tf.constant(np.stack(list(texts.values())))
    text_row = tf.constant([text_of[query] for query in queries["query"]], tf.int64)
    names = ("user_id", "country", "history", "history_age", "history_weight")
    chance = tf.constant(probability)
    owner, row_of = tf.constant(pairs), tf.constant(rows)

    def batch(seed: tf.Tensor) -> dict[str, object]:
        pair = tf.random.stateless_uniform([options.batch], [options.seed, seed], 0, len(rows), tf.int64)
        query, row = tf.gather(owner, pair), tf.gather(row_of, pair)
        features = {name: tf.gather(queries[name], query) for name in names}
        features["text"] = tf.gather(matrix, tf.gather(text_row, query))
        return {
            "query": features,
            "item": catalogue.rows(row),
            "row": row,
            "probability": tf.gather(chance, row),
        }

    return tf.data.Dataset.counter().map(batch, num_parallel_calls=2).prefetch(4)


class _BestRecall(tf.keras.callbacks.Callback):
    """Validates by recall@20 over the whole catalogue; keeps the best weights, ends when none improves."""

    def __init__(
        self,
        model: TwoTower,
        catalogue: Catalogue,
        valid: dict[str, tf.Tensor],
        texts: dict[bytes, np.ndarray],
        patience: int,
        most: int = 2000,
    ) -> None:
        super().__init__()
        self._towers = model
        self._catalogue = catalogue
        chosen = np.random.default_rng(1).permutation(len(valid["query"]))[:most]
        self._features = _query_features(valid, texts, chosen)
        self._targets = tf.gather(valid["targets"], chosen)
        self._patience, self._waited = patience, 0
        self._best, self._weights = -1.0, model.get_weights()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Adds `val_recall` to the logs."""
        recall = self._recall()
        if logs is not None:
            logs["val_recall"] = recall
        loss = logs["loss"] if logs else 0.0
        print(f"two-tower: epoch {epoch + 1}, loss {loss:.1f}, recall@{RECALL_AT} {recall:.4f}")
        if recall > self._best:
            self._best, self._weights, self._waited = recall, self._towers.get_weights(), 0
        else:
            self._waited += 1
            self.model.stop_training = self._waited >= self._patience

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Puts the best weights back."""
        if self._weights:
            self._towers.set_weights(self._weights)

    def _recall(self) -> float:
        scores = self._towers.queries(self._features) @ tf.transpose(
            self._towers.items(self._catalogue.features)
        )
        top = tf.math.top_k(scores, min(RECALL_AT, scores.shape[1])).indices.numpy()
        hits = [
            len(set(row) & set(found)) / min(RECALL_AT, len(set(row)))
            for row, found in zip(self._targets.to_list(), top, strict=False)
        ]
        return float(np.mean(hits))
