"""The lexical index in any script: what a text is cut into, and what a query finds."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.text.bert import Tokenizer
from aisle.model.text.lexical.index import BM25, TextSearch
from aisle.model.text.lexical.scripts import Simplifier
from aisle.model.text.lexical.terms import Units
from aisle.schema.bert.weights import bert_folder

TITLES = {
    "phone": "荣耀手机 8GB 黑色",
    "case": "手机壳 透明 手机保护套",
    "soap": "手工香皂",
    "washer": "全自动洗衣机",
    "dress": "红色连衣裙",
    "cup": "紅色馬克杯大號",
    "iphone": "iPhone15手机壳",
    "ramen": "インスタントラーメン 塩",
    "bag-th": "กระเป๋าผ้าสีแดง",
    "bag-ko": "여행가방이 커요",
    "bag-ru": "дорожный чехол",
    "mug-hi": "लाल मग बड़ा",
    "mug-ar": "كوب أحمر كبير",
    "mug-he": "ספל אדום",
    "disk": "SSD KX-200/B 1TB",
    "usb": "16G u盘",
    "lamp": "Red desk lamp with shade",
}


@pytest.fixture(scope="module")
def search() -> TextSearch:
    titles = list(TITLES.values())
    return TextSearch(Tokenizer(bert_folder()), titles, [""] * len(titles), list(TITLES))


def found(search: TextSearch, query: str) -> list[str]:
    """What a query finds by its words, best first."""
    scores = search.scores(search.read(tf.constant([query]))).numpy()[0]
    order = np.argsort(-scores, kind="stable")
    return [list(TITLES)[row] for row in order if scores[row] > 0]


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("iphone15手机 壳", "iphone +15 +手 +机 壳"),
        ("กระเป๋า", "ก +ร +ะ +เ +ป๋ +า"),
        ("ラーメン", "ラ +ー +メ +ン"),
        ("여행 가방", "여 +행 가 +방"),
        ("लाल बड़ा मग", "लाल बड़ा मग"),
        ("ספל-אדום", "ספל אדום"),
        ("كوب أحمر", "كوب أحمر"),
        ("men's 85123a", "mens 85123 +a"),
        ("红,蓝。绿", "红 蓝 绿"),
        ("", ""),
        ("!?", ""),
    ],
)
def test_a_text_is_cut_by_the_rules_of_its_script(text: str, units: str) -> None:
    cut = Units.of(tf.constant(["x", text]), 32)
    ours = cut.owner.numpy() == 1
    told = [
        ("+" if adjoins else "") + unit.decode()
        for unit, adjoins in zip(cut.text.numpy()[ours], cut.adjoins.numpy()[ours], strict=True)
    ]
    assert " ".join(told) == units


def test_each_text_of_a_batch_has_its_own_limit() -> None:
    cut = Units.of(tf.constant(["a b c", "手机壳", "d"]), 2)
    assert cut.owner.numpy().tolist() == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("手机", ["phone", "case"]),
        ("洗衣机", ["washer"]),
        ("手機", ["phone", "case"]),
        ("马克杯", ["cup"]),
        ("马克杯　红色", ["cup"]),
        ("裙", ["dress"]),
        ("ｉＰｈｏｎｅ１５", ["iphone"]),
        ("iphone 15", ["iphone"]),
        ("塩ラーメン", ["ramen"]),
        ("ﾗｰﾒﾝ", ["ramen"]),
        ("กระเป๋า", ["bag-th"]),
        ("가방", ["bag-ko"]),
        ("дорожный", ["bag-ru"]),
        ("मग", ["mug-hi"]),
        ("كُوب", ["mug-ar"]),
        ("احمر", ["mug-ar"]),
        ("סֵפֶל", ["mug-he"]),
        ("16gu盘", ["usb"]),
        ("desklamp", ["lamp"]),
        ("lamps", ["lamp"]),
        ("lapm", ["lamp"]),
    ],
)
def test_a_query_of_any_script_finds_its_item_first(search: TextSearch, query: str, best: list[str]) -> None:
    assert found(search, query)[: len(best)] == best


@pytest.mark.parametrize("query", ["机手", "囧囝", "qwrtzx", "blorp", "ฮฮฮ", "!?", "", "[UNK]"])
def test_nonsense_finds_nothing(search: TextSearch, query: str) -> None:
    assert found(search, query) == []


def test_a_phone_is_no_soap(search: TextSearch) -> None:
    assert "soap" not in found(search, "手机")
    assert "dress" not in found(search, "洗衣机")


@pytest.mark.parametrize(
    ("query", "item"),
    [
        ("bag-th", "bag-th"),
        ("BAG-TH", "bag-th"),
        ("kx-200/b", "disk"),
        ("iphone15", "iphone"),
        ("lamps", None),
        ("kx", None),
        ("", None),
    ],
)
def test_an_id_or_a_code_names_its_item(search: TextSearch, query: str, item: str | None) -> None:
    (row,) = search.named(search.read(tf.constant([query]))).numpy()
    assert (list(TITLES)[row] if row >= 0 else None) == item


def test_a_japanese_catalogue_keeps_its_characters() -> None:
    chinese, japanese = Simplifier(["機械"]), Simplifier(["洗濯機の棚", "机"])
    assert chinese(tf.constant(["機 mug 電"])).numpy()[0].decode() == "机 mug 電"
    assert japanese(tf.constant(["機"])).numpy()[0].decode() == "機"


def test_bm25_scores_are_those_of_the_formula() -> None:
    titles = ["red mug", "red red lamp shade", "blue mug", "green sofa with red legs", "红手机", "手机壳 mug"]
    terms = [[*title.split(), *parts(title)] if title.isascii() else list(chinese(title)) for title in titles]
    lengths = [2, 4, 2, 5, 3, 4]
    average = sum(lengths) / len(lengths)

    def score(query: dict[str, float], row: int) -> float:
        total = 0.0
        for term, weight in query.items():
            n = sum(term in other for other in terms)
            often = Counter(terms[row])[term]
            idf = math.log(1 + (len(terms) - n + 0.5) / (n + 0.5))
            total += weight * idf * often * 1.3 / (often + 0.3 * (0.25 + 0.75 * lengths[row] / average))
        return total

    queries = {
        "red mug": {"red": 1.0, "mug": 1.0},
        "green": {"green": 1.0} | dict.fromkeys(parts("green"), 0.3),
        "手机": {"手+机": 1.0, "手": 0.5, "机": 0.5, "手机$": 0.5},
        "手": {"手": 1.0},
    }
    given = BM25(titles)(tf.constant(list(queries))).numpy()
    expected = [[score(query, row) for row in range(len(titles))] for query in queries.values()]
    np.testing.assert_allclose(given, expected, atol=1e-5)


def parts(title: str) -> list[str]:
    """Each three letters of longer words."""
    words = [word for word in title.split() if len(word) > 3]
    return [f"~{word[at : at + 3]}" for word in words for at in range(len(word) - 2)]


def chinese(title: str) -> list[str]:
    """Characters, pairs of them, the end, and words."""
    (run, *words) = title.split()
    return [
        *run,
        *(f"{one}+{other}" for one, other in zip(run, run[1:], strict=False)),
        f"{run[-2:]}$",
        *words,
    ]
