"""SentencePiece beside WordPiece: the same tokenizer, by the files of the folder."""

from __future__ import annotations

import base64
import json
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf
import tokenizers
from tokenizers import models, pre_tokenizers
from transformers import XLMRobertaTokenizer

from aisle.model.ranking.reading.late_interaction import LateInteraction
from aisle.model.text.bert import SentenceEncoder, Tokenizer, load_bert
from aisle.model.text.masked_language import Masking
from aisle.model.text.pretraining_trainer import _kept
from aisle.model.text.words import Words
from aisle.schema.bert import sentence_piece_model as sp
from aisle.schema.bert.files import check_bert
from aisle.schema.errors import InputError
from tests.model.small_bert import SENTENCE_PIECES, make_small_sentence_bert

TEXTS = ["red mugs", "红色马克杯大号", "blue 杯 x", "", "  mini  lamp ", "белый чай", "red <s> mug</s>"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_small_sentence_bert(tmp_path_factory.mktemp("sentence") / "bert")


@pytest.fixture(scope="module")
def tokenizer(folder: str) -> Tokenizer:
    return Tokenizer(folder)


def names(tokenizer: Tokenizer, text: str) -> list[str]:
    (ids,) = tokenizer.pieces(tf.constant([text]), 100).to_list()
    return [tokenizer.vocabulary[one] for one in ids]


def test_the_pieces_are_those_of_another_implementation(folder: str, tokenizer: Tokenizer) -> None:
    model = sp.read_sentence_pieces(folder)
    other = tokenizers.Tokenizer(models.Unigram([(p.piece, p.score) for p in model.pieces], unk_id=3))
    other.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    texts = [
        text for text in TEXTS if "<" not in text
    ]  # The other cuts out what is typed like a special piece.
    ours = tokenizer.pieces(tf.constant(texts), 100).to_list()
    assert ours == [other.encode(text, add_special_tokens=False).ids for text in texts]


def test_a_special_piece_that_is_typed_is_no_special_piece(tokenizer: Tokenizer) -> None:
    assert names(tokenizer, "red <s> mug</s>") == [
        "▁red",
        "▁",
        "<unk>",
        "s",
        "<unk>",
        "▁mug",
        "<unk>",
        "s",
        "<unk>",
    ]


def test_texts_are_still_cut_after_a_new_seed(folder: str) -> None:
    read = Tokenizer(folder)
    cut = tf.function(lambda text: read.pieces(text, 9), input_signature=[tf.TensorSpec([None], tf.string)])
    before = cut(tf.constant(["red mugs"])).to_list()
    tf.keras.utils.set_random_seed(1)  # Empties the eager context's caches.
    assert (
        cut(tf.constant(["red mugs"])).to_list()
        == read.pieces(tf.constant(["red mugs"]), 9).to_list()
        == before
    )


def test_case_is_folded_where_the_folder_says_so(
    folder: str, tokenizer: Tokenizer, tmp_path: pathlib.Path
) -> None:
    assert names(tokenizer, "RED Mug") == ["▁red", "▁mug"]
    cased = shutil.copytree(folder, tmp_path / "cased")
    (cased / "reading.json").unlink()
    assert names(Tokenizer(str(cased)), "RED mug") == ["▁", "<unk>", "▁mug"]


def test_inputs_have_xlm_rs_special_pieces_and_the_prompt(tokenizer: Tokenizer) -> None:
    one, other = (tokenizer.pieces(tf.constant(texts), 9) for texts in (["red mug", "杯"], ["blue", "blue"]))
    red, mug, blue, query, colon = (
        tokenizer.vocabulary.index(p) for p in ("▁red", "▁mug", "▁blue", "▁query", ":")
    )
    space, cup = tokenizer.vocabulary.index("▁"), tokenizer.vocabulary.index("杯")
    alone = {name: value.numpy().tolist() for name, value in tokenizer.inputs(one, prompt="query: ").items()}
    assert alone["input_ids"] == [[0, query, colon, red, mug, 2], [0, query, colon, space, cup, 2]]
    pair = {name: value.numpy().tolist() for name, value in tokenizer.inputs(one[:1], other[:1]).items()}
    assert pair["input_ids"] == [[0, red, mug, 2, 2, blue, 2]]
    assert pair["token_type_ids"] == [[0] * 7]
    # Padded by `<pad>`, and the padding masked.
    padded = tokenizer.inputs(tokenizer.pieces(tf.constant(["red mug", "red"]), 9))
    assert padded["input_ids"].numpy().tolist() == [[0, red, mug, 2], [0, red, 2, 1]]
    assert padded["attention_mask"].numpy().tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]


