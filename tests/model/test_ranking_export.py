"""The exported head scores ranking examples as it scores each alone, though it reads each text once."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.options import RankingOptions
from aisle.model.ranking.export import Labels, RankingModule
from aisle.model.retrieval.features import CANDIDATE_FEATURES
from tests.model.test_text_head import make_head


@pytest.mark.parametrize("reads_history", [False, True])
def test_rows_that_share_texts_score_as_each_alone(reads_history: bool, tmp_path: pathlib.Path) -> None:
    head = make_head(tmp_path / "bert", clicked=True)
    rng = np.random.default_rng(7)
    head.numbers(tf.zeros([1, len(CANDIDATE_FEATURES)]))
    for weight in [head.weight, head.bias, *head.numbers.variables]:
        weight.assign(rng.normal(size=weight.shape).astype(np.float32))
    module = RankingModule(
        head.numbers, head, RankingOptions(word_width=8), Labels(True, True), reads_history
    )
    rows = {feature.name: tf.constant(rng.random(6), tf.float32) for feature in CANDIDATE_FEATURES}
    # The same query of two titles, the same title of two queries, and histories without a query.
    rows["query"] = tf.constant(["mug", "mug", "lamp", "", "", ""])
    rows["history_titles"] = tf.constant(["", "", "", "red mug", "red mug", "blue lamp"])
    rows["title"] = tf.constant(["red mug", "blue lamp", "red mug", "red mug", "mini fridge", "mini fridge"])
    rows["searched"] = tf.constant([1.0, 1, 1, 0, 0, 0])
    found = module.rows_logits(rows).numpy()
    for row in range(6):
        alone = module.rows_logits({name: values[row : row + 1] for name, values in rows.items()}).numpy()
        np.testing.assert_allclose(found[row], alone[0], rtol=1e-4, atol=1e-5)
    numbers = head.numbers(tf.stack([rows[feature.name] for feature in CANDIDATE_FEATURES], 1)).numpy()
    read = np.abs(found - numbers).max(1) > 1e-3
    assert read.tolist() == [True] * 3 + [reads_history] * 3
    nothing = {name: values[:0] for name, values in rows.items()}
    assert module.rows_logits(nothing).shape == [0, 2]
