"""Trains small models by this process, with the other workers where TF_CONFIG names some: `worker_training.py OUT PART …`."""

from __future__ import annotations

import json
import os
import pathlib
import sys

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import tensorflow as tf

from aisle.model.options import RankingOptions, TwoTowerOptions
from aisle.model.ranking.features_trainer import train_features
from aisle.model.ranking.numbers import Ensemble, FeatureHead
from aisle.model.ranking.reading.making import make_head, make_learner
from aisle.model.ranking.reading.text_trainer import train_text
from aisle.model.retrieval.features import CANDIDATE_FEATURES
from aisle.model.training import workers
from aisle.model.two_tower.training import alone, compiled, endless, fit
from aisle.schema.training import HISTORY_FILE
from tests.model.small_bert import make_small_bert
from tests.model.small_towers import SIZES, catalogue, queries

TOWER = TwoTowerOptions(width=8, batch=64, steps=40, steps_per_epoch=20, unknown=0.0, id_rate=1.0)
HEAD = RankingOptions(members=1, feature_epochs=2, width=8, dropout=0.0, bins=4)
TEXT = RankingOptions(
    epochs=2,
    lists=4,
    list_size=4,
    dropout=0.0,
    learning_rate=1e-3,
    frozen=0,
    word_width=8,
    patience=9,
    learnt=1.0,
)
QUERIES = ("mug", "lamp", "red mug", "blue mug", "red lamp", "blue lamp", "mini mug", "mini lamp")
TITLES = ("red mug", "blue lamp", "mini mug", "lamp")


def two_tower(folder: pathlib.Path, options: TwoTowerOptions = TOWER) -> dict[str, list[float]]:
    """The losses and recalls of each epoch, and the weights as they are exported."""
    tf.keras.utils.set_random_seed(options.seed)
    model = compiled(SIZES, options)
    fit(model, endless(queries(), catalogue(), options), queries(), catalogue(), options, str(folder))
    exported = alone(model, queries(), catalogue(), options)
    return _told(folder, exported.get_weights())


def features_head(folder: pathlib.Path, options: RankingOptions = HEAD) -> dict[str, list[float]]:
    """The same of the part of the ranking head that reads numbers."""
    draw, count = np.random.default_rng(0), 1600
    values = draw.normal(size=(len(CANDIDATE_FEATURES), count)).astype(np.float32)
    rows = {
        feature.name: tf.constant(value) for feature, value in zip(CANDIDATE_FEATURES, values, strict=True)
    }
    rows["click"] = tf.constant((values[0] > draw.normal(size=count)).astype(np.float32))
    rows["conversion"], rows["clicked"] = -tf.ones(count), rows["click"]
    rows["weight"], rows["query"] = tf.ones(count), tf.fill([count], "")
    tf.keras.utils.set_random_seed(options.seed)
    (head,) = train_features(rows, rows, options, str(folder)).heads
    return _told(folder, head.get_weights())


def text_head(folder: pathlib.Path, options: RankingOptions = TEXT) -> dict[str, list[float]]:
    """The same of the whole ranking head while it learns to read."""
    count = len(QUERIES) * len(TITLES)
    query, title = np.repeat(QUERIES, len(TITLES)), np.tile(TITLES, len(QUERIES))
    rows = {feature.name: tf.zeros(count) for feature in CANDIDATE_FEATURES}
    rows |= {"searched": tf.ones(count), "query": tf.constant(query), "title": tf.constant(title)}
    rows["click"] = tf.constant([float(q.split()[-1] in t) for q, t in zip(query, title, strict=True)])
    rows |= {"conversion": -tf.ones(count), "clicked": rows["click"], "weight": tf.ones(count)}
    rows["history_titles"] = tf.fill([count], "")
    bert = make_small_bert(folder / "bert", layers=1)
    tf.keras.utils.set_random_seed(options.seed)
    numbers = FeatureHead(
        np.tile(np.linspace(0.0, 1.0, 3), (len(CANDIDATE_FEATURES), 1)), width=4, dropout=0.0
    )
    numbers(tf.zeros([1, len(CANDIDATE_FEATURES)]))
    head = make_head(rows, Ensemble([numbers]), options, bert)
    learner = make_learner(head, rows, options, bert)
    train_text(head, rows, rows, options, str(folder), learner)
    return _told(folder, head.get_weights())


def _told(folder: pathlib.Path, weights: list[np.ndarray]) -> dict[str, list[float]]:
    written = folder / HISTORY_FILE
    curves = json.loads(written.read_text(encoding="utf-8")) if written.exists() else {}
    return {**curves, "weights": [float(np.abs(each).sum()) for each in weights]}


def main(out: pathlib.Path, parts: list[str]) -> None:
    """Writes what each training came to, and whether this process is the chief."""
    workers.strategy()
    trainings = {"two_tower": two_tower, "features_head": features_head, "text_head": text_head}
    found = {part: trainings[part](out / part) for part in parts}
    (out / "found.json").write_text(json.dumps({"chief": workers.is_chief(), **found}), encoding="utf-8")
    workers.wait()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2:])
