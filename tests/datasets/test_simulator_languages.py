"""Simulated shops in other languages: worded in them throughout, and in English still the same bytes."""

from __future__ import annotations

import hashlib
import pathlib
import re
import unicodedata

import numpy as np
import polars as pl
import pytest

from aisle.datasets.simulator import GROUND_TRUTH, Shop, SimulatorOptions, simulate, write
from aisle.datasets.simulator.catalogue import make_catalogue
from aisle.datasets.simulator.languages import LANGUAGES, vocabulary_of
from aisle.datasets.simulator.languages.typos import TO_TRADITIONAL, chinese_typo, japanese_typo
from aisle.datasets.simulator.relevance import grades
from aisle.datasets.simulator.visits import NO_ATTRIBUTE
from aisle.datasets.simulator.vocabulary import NOUNS_PER_LEAF

HAN, KANA = r"\p{Han}", r"\p{Hiragana}\p{Katakana}"
ENGLISH = "fe5b05e47d8a50a03a87a578925d47dc05640744615cc37bde8f7bd49d703663"
"""SHA-256 over the files of a small English shop as they were before there were other languages."""


def made(language: str) -> Shop:
    return simulate(SimulatorOptions(users=60, items=120, days=12, seed=3, dirt=0.05, language=language))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def shops() -> dict[str, Shop]:
    return {language: made(language) for language in ("zh", "ja", "mixed")}


def test_an_english_shop_is_what_it_was_byte_for_byte(tmp_path: pathlib.Path) -> None:
    write(simulate(SimulatorOptions(users=60, items=80, days=5, seed=3, dirt=0.05)), tmp_path / "shop")
    digest = hashlib.sha256()
    for file in sorted((tmp_path / "shop").rglob("*.csv")):
        name = file.relative_to(tmp_path / "shop").as_posix()
        digest.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    assert digest.hexdigest() == ENGLISH


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_vocabulary_words_each_leaf_in_full_and_no_two_nouns_alike(language: str) -> None:
    words = vocabulary_of(language)
    names = [noun.name for noun in words.nouns]
    assert len(set(names)) == len(names) == NOUNS_PER_LEAF * len(words.leaves)
    assert len(words.leaves) <= 50  # The smallest shop has an item of each.
    for leaf, worded in zip(words.leaves, words.words, strict=True):
        assert len(leaf.sizes or worded.sizes) == len(worded.consumable_sizes) == 6
        assert (len(worded.styles), len(worded.consumable_styles)) == (6, 6)
        assert (len(worded.colours), len(worded.reviews)) == (10, 5)
    assert sum(words.country_shares) == pytest.approx(1)
    assert words.former_country not in words.countries


@pytest.mark.parametrize(("language", "letters"), [("zh", HAN), ("ja", HAN + KANA)])
def test_titles_queries_and_reviews_are_of_the_language(
    shops: dict[str, Shop], language: str, letters: str
) -> None:
    shop = shops[language]
    for texts in (shop.items["title"], shop.events["query"].drop_nulls(), shop.events["text"].drop_nulls()):
        assert texts.str.contains(f"[{letters}]").all()
        assert not texts.str.contains(r"\{").any()
    assert shop.items["title"].n_unique() == len(shop.items)
    kana = shop.items["title"].str.contains(f"[{KANA}]").mean()
    assert kana == 0 if language == "zh" else kana > 0.8  # type: ignore[operator]


def test_a_mixed_shop_has_phone_cases_in_two_scripts_and_english_goods(shops: dict[str, Shop]) -> None:
    titles = shops["mixed"].items["title"]
    assert titles.str.contains(r"^[\x20-\x7e]+$").sum() > 30
    assert titles.str.contains(f"[{KANA}]").sum() > 15
    assert titles.str.contains(r"\p{Han}").sum() > 30
    assert titles.str.contains(r"iPhone15(手机[壳膜]|スマホケース|保護フィルム)").any()
    prices = shops["mixed"].items.group_by("category").agg(pl.col("price").median())
    assert (
        prices.filter(pl.col("category").is_in(["数码/手机", "家電/スマートフォン"]))["price"].max() < 1_500
    )  # type: ignore[operator]