def test_what_stands_before_a_text_is_cut_as_within_it(tokenizer: Tokenizer) -> None:
    text = "red mugs 红色"
    whole = tokenizer.inputs(tokenizer.pieces(tf.constant([f"query: {text}"]), 99))["input_ids"]
    parts = tokenizer.inputs(tokenizer.pieces(tf.constant([text]), 99), prompt="query: ")["input_ids"]
    assert whole.numpy().tolist() == parts.numpy().tolist()


def test_pieces_are_spelled_as_words_and_each_is_one_where_words_are_not_parted(tokenizer: Tokenizer) -> None:
    texts = tf.constant(["blue mugs", "", "红色马克杯 lamp"])
    spelled = Words(tokenizer).spell(tokenizer.pieces(texts, 9))
    assert [[word.decode() for word in row if word] for row in spelled.words.numpy()] == [
        ["blue", "mugs"],
        [],
        ["红色", "马克杯", "lamp"],
    ]
    # The lone `▁` before 红色 is a part of it.
    assert spelled.of_piece.numpy()[2].tolist() == [0, 0, 1, 2]


def test_a_queries_and_an_items_prompt_differ_and_an_empty_text_is_zeros(folder: str) -> None:
    encoder = SentenceEncoder(folder)
    texts = tf.constant(["red mug", ""])
    asked, item = encoder.encode(texts).numpy(), encoder.encode_items(texts, tf.constant(["", ""])).numpy()
    np.testing.assert_allclose(asked, encoder(texts).numpy(), atol=1e-6)
    assert not asked[1].any() and not item[1].any()
    tokens = encoder.tokenizer.inputs(encoder.tokenizer.pieces(tf.constant(["passage: red mug"]), 99))
    mean = encoder.bert(**tokens).last_hidden_state.numpy()[0].mean(0)
    np.testing.assert_allclose(item[0], mean / np.linalg.norm(mean), atol=1e-6)
    assert np.abs(asked[0] - item[0]).max() > 1e-3


def test_the_first_piece_is_pooled_where_the_folder_says_so(folder: str, tmp_path: pathlib.Path) -> None:
    first = shutil.copytree(folder, tmp_path / "first")
    (first / "reading.json").write_text('{"pooling": "first"}', encoding="utf-8")
    encoder = SentenceEncoder(str(first))
    tokens = encoder.tokenizer.inputs(encoder.tokenizer.pieces(tf.constant(["red mug"]), 9))
    hidden = encoder.bert(**tokens).last_hidden_state.numpy()[0, 0]
    np.testing.assert_allclose(
        encoder(tf.constant(["red mug"]))[0], hidden / np.linalg.norm(hidden), atol=1e-6
    )


def test_words_are_compared_behind_the_prompt_and_without_it(folder: str, tokenizer: Tokenizer) -> None:
    reader = LateInteraction(load_bert(folder), tokenizer, width=16)
    vectors, count = reader(tokenizer.pieces(tf.constant(["red mugs", ""]), 9))
    hidden = reader.bert(
        **tokenizer.inputs(tokenizer.pieces(tf.constant(["query: red mugs"]), 9))
    ).last_hidden_state
    expected = np.concatenate([hidden.numpy()[0].mean(0, keepdims=True), hidden.numpy()[0, 3:6]])
    assert count.numpy().tolist() == [4, 0]
    np.testing.assert_allclose(
        vectors[0], expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-5
    )
    assert not vectors.numpy()[1].any()
    pieces = tokenizer.pieces(tf.constant(["red mugs", "mug"]), 9)
    moved, _ = reader(pieces, offset=reader.no_offset(pieces))
    np.testing.assert_allclose(moved, reader(pieces)[0], atol=1e-6)


def test_a_hidden_word_is_hidden_with_all_its_pieces(tokenizer: Tokenizer) -> None:
    ids = tokenizer.inputs(tokenizer.pieces(tf.constant(["mugs 红色马克杯 red"] * 60), 9))["input_ids"]
    shown, guessed = Masking(tokenizer, 0.5, seed=1)(ids, tf.constant(0, tf.int64))
    chosen = guessed.numpy()
    # `<s> ▁mug s ▁ 红色 马克杯 ▁red </s>`: of two pieces only the first word is one.
    assert (chosen[:, 1] == chosen[:, 2]).all()
    assert (chosen[:, 4] != chosen[:, 5]).any()
    assert not chosen[:, [0, 7]].any()
    assert tokenizer.mask in shown.numpy()


def test_a_training_keeps_the_vocabulary_and_how_it_is_read(folder: str) -> None:
    assert _kept(folder) == ["sentencepiece.model", "reading.json"]


