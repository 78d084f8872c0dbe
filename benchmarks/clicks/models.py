"""Click and conversion models on the same rows: logistic regression, LightGBM, our head by numbers and with BERT."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import numpy as np

from aisle.model.options import RankingOptions
from aisle.model.retrieval.features import CANDIDATE_FEATURES
from aisle.schema.features import WEIGHT
from benchmarks.clicks.pages import Floats, Pages, Searches


@dataclasses.dataclass(frozen=True)
class Predicted:
    """Probabilities of click (pCTR) and of click and purchase (pCTCVR), [n] each, of one set of pages."""

    click: Floats
    both: Floats


@dataclasses.dataclass(frozen=True)
class Predictions:
    """Of the pages that validate and of those that test."""

    valid: Predicted
    test: Predicted


def numbers(pages: Pages) -> Floats:
    """The candidates' numbers, [n, F]; NaN where unknown."""
    return np.stack([np.asarray(pages.rows[f.name], np.float64) for f in CANDIDATE_FEATURES], 1)


def weights(pages: Pages, clip: float) -> Floats:
    """Inverse propensities of what was clicked, clipped and of mean 1 over clicks; 1 for the rest: [n]."""
    inverse = np.minimum(pages.inverse, clip)
    clicked = pages.clicked > 0
    return np.where(clicked, inverse / inverse[clicked].mean(), 1.0)


def logistic_regression(searches: Searches, clip: float) -> Predictions:
    """Scikit-learn's, on standardised numbers."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def fit(values: Floats, labels: Floats, weight: Floats) -> Any:
        model = make_pipeline(
            SimpleImputer(add_indicator=True, keep_empty_features=True),
            StandardScaler(),
            LogisticRegression(C=0.1, max_iter=300),
        ).fit(values, labels, logisticregression__sample_weight=weight)
        return lambda given: model.predict_proba(given)[:, 1]

    return _two_models(searches, clip, fit)


def lightgbm(searches: Searches, clip: float) -> Predictions:
    """Boosted trees, stopped where the validation's loss, weighted as the training's, no longer falls."""
    import lightgbm as lgb

    options = {"objective": "binary", "learning_rate": 0.05, "min_data_in_leaf": 50, "verbose": -1, "seed": 1}

    def fit(values: Floats, labels: Floats, weight: Floats) -> Any:
        cut = len(labels) * 9 // 10
        model = lgb.train(
            options,
            lgb.Dataset(values[:cut], labels[:cut], weight=weight[:cut]),
            400,
            valid_sets=[lgb.Dataset(values[cut:], labels[cut:], weight=weight[cut:])],
            callbacks=[lgb.early_stopping(20, verbose=False)],
        )
        return model.predict

    return _two_models(searches, clip, fit)


def _two_models(searches: Searches, clip: float, fit: Any) -> Predictions:
    """A model of clicks and one of purchases, both of all that was shown."""
    train = searches.train
    values, weight = numbers(train), weights(train, clip)
    known = train.bought >= 0
    click = fit(values, train.clicked, weight)
    both = fit(values[known], train.bought[known], weight[known])
    given = (numbers(pages) for pages in (searches.valid, searches.test))
    return Predictions(*(Predicted(click(rows), both(rows)) for rows in given))


def heads(
    searches: Searches, clip: float, scratch: pathlib.Path, seed: int
) -> tuple[Predictions, Predictions]:
    """Our head as the Trainer trains it on these rows: by numbers alone, and with BERT reading the texts."""
    import tensorflow as tf

    from aisle.model.ranking.export import Labels, RankingModule
    from aisle.model.ranking.features_trainer import train_features
    from aisle.model.ranking.reading.making import make_head
    from aisle.model.ranking.reading.text_trainer import train_text
    from aisle.model.ranking.rows import numbers as row_numbers
    from aisle.schema.bert.weights import bert_folder

    train, valid = (
        {**pages.rows, WEIGHT.name: tf.constant(weights(pages, clip), tf.float32)}
        for pages in (searches.train, searches.valid)
    )
    options = RankingOptions(seed=seed)
    tf.keras.utils.set_random_seed(seed)
    features = train_features(train, valid, options, str(scratch / "numbers"))
    head = make_head(train, features, options, bert_folder())
    train_text(head, train, valid, options, str(scratch / "text"))
    module = RankingModule(features, head, options, Labels(search=True, conversion=True), False)

    def by_numbers(rows: dict[str, Any]) -> Any:
        return features(row_numbers(rows), training=False)

    with_text = tf.function(module.rows_logits, reduce_retracing=True)

    def predict(logits: Any) -> Predictions:
        return Predictions(*(_predicted(pages.rows, logits) for pages in (searches.valid, searches.test)))

    return predict(by_numbers), predict(with_text)


def _predicted(rows: dict[str, Any], logits: Any, batch: int = 256) -> Predicted:
    from aisle.model.ranking.numbers import probabilities

    found = []
    for start in range(0, len(rows["title"]), batch):
        part = {name: values[start : start + batch] for name, values in rows.items()}
        found.append([values.numpy() for values in probabilities(logits(part))])
    click, both = (np.concatenate(parts).astype(np.float64) for parts in zip(*found, strict=True))
    return Predicted(click, both)
