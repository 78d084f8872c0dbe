"""A logit split up, against parts worked by hand."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.ranking.explanation import explain, head_parts
from aisle.model.retrieval.features import CANDIDATE_FEATURES
from aisle.model.text.bert import Tokenizer
from aisle.model.text.words import Words
from tests.model.small_bert import make_small_bert
from tests.model.test_text_head import make_head

NAMES = [feature.name for feature in CANDIDATE_FEATURES]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return Tokenizer(make_small_bert(tmp_path_factory.mktemp("bert")))


def test_word_pieces_are_spelled_as_words(tokenizer: Tokenizer) -> None:
    spelled = Words(tokenizer).spell(tokenizer.pieces(tf.constant(["blue mugs", "", "lamp red fridges"]), 4))
    assert spelled.words.numpy().tolist() == [
        [b"blue", b"mugs", b""],
        [b"", b"", b""],
        [b"lamp", b"red", b"fridges"],
    ]
    assert spelled.of_piece.numpy().tolist() == [[0, 1, 1, 0], [0, 0, 0, 0], [0, 1, 2, 2]]
    assert spelled.piece_words.numpy()[0].tolist() == [b"blue", b"mugs", b"mugs", b""]


def test_texts_without_a_word_are_spelled(tokenizer: Tokenizer) -> None:
    spelled = Words(tokenizer).spell(tokenizer.pieces(tf.constant(["", " "]), 4))
    assert spelled.words.shape == (2, 0)
    assert spelled.of_piece.shape == spelled.piece_words.shape == (2, 0)


def test_every_word_brings_its_share_of_its_parts(tmp_path: pathlib.Path, tokenizer: Tokenizer) -> None:
    head = make_head(tmp_path, clicked=False)
    words = Words(tokenizer)
    query = words.spell(tokenizer.pieces(tf.constant(["red mugs"]), 9))
    title = words.spell(tokenizer.pieces(tf.constant(["lamp fridges", ""]), 9))
    # The whole, then each piece, along the axes; `fridge` and `##s` are alike to `red` by 0.6 and 0.8.
    axes = np.eye(8, dtype=np.float32)
    asked = tf.constant(np.stack([axes[0], axes[1], axes[2], axes[3]])[None])
    found = np.zeros([1, 2, 4, 8], np.float32)
    found[0, 0] = [axes[0], axes[3], 0.6 * axes[1] + 0.8 * axes[4], 0.8 * axes[1] + 0.6 * axes[2]]
    features = np.zeros([1, 2, len(NAMES)], np.float32)
    features[:, :, NAMES.index("searched")] = 1.0
    features[0, :, NAMES.index("dense_near")], features[0, 0, NAMES.index("lexical_share")] = (0.5, 0.25), 1.0
    read = (asked, tf.constant([4]), tf.constant(found), tf.constant([[4, 0]]))
    why = {name: value.numpy() for name, value in explain(head, query, title, read, features).items()}
    best = np.array([0.8, 0.6, 1.0])
    share = np.exp(-10 * best) / np.exp(-10 * best).sum()
    parts = dict(zip(head_parts(head), why["contributions"][0, 0], strict=True))
    weights = {
        "whole": 7.0,
        "words": 3.0,
        "weakest": 7.0,
        "dense_near": 10.0 * 0.5,
        "lexical_share": 0.7,
        "bias": 0.0,
    }
    weights["words"] *= best.mean()
    weights["weakest"] *= share @ best
    assert parts == pytest.approx(weights, rel=1e-5)
    by_piece = 3.0 * best / 3 + 7.0 * share * best
    assert why["words"].tolist() == [[b"red", b"mugs"]]
    np.testing.assert_allclose(
        why["word_contributions"][0, 0], [by_piece[0], by_piece[1] + by_piece[2]], rtol=1e-5
    )
    # `mugs` meets what its `##s` is most like, an equal.
    assert why["matched_words"].tolist() == [[[b"fridges", b"lamp"], [b"", b""]]]
    np.testing.assert_allclose(why["contributions"].sum(-1), why["scores"], rtol=1e-5)
    assert why["word_contributions"][0, 1].tolist() == [0.0, 0.0]
