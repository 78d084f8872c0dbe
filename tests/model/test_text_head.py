"""The head that reads: its loss by hand, what it starts from, and that it learns."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from aisle.model import train_ranking as ranking_trainer
from aisle.model.options import RankingOptions
from aisle.model.ranking.numbers import Ensemble, FeatureHead, ranking_loss
from aisle.model.ranking.reading.candidate_lists import drawn_lists, whole_lists
from aisle.model.ranking.reading.late_interaction import LateInteraction
from aisle.model.ranking.reading.list_losses import contrast, list_losses
from aisle.model.ranking.reading.text_head import EVIDENCE, RankingHead, evidence_of
from aisle.model.ranking.reading.text_trainer import losses_of_both_parts, train_text
from aisle.model.ranking.rows import read_by_heads
from aisle.model.retrieval.features import CANDIDATE_FEATURES
from aisle.model.text.bert import Tokenizer, load_bert
from tests.model.small_bert import make_small_bert

COUNT = len(CANDIDATE_FEATURES)
NAMES = [feature.name for feature in CANDIDATE_FEATURES]


def make_head(
    folder: pathlib.Path,
    clicked: bool,
    layers: int = 1,
    make: Callable[[pathlib.Path, int], str] = make_small_bert,
    **given: float,
) -> RankingHead:
    bert = make(folder, layers)
    edges = np.tile(np.linspace(0.0, 1.0, 3), (COUNT, 1))
    reader = LateInteraction(load_bert(bert), Tokenizer(bert), width=8)
    return RankingHead(reader, Ensemble([FeatureHead(edges, width=4)]), clicked, **given)


def judged(queries: list[str], titles: list[str], click: list[float]) -> dict[str, tf.Tensor]:
    rows = {feature.name: tf.zeros(len(queries)) for feature in CANDIDATE_FEATURES}
    rows |= {"searched": tf.ones(len(queries)), "history_titles": tf.fill([len(queries)], "")}
    rows |= {"query": tf.constant(queries), "title": tf.constant(titles)}
    return (
        rows
        | {"click": tf.constant(click), "conversion": tf.fill([len(queries)], -1.0)}
        | {
            "clicked": tf.fill([len(queries)], -1.0),
            "weight": tf.ones(len(queries)),
        }
    )


def test_a_judged_list_costs_the_cross_entropy_of_its_gains_share() -> None:
    labels = {
        "outcome": tf.constant([[[1.0, -1.0, 1.0], [2 / 3, -1.0, 1.0], [0.0, -1.0, 1.0]]]),
        "there": tf.constant([[True, True, False]]),
        "judged": tf.constant([True]),
    }
    logits = tf.constant([[[np.log(3.0), 0.0], [0.0, 0.0], [99.0, 0.0]]], tf.float32)
    # Gains 7 and 3, shares of the softmax 3/4 and 1/4; what is padding counts for nothing.
    expected = -(0.7 * np.log(0.75) + 0.3 * np.log(0.25))
    assert float(list_losses(labels, logits)[0]) == pytest.approx(expected, rel=1e-5)


def test_a_clicked_list_costs_the_mean_entropy_of_what_is_known() -> None:
    labels = {
        "outcome": tf.constant([[[1.0, -1.0, 1.0], [0.0, -1.0, 1.0], [1.0, 1.0, 1.0]]]),
        "there": tf.constant([[True, True, False]]),
        "judged": tf.constant([False]),
    }
    assert float(list_losses(labels, tf.zeros([1, 3, 2]))[0]) == pytest.approx(np.log(2.0), rel=1e-5)


def test_other_lists_candidates_are_negatives_of_a_judged_one() -> None:
    labels = {
        "outcome": tf.constant([[[1.0, -1.0, 1.0], [0.0, -1.0, 1.0]], [[1.0, -1.0, 1.0], [1.0, -1.0, 1.0]]]),
        "there": tf.constant([[True, True], [True, False]]),
        "judged": tf.constant([True, True]),
    }
    # Three titles are there: the first list's two and the second's one.
    logits = tf.constant([[0.0, 0.0, np.log(2.0), 99.0], [0.0, 0.0, np.log(2.0), 99.0]], tf.float32)
    np.testing.assert_allclose(contrast(labels, logits), [-np.log(0.25), -np.log(0.5)], rtol=1e-5)


def test_the_evidence_is_the_similarities_and_the_numbers_by_name() -> None:
    features = np.zeros([1, 1, COUNT], np.float32)
    features[0, 0, NAMES.index("dense_near")], features[0, 0, NAMES.index("lexical_share")] = 0.4, 0.9
    found = evidence_of(tf.constant([[[0.1, 0.2, 0.3]]]), tf.constant(features)).numpy()
    np.testing.assert_allclose(found, [[[0.1, 0.2, 0.3, 0.4, 0.9]]])
    assert EVIDENCE == ("whole", "words", "weakest", "dense_near", "lexical_share")


def test_judged_searches_start_by_evidence_and_clicked_ones_by_numbers(tmp_path: pathlib.Path) -> None:
    rows = judged(["mug", "mug"], ["mug", "lamp"], [1.0, 0.0])
    features = tf.stack([rows[name] for name in NAMES], 1)[None]
    for clicked in (False, True):
        head = make_head(tmp_path / str(clicked), clicked)
        pieces = head.reader.tokenizer.pieces
        inputs = {
            "query": pieces(rows["query"][:1], 4),
            "title": pieces(rows["title"], 4),
            "features": features,
        }
        logits, numbers = head(inputs)[0].numpy(), head.numbers(features[0]).numpy()
        if clicked:
            np.testing.assert_allclose(logits, numbers, atol=1e-6)
        else:
            assert logits[0, 0] > logits[1, 0]
            assert np.abs(logits[:, 1]).max() == 0.0


def test_a_judged_list_has_something_to_tell_apart_and_draws_every_good_candidate() -> None:
    question = np.array([0] * 14 + [1] * 5)
    judged_by = question == 0
    outcome = np.array([1.0] * 12 + [0.0] * 2 + [0.0] * 5)
    lists = drawn_lists(question, judged_by, outcome, 8, 1, np.random.default_rng(0))
    assert sorted(lists.judged.tolist()) == [False, True, True, True]
    drawn = [row[row >= 0] for row, of_people in zip(lists.rows, lists.judged, strict=True) if of_people]
    assert sorted(row for rows in drawn for row in rows if row < 12) == list(range(12))
    assert all({12, 13} <= set(rows) for rows in drawn)
    (other,) = lists.rows[~lists.judged]
    assert sorted(other[other >= 0]) == [14, 15, 16, 17, 18]


def test_a_judged_question_is_validated_whole_and_others_in_pieces() -> None:
    lists = whole_lists(np.array([5, 7, 5, 7, 5]), np.array([True, False, True, False, True]), 1)
    assert lists.rows.tolist() == [[0, 2, 4], [1, -1, -1], [3, -1, -1]]
    assert lists.judged.tolist() == [True, False, False]


def test_training_puts_right_what_the_start_gets_wrong(tmp_path: pathlib.Path) -> None:
    # Whoever looks for a mug wants what is least like one; the weights that the head starts with say otherwise.
    titles = ["lamp", "mug", "red lamp", "red mug"] * 2
    rows = judged(["mug"] * 8, titles, [1.0, 0.0] * 4)
    head = make_head(tmp_path / "bert", clicked=False, learning_rate=1.0)
    before = head.reader.bert.get_weights()
    options = RankingOptions(epochs=40, lists=1, list_size=8, learning_rate=1e-2, patience=40, learnt=1.0)
    train_text(head, rows, rows, options, str(tmp_path / "run"))
    pieces = head.reader.tokenizer.pieces
    inputs = {
        "query": pieces(tf.constant(["mug"]), 4),
        "title": pieces(tf.constant(titles), 4),
        "features": tf.stack([rows[name] for name in NAMES], 1)[None],
    }
    scores = head(inputs)[0, :, 0].numpy()
    assert scores[0::2].min() > scores[1::2].max()
    changed = [bool((a != b).any()) for a, b in zip(before, head.reader.bert.get_weights(), strict=True)]
    assert any(changed)


def first_gradients(head: RankingHead, push: float) -> float:
    """How far the loss of one list rises where the embeddings are pushed along its gradient."""
    rows = judged(["mug"] * 2, ["mug", "lamp"], [0.0, 1.0])
    pieces = head.reader.tokenizer.pieces
    inputs = {
        "query": pieces(rows["query"][:1], 4),
        "title": pieces(rows["title"], 4),
        "features": tf.stack([rows[name] for name in NAMES], 1)[None],
    }
    labels = {
        "outcome": tf.constant([[[0.0, -1.0, 1.0], [1.0, -1.0, 1.0]]]),
        "there": tf.constant([[True, True]]),
        "judged": tf.constant([True]),
    }
    none = tuple(head.reader.no_offset(inputs[name]) for name in ("query", "title"))
    loss, _, toward = head._gradients(inputs, labels, none)
    worst = tuple(push * tf.math.l2_normalize(part, [1, 2]) for part in toward)
    return float(head._gradients(inputs, labels, worst)[0] - loss)


def test_the_worst_push_of_the_embeddings_raises_the_loss(tmp_path: pathlib.Path) -> None:
    head = make_head(tmp_path / "bert", clicked=False)
    head.reader.bert.bert.config.hidden_dropout_prob = 0.0
    for layer in head.reader.bert.submodules:
        if isinstance(layer, tf.keras.layers.Dropout):
            layer.rate = 0.0
    assert first_gradients(head, 0.0) == pytest.approx(0.0, abs=1e-5)
    assert first_gradients(head, 0.05) > 1e-4


def test_dropout_is_that_of_the_options_in_both_parts(tmp_path: pathlib.Path) -> None:
    rows = judged(["red mug"] * 20, ["red mug", "lamp"] * 10, [1.0, 0.0] * 10)
    options = RankingOptions(dropout=0.3, members=1, feature_epochs=1, word_width=8)
    features = ranking_trainer.train_features(rows, rows, options, str(tmp_path / "run"))
    head = ranking_trainer.make_head(rows, features, options, make_small_bert(tmp_path / "bert"))
    rates = [part.rate for part in head.submodules if isinstance(part, tf.keras.layers.Dropout)]
    # Two of the numbers' head; of each of BERT's two layers three, and one of its embeddings.
    assert rates == [0.3] * 9


class Ends(NamedTuple):
    """The weights of a head before and after a training, and the squares of how far those of the BERT moved."""

    before: list[np.ndarray]
    after: list[np.ndarray]
    moved: float


def before_and_after(folder: pathlib.Path, learnt: float, anchor: float = 0.0) -> Ends:
    """Of a training of two epochs on judgements that begins as every other."""
    rows = judged(["mug"] * 8, ["lamp", "mug", "red lamp", "red mug"] * 2, [1.0, 0.0] * 4)
    tf.keras.utils.set_random_seed(1)
    head = make_head(folder / "bert", clicked=False, anchor=anchor)
    head.numbers(tf.zeros([1, COUNT]))
    before, read = head.get_weights(), head.reader.bert.get_weights()
    options = RankingOptions(epochs=2, lists=1, list_size=8, learning_rate=1e-3, patience=4, learnt=learnt)
    train_text(head, rows, rows, options, str(folder / "run"))
    steps = zip(read, head.reader.bert.get_weights(), strict=True)
    return Ends(before, head.get_weights(), sum(float(np.square(a - b).sum()) for a, b in steps))


@pytest.fixture(scope="module")
def wholly_learnt(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    return before_and_after(tmp_path_factory.mktemp("whole"), learnt=1.0)


def test_an_anchor_keeps_the_bert_nearer_to_what_it_was(tmp_path: pathlib.Path, wholly_learnt: Ends) -> None:
    anchored = before_and_after(tmp_path, learnt=1.0, anchor=100.0)
    assert 0.0 < anchored.moved < 0.9 * wholly_learnt.moved


def test_a_head_of_judgements_goes_half_the_way_that_training_led(
    tmp_path: pathlib.Path, wholly_learnt: Ends
) -> None:
    start, half_way, _ = before_and_after(tmp_path, learnt=0.5)
    moved = 0.0
    for none, half, whole in zip(start, half_way, wholly_learnt.after, strict=True):
        np.testing.assert_allclose(half, (none + whole) / 2, atol=1e-5)
        moved += float(np.abs(whole - none).sum())
    assert moved > 0


def test_both_losses_are_means_over_candidates_however_long_their_lists_are(tmp_path: pathlib.Path) -> None:
    head = make_head(tmp_path / "bert", clicked=True)
    # A list of four, of one, and of two; none is a search.
    rows = judged([""] * 7, ["mug", "lamp", "red mug", "fridge", "mug", "mug", "lamp"], [-1.0] * 7)
    rows |= {"searched": tf.zeros(7), "conversion": tf.constant([1.0, 0, 0, 0, 1, 0, 1])}
    rows |= {"history_titles": tf.constant(["lamp"] * 4 + ["mug"] + ["fridge"] * 2)}
    outcome = tf.stack([rows["click"], rows["conversion"], rows["weight"]], 1)
    logits = head.numbers(read_by_heads(tf.stack([rows[name] for name in NAMES], 1)))
    expected = float(tf.reduce_mean(ranking_loss(outcome, logits)))
    found = losses_of_both_parts(head, rows, RankingOptions(lists=2, list_size=8))
    # The text starts at nothing, so that both are the same.
    assert found == pytest.approx((expected, expected), rel=1e-5)
