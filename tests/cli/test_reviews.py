"""`aisle reviews`, on a shop whose customers like its mugs and not its lamps."""

from __future__ import annotations

import datetime
import json
import pathlib
import re

import polars as pl
import pytest
from click.testing import CliRunner

from aisle.cli.main import cli
from aisle.components.reports.schemas import validate
from aisle.schema.errors import InputError
from tests.model.small_bert import make_small_bert

GOOD, BAD = "lovely <b>red mug</b>, thanks", "the lamp is broken, refund please"


def _shop(folder: pathlib.Path, stars: tuple[int, int]) -> str:
    folder.mkdir()
    (folder / "items.csv").write_text("item_id,title\nm,Mug\nl,Lamp\nn,New one\n", encoding="utf-8")
    lines = ["timestamp,event,item_id,user_id,rating,text"]
    start = datetime.datetime(2024, 1, 1)
    for n in range(40):
        day = start + datetime.timedelta(days=n)
        for item, rating, text in (("m", stars[1], GOOD), ("l", stars[0], BAD)):
            lines.append(f"{day:%Y-%m-%d %H:%M:%S},purchase,{item},{item}{n},,")
            lines.append(f'{day:%Y-%m-%d} 12:00:00,review,{item},{item}{n},{rating},"{text} {n}"')
    lines.append(f'{start:%Y-%m-%d} 13:00:00,review,l,x,5,"{BAD} again"')
    (folder / "events.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(folder)


def test_it_says_what_the_reviews_of_items_come_to(tmp_path: pathlib.Path) -> None:
    shop, bert = _shop(tmp_path / "shop", (1, 5)), make_small_bert(tmp_path / "bert")
    out = str(tmp_path / "out")
    told = [shop, "--out", out, "--item", "l", "--conflicts", "--set", f"model.bert={bert}"]
    result = CliRunner().invoke(cli, ["reviews", *told], catch_exceptions=False)
    assert result.exit_code == 0
    assert re.search(rf"l: 5 stars, [0-4]% good by its words: {BAD} again\n", result.output)
    assert "l: 41 reviews, 1.10 stars, " in result.output
    assert (
        "81 reviews of 2 items; judged by models of others, 98.8% of 81 known ones are right" in result.output
    )
    numbers = pl.read_parquet(tmp_path / "out/reviews/items.parquet")
    good = dict(numbers.select("item_id", "at_least").iter_rows())
    assert good["m"] > 0.8 > 0.2 > good["l"]
    text = (tmp_path / "out/reports/reviews.json").read_text(encoding="utf-8")
    validate("reviews", text)
    report = json.loads(text)
    assert (report["conflicting"], report["rises"]) == (1, [])
    assert (
        "&lt;b&gt;red" not in text and "lovely <b>" not in (tmp_path / "out/reports/reviews.html").read_text()
    )


@pytest.mark.parametrize(
    ("stars", "more", "said"),
    [
        ((5, 5), [], "every rating is 5: such ratings say nothing; 30 of each are needed"),
        ((1, 5), ["--item", "n"], "--item n: nobody reviewed it"),
        ((1, 5), ["--item", "q"], "--item q: the shop has no such item"),
    ],
)
def test_what_it_cant_say_it_refuses_before_anything_slow(
    tmp_path: pathlib.Path, stars: tuple[int, int], more: list[str], said: str
) -> None:
    shop = _shop(tmp_path / "shop", stars)
    with pytest.raises(InputError, match=said):
        CliRunner().invoke(
            cli, ["reviews", shop, "--out", str(tmp_path / "out"), *more], catch_exceptions=False
        )
