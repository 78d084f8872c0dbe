"""Masked language modelling, against shares counted and logits worked out apart from it."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.text.bert import Tokenizer, load_bert
from aisle.model.text.masked_language import MaskedLanguageModel, Masking
from aisle.schema.errors import InputError
from tests.model.small_bert import make_small_bert

START, END, MASK, RED, MUG, S = 2, 3, 4, 5, 7, 11
SPECIAL = [0, 1, 2, 3, 4]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_small_bert(tmp_path_factory.mktemp("bert"))


def masked(
    folder: str, ids: list[list[int]], share: float = 0.15, number: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    masking = Masking(Tokenizer(folder), share, seed=1)
    shown, guessed = masking(tf.constant(ids, tf.int32), tf.constant(number, tf.int64))
    return shown.numpy(), guessed.numpy()


def test_of_the_words_15_in_100_are_guessed_and_of_these_8_in_10_hidden_1_replaced_1_kept(
    folder: str,
) -> None:
    ids = [[START, *[RED] * 98, END]] * 400
    shown, guessed = masked(folder, ids)
    # Standard deviations: 0.0018 of 39,200 words, 0.005 of 5,880 guesses; three of them.
    assert guessed[:, 1:-1].mean() == pytest.approx(0.15, abs=0.0054)
    assert (shown[guessed] == MASK).mean() == pytest.approx(0.8, abs=0.016)
    # A replacement is the word itself in one of 12 cases.
    assert (shown[guessed] == RED).mean() == pytest.approx(0.1 + 0.1 / 12, abs=0.013)
    assert (shown[~guessed] == np.array(ids)[~guessed]).all()
    assert not set(np.unique(shown[guessed])) & {0, 1, 2, 3}
    assert set(np.unique(shown[guessed])) == {MASK, *range(5, 17)}


def test_special_pieces_and_what_pads_are_never_guessed(folder: str) -> None:
    shown, guessed = masked(folder, [[START, 1, RED, END, 0, 0]] * 200, share=0.99)
    assert not guessed[:, [0, 1, 3, 4, 5]].any()
    assert guessed[:, 2].mean() > 0.9
    assert (shown[:, [0, 1, 3, 4, 5]] == [START, 1, END, 0, 0]).all()


def test_a_word_is_guessed_with_all_its_pieces(folder: str) -> None:
    _, guessed = masked(folder, [[START, MUG, S, RED, S, S, END]] * 500, share=0.5)
    assert (guessed[:, 1] == guessed[:, 2]).all()
    assert (guessed[:, 3] == guessed[:, 4]).all() and (guessed[:, 4] == guessed[:, 5]).all()
    assert 0.3 < (guessed[:, 1] == guessed[:, 3]).mean() < 0.7


def test_the_same_number_masks_the_same_and_another_does_not(folder: str) -> None:
    ids = [[START, *[RED] * 30, END]] * 4
    one, again, other = (masked(folder, ids, number=number)[1] for number in (7, 7, 8))
    assert (one == again).all()
    assert (one != other).any()


def test_the_head_starts_as_the_tied_embeddings_and_the_words_frequencies(folder: str) -> None:
    bert = load_bert(folder)
    counts = np.arange(17)
    model = MaskedLanguageModel(bert, counts)
    inputs = {
        "input_ids": tf.constant([[START, RED, MUG, END]]),
        "token_type_ids": tf.zeros([1, 4], tf.int32),
        "attention_mask": tf.ones([1, 4], tf.int32),
    }
    logits = model(inputs, tf.constant([[0, 2]], tf.int64)).numpy()[0]
    x = bert(**inputs).last_hidden_state.numpy()[0, 2].astype(np.float64)
    from scipy.special import erf

    x = x * (1 + erf(x / np.sqrt(2))) / 2
    x = (x - x.mean()) / np.sqrt(x.var() + bert.config.layer_norm_eps)
    table = bert.bert.embeddings.weight.numpy()
    np.testing.assert_allclose(logits, table @ x + np.log((counts + 1) / (counts + 1).sum()), atol=1e-4)


def test_the_loss_is_that_of_the_guessed_pieces_alone(folder: str) -> None:
    model, tokenizer = MaskedLanguageModel(load_bert(folder), np.zeros(17)), Tokenizer(folder)
    masking, number = Masking(tokenizer, 0.5, seed=1), tf.constant(3, tf.int64)
    inputs = tokenizer.inputs(tokenizer.pieces(tf.constant(["red mug", "blue mini fridge lamp"]), 10))
    shown, guessed = masking(inputs["input_ids"], number)
    places = np.argwhere(guessed.numpy())
    assert len(places)
    logits = model({**inputs, "input_ids": shown}, tf.constant(places)).numpy()
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    right = inputs["input_ids"].numpy()[tuple(places.T)]
    expected = -np.log(chances[np.arange(len(right)), right])
    np.testing.assert_allclose(model.losses_of(inputs, masking, number).numpy(), expected, rtol=1e-4)


def test_a_vocabulary_without_a_mask_is_refused(tmp_path: pathlib.Path) -> None:
    folder = pathlib.Path(make_small_bert(tmp_path / "bert"))
    vocabulary = (folder / "vocab.txt").read_text(encoding="utf-8").replace("[MASK]", "kettle")
    (folder / "vocab.txt").write_text(vocabulary, encoding="utf-8")
    with pytest.raises(InputError, match=r"lacks \[MASK\]"):
        Masking(Tokenizer(str(folder)), 0.15, seed=1)