def test_a_search_for_phones_asks_for_them_and_not_for_what_fits_them() -> None:
    """手机 stands in the titles of cases and films too."""
    options = SimulatorOptions(items=300, language="zh")
    catalogue = make_catalogue(options, np.random.default_rng(0))
    noun = [noun.name for noun in catalogue.vocabulary.nouns].index("手机")
    wish = (np.array([noun]), np.array([NO_ATTRIBUTE]), np.array([-1]))
    (grade,) = grades(*wish, catalogue, np.arange(300))
    graded = catalogue.table.with_columns(grade=pl.Series(grade))
    assert set(graded.filter(pl.col("grade") > 0)["category"]) == {"数码/手机"}
    assert graded.filter(pl.col("grade") == 2)["title"].str.contains("手机 ").all()
    others = graded.filter(pl.col("category") == "数码/手机配件")["title"]
    assert len(others) > 3
    assert others.str.contains("手机[壳膜]").all()


def test_what_is_clicked_after_a_query_is_mostly_what_it_names(shops: dict[str, Shop]) -> None:
    for language, shop in shops.items():
        words = vocabulary_of(language)
        leaf = {noun.name: leaf.path for leaf in words.leaves for noun in leaf.nouns}
        clicks = shop.events.filter((pl.col("event") == "click") & pl.col("query").is_in(list(leaf)))
        asked = clicks.join(shop.items, on="item_id").select("category", pl.col("query").replace_strict(leaf))
        assert len(asked) > 20
        assert (asked["category"] == asked["query"]).mean() > 0.6  # type: ignore[operator]


def test_chinese_is_mistyped_in_traditional_characters_full_width_spaces_and_wrong_order() -> None:
    rng = np.random.default_rng(0)
    seen = {chinese_typo("iPhone15", "手机壳", rng) for _ in range(100)}
    assert seen == {"iPhone15手機殼", "ｉＰｈｏｎｅ１５手机壳", "iPhone15手机 壳", "iPhone15手壳机"}
    # Two characters alone are never exchanged: that is another word.
    assert {chinese_typo("", "手机", rng) for _ in range(50)} == {"手機", "手 机"}
    full = chr(TO_TRADITIONAL[ord("机")])
    assert (full, unicodedata.normalize("NFKC", "ｉＰｈｏｎｅ１５")) == ("機", "iPhone15")


def test_japanese_is_mistyped_without_long_vowels_and_in_hiragana() -> None:
    rng = np.random.default_rng(0)
    seen = {japanese_typo("", "マフラー", rng) for _ in range(100)}
    assert seen == {"マフラ", "まふらー", "マフラ\u3000ー", "マフーラ"}


def test_carelessly_typed_queries_are_asked_and_not_judged(shops: dict[str, Shop]) -> None:
    asked = set(shops["zh"].events["query"].drop_nulls())
    traditional = {
        query for query in asked if re.search("[機殼電飯鍋壺燈聯對紅圍鏈綠餅醬筆畫積圖窩貓糧帳襪]", query)
    }
    assert traditional
    assert not traditional & set(shops["zh"].judgements["query"])


def test_faults_are_worded_in_the_language(tmp_path: pathlib.Path, shops: dict[str, Shop]) -> None:
    written = write(shops["zh"], tmp_path / "shop")
    english = write(made("en"), tmp_path / "english")
    assert {kind.partition(": ")[2] for kind in written.faults} == {
        kind.partition(": ")[2] for kind in english.faults
    }
    truth = pl.read_csv(tmp_path / "shop" / GROUND_TRUTH, infer_schema=False)
    prices = truth.filter(pl.col("kind") == "currency_price")["value"]
    assert len(prices) > 0
    assert prices.str.contains("[￥¥元]").all()
    for kind, said in (("former_title", "^已停产"), ("former_country", "^亚特兰蒂斯$")):
        assert truth.filter(pl.col("kind") == kind)["value"].str.contains(said).all()