@pytest.mark.parametrize("form", sp.FORMS)
def test_a_checkpoint_of_each_form_is_read_with_the_models_own_ids(
    folder: str, tokenizer: Tokenizer, tmp_path: pathlib.Path, form: str
) -> None:
    own = shutil.copytree(folder, tmp_path / "bert")
    model = sp.read_sentence_pieces(folder)
    (own / "sentencepiece.model").unlink()
    (own / form).write_bytes(written(model, form))
    check_bert(str(own))
    read = Tokenizer(str(own))
    assert read.vocabulary == tokenizer.vocabulary
    assert read.pieces(tf.constant(TEXTS), 99).to_list() == tokenizer.pieces(tf.constant(TEXTS), 99).to_list()


def test_the_pieces_of_a_trained_model_are_those_of_xlm_rs_tokenizer(tmp_path: pathlib.Path) -> None:
    trainer = pytest.importorskip("sentencepiece").SentencePieceTrainer
    own = pathlib.Path(make_small_sentence_bert(tmp_path / "bert"))
    texts = [
        "red coffee mug",
        "blue coffee mugs 12oz",
        "红色马克杯 大号",
        "Ｒed ｍug ½ kg",
        "crème brûlée",
        "белый чай",
    ]
    with open(own / "sentencepiece.bpe.model", "wb") as file:
        trainer.train(
            sentence_iterator=iter(texts * 9), model_writer=file, vocab_size=60, normalization_rule_name="nmt_nfkc",
            hard_vocab_limit=False, minloglevel=2,
        )  # fmt: skip
    for name in ("sentencepiece.model", "reading.json"):
        (own / name).unlink()
    theirs = XLMRobertaTokenizer(str(own / "sentencepiece.bpe.model"))
    read = Tokenizer(str(own))
    for text in [*texts, "mug \u200b杯 カップ", " x  ", "e\u0301te\u0301"]:
        assert read.inputs(read.pieces(tf.constant([text]), 99))["input_ids"].numpy().tolist() == [
            theirs.encode(text)
        ]
    assert (read.mask, read.unknown) == (theirs.mask_token_id, theirs.unk_token_id)


def written(model: object, form: str) -> bytes:
    """A model in another form."""
    pieces = [(piece.piece, piece.score, piece.type) for piece in model.pieces]  # type: ignore[attr-defined]
    if (
        form == "sentencepiece.bpe.model"
    ):  # SentencePiece's own order, which XLMRobertaTokenizer shifts by one.
        first = [("<unk>", 0.0, sp.UNKNOWN), ("<s>", 0.0, sp.CONTROL), ("</s>", 0.0, sp.CONTROL)]
        return sp.made([*first, *pieces[4:-1]]).SerializeToString()
    if form == "tokenizer.json":
        special = [{"content": p, "special": True} for p, _, kind in pieces if kind == sp.CONTROL]
        rules = [{"type": "Precompiled", "precompiled_charsmap": base64.b64encode(b"").decode()}]
        vocabulary = {"type": "Unigram", "unk_id": 3, "vocab": [[p, score] for p, score, _ in pieces]}
        told = {
            "model": vocabulary,
            "added_tokens": special,
            "normalizer": {"type": "Sequence", "normalizers": rules},
        }
        return json.dumps(told).encode()
    return model.SerializeToString()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("sentencepiece.model", b"\xff\xff", "sentencepiece.model is not a SentencePiece model"),
        ("sentencepiece.model", b"", "has no piece, or several, for what is unknown"),
        ("tokenizer.json", b"{}", "tokenizer.json is no tokenizer's description"),
        ("tokenizer.json", b'{"model": {"type": "BPE"}}', "of type BPE, expected Unigram"),
        ("reading.json", b'{"pooling": "max"}', "reading.json: the setting pooling='max' is wrong"),
        ("reading.json", b"[", "reading.json: Reading: '[' is not JSON"),
    ],
)
def test_a_damaged_file_is_named(
    folder: str, tmp_path: pathlib.Path, name: str, content: bytes, said: str
) -> None:
    own = shutil.copytree(folder, tmp_path / "bert")
    if name != "reading.json":
        (own / "sentencepiece.model").unlink()
    (own / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        check_bert(str(own))
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_vocabulary_longer_than_the_embeddings_is_refused(folder: str, tmp_path: pathlib.Path) -> None:
    own = shutil.copytree(folder, tmp_path / "bert")
    model = sp.read_sentence_pieces(folder)
    model.pieces.add(piece="灯", score=-9.0, type=sp.NORMAL)
    (own / "sentencepiece.model").write_bytes(model.SerializeToString())
    count = len(SENTENCE_PIECES) + 5
    with pytest.raises(InputError, match=f"holds {count + 1} word pieces, but config.json says {count}"):
        check_bert(str(own))
