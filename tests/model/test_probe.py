"""Whether titles tell anything is found out without training a BERT."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.options import RankingOptions
from aisle.model.ranking.reading.probe import titles_tell
from aisle.model.ranking.reading.text_head import RankingHead
from aisle.model.retrieval.features import CANDIDATE_FEATURES
from tests.model.test_text_head import make_head

OPTIONS = RankingOptions(text_gain=0.02)
TITLES = ["red mug", "blue lamp", "mini fridge", "green sock"]


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> RankingHead:
    return make_head(tmp_path_factory.mktemp("probe"), clicked=True)


def recommended(seed: int, told: bool, queries: bool = False) -> dict[str, tf.Tensor]:
    """Recommendations that are bought where the title is the history's, or by the toss of a coin."""
    rng = np.random.default_rng(seed)
    history, title = rng.choice(TITLES, 400), rng.choice(TITLES, 400)
    bought = (history == title) if told else rng.random(400) < 0.25
    rows = {feature.name: tf.zeros(400) for feature in CANDIDATE_FEATURES}
    rows |= {"history_titles": tf.constant(history), "title": tf.constant(title)}
    rows |= {"query": tf.fill([400], "mug" if queries else ""), "click": tf.fill([400], -1.0)}
    return rows | {"conversion": tf.constant(bought, tf.float32), "clicked": tf.fill([400], -1.0)}


def test_titles_that_say_what_is_bought_are_worth_training_on(head: RankingHead) -> None:
    assert titles_tell(head, recommended(1, True), recommended(2, True), OPTIONS)


def test_titles_that_say_nothing_are_not(head: RankingHead, capsys: pytest.CaptureFixture[str]) -> None:
    assert not titles_tell(head, recommended(1, False), recommended(2, False), OPTIONS)
    assert "they are not worth training on" in capsys.readouterr().out


def test_without_recommendations_there_is_nothing_to_find_out(head: RankingHead) -> None:
    assert not titles_tell(head, recommended(1, True, queries=True), recommended(2, True), OPTIONS)
    assert not titles_tell(head, recommended(1, True), recommended(2, True, queries=True), OPTIONS)
