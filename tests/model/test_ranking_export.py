"""The exported head scores ranking examples as it scores each alone, though it reads each text once."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.options import RankingOptions
from aisle.model.ranking.export import Labels, RankingModule
from aisle.model.ranking.numbers import Ensemble, FeatureHead
from aisle.model.ranking.rows import numbers
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
    alone = head.numbers(numbers(rows)).numpy()
    read = np.abs(found - alone).max(1) > 1e-3
    assert read.tolist() == [True] * 3 + [reads_history] * 3
    nothing = {name: values[:0] for name, values in rows.items()}
    assert module.rows_logits(nothing).shape == [0, 2]


NAMES = [feature.name for feature in CANDIDATE_FEATURES]


def recommended(towers: list[float], questions: int, searched: float = 0.0) -> dict[str, tf.Tensor]:
    """Questions with one candidate for each of the two-tower's scores; that of the highest was taken."""
    count = questions * len(towers)
    rows = {name: tf.zeros(count) for name in NAMES}
    rows["two_tower"] = tf.constant(np.tile(towers, questions), tf.float32)
    rows["searched"] = tf.fill([count], searched)
    rows["query"] = tf.fill([count], "mug" if searched else "")
    users = np.repeat([f"user {number}" for number in range(questions)], len(towers))
    rows["history_titles"] = tf.constant(users)
    taken = np.tile(np.array(towers) == max(towers), questions)
    return rows | {"click": tf.constant(taken, tf.float32), "conversion": tf.constant(taken, tf.float32)}


def small_module(reads_history: bool = False) -> RankingModule:
    """Scores by a head that says the same of everything."""
    head = Ensemble([FeatureHead(np.tile([0.0, 1.0], [len(NAMES), 1]))])
    head(tf.zeros([1, len(NAMES)]))
    return RankingModule(head, None, RankingOptions(), Labels(False, True), reads_history)


def test_what_the_towers_foretell_is_added_to_recommendations_and_to_nothing_else() -> None:
    module, rows = small_module(), recommended([0.1, 0.5, 0.9], 60)
    module.weigh(rows)
    assert float(module.beside) > 0
    values = tf.stack([rows[name] for name in NAMES], 1)[:3]
    low, middle, high = module.score_numbers(tf.fill([3], ""), values).numpy()
    odds = np.log(np.array([low, middle, high]) / (1 - np.array([low, middle, high])))
    np.testing.assert_allclose(np.diff(odds), 0.4 * float(module.beside), rtol=1e-4)
    searched = recommended([0.5], 1, searched=1.0)
    values = tf.stack([searched[name] for name in NAMES], 1)
    before = module.score_numbers(searched["query"], values).numpy()
    module.beside.assign(100.0)
    np.testing.assert_array_equal(module.score_numbers(searched["query"], values), before)


@pytest.mark.parametrize(("questions", "reads_history"), [(20, False), (60, True)])
def test_few_questions_or_a_head_that_reads_titles_leave_the_towers_out(
    questions: int, reads_history: bool
) -> None:
    module = small_module(reads_history)
    module.weigh(recommended([0.1, 0.5, 0.9], questions))
    assert float(module.beside) == 0.0


def test_no_head_reads_the_towers_of_recommendations() -> None:
    read = numbers(recommended([0.1, 0.9], 1)).numpy()[:, NAMES.index("two_tower")]
    assert np.isnan(read).all()
    searched = numbers(recommended([0.1, 0.9], 1, searched=1.0)).numpy()[:, NAMES.index("two_tower")]
    np.testing.assert_allclose(searched, [0.1, 0.9])
