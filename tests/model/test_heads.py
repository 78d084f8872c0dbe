"""A noun in Chinese finds what it names before what is for it: 手机 a phone, 手机壳 its case."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from aisle.datasets.simulator.catalogue import make_catalogue
from aisle.datasets.simulator.options import SimulatorOptions
from aisle.model.text.bert import Tokenizer
from aisle.model.text.lexical.index import TextSearch
from aisle.schema.bert.weights import bert_folder
from tests.model.small_search import make_small_search


@pytest.fixture(scope="module")
def shop() -> tuple[TextSearch, list[str]]:
    """The catalogue of a simulated Chinese shop, and its titles."""
    items = make_catalogue(SimulatorOptions(language="zh"), np.random.default_rng(1)).table
    titles = items["title"].to_list()
    return TextSearch(Tokenizer(bert_folder()), titles, items["description"].to_list()), titles


@pytest.mark.parametrize("noun", ["手机", "手机壳", "饼干", "洗衣机"])
def test_what_a_noun_names_comes_before_all_else(shop: tuple[TextSearch, list[str]], noun: str) -> None:
    text, titles = shop
    scores, ends = text.scored(text.read(tf.constant([noun])))
    scores = scores.numpy()[0]
    # A title is brand, style, colour, material and noun, a space, and a size.
    named = np.array([title.split()[0].endswith(noun) for title in titles])
    assert 0 < named.sum() < len(titles)
    assert scores[named].min() > scores[~named].max()
    assert ends.numpy()[0].tolist() == named.tolist()


def test_a_query_of_several_nouns_names_nothing(shop: tuple[TextSearch, list[str]]) -> None:
    text, _ = shop
    queries = tf.constant(["陶瓷马克杯", "blue mug", ""])
    assert not text.scored(text.read(queries))[1].numpy().any()


def test_the_served_model_finds_the_phone_before_its_case(tmp_path: pathlib.Path) -> None:
    titles = ("手机壳", "手机", "手机膜", "杯", "手工香皂", "红色杯", "蓝色杯", "洗衣机")
    bundle = make_small_search(tmp_path, clicked=False, titles=titles)
    bundle.ranker.calibration.assign([[1.0, 0.0], [0.5, -8.0]])
    asked, nobody = tf.constant(["手机"]), tf.constant([""])
    found = bundle.search(asked, nobody, tf.constant(1))["item_ids"]
    assert found.numpy().tolist() == [[b"i1"]]
    why = bundle.explain(asked, nobody, tf.constant([["i0", "i1"]]))
    ends = why["contributions"].numpy()[0][:, why["parts"].numpy().tolist().index(b"ends")]
    # One, by the calibration's scale of a half.
    assert ends.tolist() == [0.0, 0.5]
    np.testing.assert_allclose(why["contributions"].numpy().sum(-1), why["scores"], atol=1e-5)
