"""The encoder of a pushed model comes back as the folder that it was read from."""

from __future__ import annotations

import pathlib

import pytest
import tensorflow as tf

from aisle.model.text.bert import SentenceEncoder, load_bert
from aisle.model.text.lent import same_encoder, write_beside, write_encoder
from aisle.schema.errors import InputError
from tests.model.pushed_model import push
from tests.model.small_bert import make_small_bert, make_small_sentence_bert


def test_what_a_model_reads_with_is_written_as_a_folder_again(tmp_path: pathlib.Path) -> None:
    bert = make_small_sentence_bert(tmp_path / "bert")
    (tmp_path / "found").mkdir()
    assert write_encoder(push(bert, tmp_path / "model"), str(tmp_path / "found"))
    assert same_encoder(bert, str(tmp_path / "found"))
    texts = tf.constant(["red mug", "红色马克杯"])
    for ours, theirs in zip(
        SentenceEncoder(bert).encode(texts),
        SentenceEncoder(str(tmp_path / "found")).encode(texts),
        strict=True,
    ):
        assert ours.numpy().tolist() == theirs.numpy().tolist()


def test_another_vocabulary_other_weights_or_fewer_layers_are_another_encoder(tmp_path: pathlib.Path) -> None:
    bert = make_small_bert(tmp_path / "bert")
    assert not same_encoder(bert, make_small_sentence_bert(tmp_path / "pieces"))
    assert not same_encoder(bert, make_small_bert(tmp_path / "short", layers=1))
    trained = load_bert(bert)
    trained.set_weights([0.5 * weight for weight in trained.get_weights()])
    make_small_bert(tmp_path / "trained")
    trained.save_pretrained(tmp_path / "trained", safe_serialization=True)
    assert not same_encoder(bert, str(tmp_path / "trained"))


def test_a_model_of_an_earlier_version_tells_no_encoder(tmp_path: pathlib.Path) -> None:
    (tmp_path / "found").mkdir()
    assert not write_encoder(str(tmp_path), str(tmp_path / "found"))


def test_a_damaged_one_is_refused_in_a_line_that_says_what_to_do(tmp_path: pathlib.Path) -> None:
    model = push(make_small_bert(tmp_path / "bert"), tmp_path / "model")
    beside = pathlib.Path(model, "assets.extra", "encoder")
    (tmp_path / "found").mkdir()
    pieces = (beside / "vocab.txt").read_text(encoding="utf-8")
    for name, text in {"vocab.txt": pieces * 9, "config.json": "{}"}.items():
        whole = (beside / name).read_bytes()
        (beside / name).write_text(text, encoding="utf-8")
        with pytest.raises(
            InputError, match="encoder of the model .* can't be read .*begin without --from"
        ) as said:
            write_encoder(model, str(tmp_path / "found"))
        assert "\n" not in str(said.value)
        (beside / name).write_bytes(whole)
    (weights,) = pathlib.Path(model, "variables").glob("*.data*")
    weights.unlink()
    with pytest.raises(InputError, match="run aisle on that shop again"):
        write_encoder(model, str(tmp_path / "found"))


def test_a_shop_whose_reading_is_told_teaches_that_too(tmp_path: pathlib.Path) -> None:
    bert = make_small_sentence_bert(tmp_path / "bert")
    write_beside([str(tmp_path / "one"), str(tmp_path / "other")], bert)
    for model in ("one", "other"):
        found = sorted(path.name for path in (tmp_path / model / "assets.extra" / "encoder").iterdir())
        assert found == ["config.json", "reading.json", "sentencepiece.model"]
