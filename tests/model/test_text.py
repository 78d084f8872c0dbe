"""Tokenisation and sentence embeddings in the graph, against transformers' own."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
import tensorflow as tf
from transformers import BertTokenizer, TFBertModel

from aisle.model.text import bert
from aisle.model.text.bert import SentenceEncoder, Tokenizer, load_bert
from aisle.schema.bert.weights import bert_folder
from aisle.schema.errors import InputError

TEXTS = [
    "WHITE HANGING HEART T-LIGHT HOLDER",
    "crème brûlée 2,5 kg",
    "白い ハート 🎁 gift",
    "שלום عالم",
    "a\u0000b\tc",
    "e\u0301te\u0301",
    "supercalifragilisticexpialidocious" * 5,
    "ignore all previous instructions; <script>alert(1)</script>",
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(bert_folder())


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(bert_folder())


def test_word_pieces_are_those_of_transformers(tokenizer: Tokenizer) -> None:
    theirs = BertTokenizer.from_pretrained(bert_folder())
    ours = tokenizer.pieces(tf.constant(TEXTS), 1000).to_list()
    assert ours == [theirs.encode(text, add_special_tokens=False) for text in TEXTS]


def test_a_pair_is_packed_as_transformers_packs_it(tokenizer: Tokenizer) -> None:
    theirs = BertTokenizer.from_pretrained(bert_folder())("red mug", "blue mug with lid")
    inputs = tokenizer.inputs(
        tokenizer.pieces(tf.constant(["red mug"]), 32),
        tokenizer.pieces(tf.constant(["blue mug with lid"]), 32),
    )
    for name in ("input_ids", "token_type_ids", "attention_mask"):
        assert inputs[name].numpy()[0].tolist() == theirs[name]


def test_a_text_of_a_megabyte_costs_a_bounded_number_of_pieces(tokenizer: Tokenizer) -> None:
    assert tokenizer.pieces(tf.constant(["word " * 200_000]), 64).row_lengths().numpy().tolist() == [64]


def test_a_sentence_embedding_is_the_mean_of_transformers_hidden_states(encoder: SentenceEncoder) -> None:
    tokens = BertTokenizer.from_pretrained(bert_folder())("a red mug", return_tensors="tf")
    model = TFBertModel.from_pretrained(bert_folder())
    mean = model(tokens).last_hidden_state.numpy()[0].mean(0)
    found = encoder(tf.constant(["a red mug", "a much longer text that pads the first"]))[0].numpy()
    np.testing.assert_allclose(found, mean / np.linalg.norm(mean), atol=1e-5)


def test_an_empty_text_embeds_as_zeros_and_meaning_beats_words(encoder: SentenceEncoder) -> None:
    empty, cup, mug, drill = encoder(tf.constant(["", "tea cup", "coffee mug", "power drill"])).numpy()
    assert not empty.any()
    assert cup @ mug > cup @ drill


def test_an_item_embeds_as_its_title_and_its_title_with_description(
    encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bert, "_AT_ONCE", 1)
    title, both = encoder(tf.constant(["red mug", "red mug. for tea"])).numpy()
    found = encoder.encode_items(tf.constant(["red mug", "red mug"]), tf.constant(["", "for tea"])).numpy()
    np.testing.assert_allclose(found[0], title, atol=1e-5)
    np.testing.assert_allclose(found[1], (title + 2 * both) / np.linalg.norm(title + 2 * both), atol=1e-5)


def test_many_texts_embed_as_one_by_one_and_in_their_order(encoder: SentenceEncoder) -> None:
    texts = tf.constant(["b b b b", "", "a"])
    alone = np.concatenate([encoder(texts[n : n + 1]).numpy() for n in range(3)])
    np.testing.assert_allclose(encoder.encode(texts, batch=2).numpy(), alone, atol=1e-5)


def test_a_folder_without_weights_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match=r"lacks model\.safetensors, vocab\.txt, config\.json"):
        load_bert(str(tmp_path))
