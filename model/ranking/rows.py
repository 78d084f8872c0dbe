"""Ranking examples as tensors: how they are read, and their parts."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.features import CANDIDATE_FEATURES
from aisle.model.retrieval.sources import scores
from aisle.schema import features as f

_LABELS = (f.CLICK, f.CONVERSION, f.CLICKED, f.WEIGHT)
RANKING_INPUTS = (f.RANK_QUERY, f.RANK_HISTORY, f.RANK_TITLE, *CANDIDATE_FEATURES)
RANKING_FEATURES = (*RANKING_INPUTS, f.CLICK, f.CONVERSION, f.LABEL, f.CLICKED, f.WEIGHT)
"""Of a ranking example."""

INPUT_SPEC = {
    feature.name: tf.io.FixedLenFeature([], tf.string if feature.dtype is f.Dtype.BYTES else tf.float32)
    for feature in RANKING_INPUTS
}
_BESIDE = np.isin(
    [feature.name for feature in CANDIDATE_FEATURES], [score.name for score in scores() if score.beside]
)
_SEARCHED = [feature.name for feature in CANDIDATE_FEATURES].index("searched")
_LABEL_SPEC = {label.name: tf.io.FixedLenFeature([], tf.float32) for label in _LABELS}


def read_rows(patterns: list[str]) -> dict[str, tf.Tensor]:
    """Every ranking example of some gzipped TFRecord files, a tensor [n] by feature."""
    files = [path for pattern in patterns for path in tf.io.gfile.glob(pattern)]
    records = list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    return dict(
        tf.io.parse_example(tf.constant(records, tf.string, [len(records)]), {**INPUT_SPEC, **_LABEL_SPEC})
    )


def choose(rows: dict[str, tf.Tensor], chosen: np.ndarray) -> dict[str, tf.Tensor]:
    """Some of the examples, by their row numbers."""
    return {name: tf.gather(values, chosen) for name, values in rows.items()}


def numbers(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    """The numbers that heads read, in the order of CANDIDATE_FEATURES: float32 [n, F]."""
    return read_by_heads(_stacked(rows))


def read_by_heads(values: tf.Tensor) -> tf.Tensor:
    """The candidates' numbers without what counts beside a head: float32 [..., F] to the same, NaN there."""
    return tf.where(_counts_beside(values), np.float32(np.nan), values)


def beside_heads(values: tf.Tensor) -> tf.Tensor:
    """What counts beside a head, 0 of searches and where it is unknown: float32 [..., F] to [...]."""
    some = tf.logical_and(_counts_beside(values), tf.math.is_finite(values))
    return tf.reduce_sum(tf.where(some, values, 0.0), -1)


def _counts_beside(values: tf.Tensor) -> tf.Tensor:
    """Which numbers do: bool [..., F]."""
    searched = tf.gather(values, [_SEARCHED], axis=-1) > 0
    return tf.logical_and(_BESIDE, tf.logical_not(searched))


def beside(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    """The same of examples: [n]."""
    return beside_heads(_stacked(rows))


def _stacked(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    return tf.stack([rows[feature.name] for feature in CANDIDATE_FEATURES], axis=1)


def targets(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    """Click, conversion and weight, as `ranking_loss` reads them: float32 [n, 3]."""
    return tf.stack([rows[label.name] for label in (f.CLICK, f.CONVERSION, f.WEIGHT)], axis=1)


def judged_rows(rows: dict[str, tf.Tensor]) -> np.ndarray:
    """Which examples are of queries that people judged: nobody was shown them. Bool [n]."""
    return (rows[f.QUERY.name].numpy() != b"") & (rows[f.CLICKED.name].numpy() < 0)
