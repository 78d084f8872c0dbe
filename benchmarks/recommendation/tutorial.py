"""The training loop of TFRS's tutorial "Recommending movies: retrieval", with this project's towers in it."""

from __future__ import annotations

import enum
from typing import Any

import tensorflow as tf
import tensorflow_recommenders as tfrs
import tensorflow_transform as tft

from aisle.model.options import TwoTowerOptions
from aisle.model.two_tower.inputs import Catalogue
from aisle.model.two_tower.model import ItemTower, QueryTower, Sizes, counted
from aisle.model.two_tower.spectrum import Start

SHUFFLE = 100_000
"""The tutorial's buffer."""
RAGGED = ("history", "history_age", "history_weight")


class Loss(enum.Enum):
    """How `tfrs.tasks.Retrieval` is told to compute it."""

    OURS = "temperature, correction for the sampling, accidental hits removed"
    PLAIN = "as in the tutorial: nothing of these"


class PlainQueryTower(QueryTower):
    """The query tower with its history averaged as the tutorials of TFRS would: a vector for each place."""

    def _history(self, ids: tf.RaggedTensor, weights: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor]:
        total = tf.reduce_sum(weights, 1)[:, None]
        return tf.math.divide_no_nan(tf.reduce_sum(self.ids(ids) * weights[:, :, None], 1), total), total


class Tutorial(tfrs.Model):
    """The tutorial's `MovielensModel`: two towers, a Retrieval task, metrics in the training step or not."""

    def __init__(
        self,
        sizes: Sizes,
        options: TwoTowerOptions,
        catalogue: Catalogue,
        text: tf.Tensor,
        loss: Loss,
        metrics: bool,
        query_tower: type[QueryTower] = PlainQueryTower,
    ) -> None:
        """Args: `text`: float32 [1, text width], that of every query of a shop without searches."""
        super().__init__()
        ids = tf.keras.layers.Embedding(sizes.items, options.width)
        self.items = ItemTower(sizes, ids, Start.unknown(sizes.items, options.width, options.seed))
        self.queries = query_tower(sizes, ids)
        self._catalogue, self._text, self._metrics_in_step = catalogue, text, metrics
        self._row = tf.keras.layers.StringLookup(
            vocabulary=catalogue.ids.numpy(), num_oov_indices=0, mask_token=None
        )
        self._given: dict[str, Any] = {}
        if loss is Loss.OURS:
            self._given = {"temperature": options.temperature, "remove_accidental_hits": True}
        self._task = tfrs.tasks.Retrieval(metrics=self._factorized() if metrics else None, **self._given)

    def _factorized(self) -> tfrs.metrics.FactorizedTopK:
        rows = tf.data.Dataset.range(len(self._catalogue.ids)).batch(128)
        return tfrs.metrics.FactorizedTopK(candidates=rows.map(self._catalogue.rows).map(self.items))

    def compute_loss(self, features: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """The task's loss of a batch of `tutorial_batches`."""
        row = self._row(features["target"])
        query = {
            **{name: features[name] for name in ("user_id", "country", "history")},
            "history_weight": counted(
                features["history"], features["history_weight"], features["history_age"]
            ),
            "text": tf.gather(self._text, tf.zeros_like(row)),
        }
        given = {}
        if self._given:
            # The tutorial has no such column; any probability costs the same.
            given = {"candidate_ids": row, "candidate_sampling_probability": tf.fill(tf.shape(row), 1e-3)}
        items = self.items(self._catalogue.rows(row))
        return self._task(self.queries(query), items, compute_metrics=self._metrics_in_step, **given)


def tutorial_batches(
    files: list[str], transform: tft.TFTransformOutput, batch: int, count: int
) -> tf.data.Dataset:
    """`count` batches of (query, target) pairs, parsed, shuffled, batched and cached as in the tutorial."""
    spec = transform.transformed_feature_spec()

    def pairs(record: tf.Tensor) -> tf.data.Dataset:
        example = tf.io.parse_single_example(record, spec)
        query = {name: example[name] for name in ("user_id", "country")}
        query |= {name: tf.sparse.to_dense(example[name]) for name in RAGGED}
        targets = tf.data.Dataset.from_tensor_slices(tf.sparse.to_dense(example["targets"]))
        return targets.map(lambda target: {**query, "target": target})

    def ragged(example: dict[str, tf.Tensor]) -> dict[str, Any]:
        return {name: _ragged(value) if name in RAGGED else value for name, value in example.items()}

    dataset = tf.data.TFRecordDataset(files, "GZIP").flat_map(pairs)
    dataset = dataset.shuffle(SHUFFLE, seed=42, reshuffle_each_iteration=False).take(batch * count)
    cached = dataset.ragged_batch(batch, drop_remainder=True).map(ragged).cache()
    for _ in cached:
        pass
    return cached


def _ragged(values: tf.Tensor | tf.RaggedTensor) -> tf.RaggedTensor:
    return values if isinstance(values, tf.RaggedTensor) else tf.RaggedTensor.from_tensor(values)
