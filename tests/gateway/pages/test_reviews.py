"""What buyers say of an item, on its page: by the tables that `aisle reviews` wrote last."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from aisle.components.reviews.options import ASPECTS as NAMED
from aisle.gateway.pages.reviews.said import ASPECTS, ASPECTS_FILE, ITEMS_FILE, Reviews
from aisle.pipeline.reviews import files

Visits = Callable[..., Any]


def _write(folder: pathlib.Path, reviews: int = 1234, phrase: str = "<b>courier</b>") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [("mug", "delivery", 40, 0.25, [phrase, "parcel"]), ("mug", "结实", 3, None, ["结实"])]
    rows += [("mug", f"more {n}", 2, 1.0, [f"more {n}"]) for n in range(9)]
    names = ["item_id", "aspect", "reviews", "good", "phrases"]
    pl.DataFrame(rows, names, orient="row").write_parquet(folder / ASPECTS_FILE)
    items = [("mug", reviews, 4.256, 0.871, 0.849), ("cup", 1, None, None, None)]
    names = ["item_id", "reviews", "stars", "good", "at_least"]
    pl.DataFrame(items, names, orient="row").write_parquet(folder / ITEMS_FILE)


def _said(page: str) -> str:
    """The section, as text; "" where the page has none."""
    (found,) = re.findall(r'<section class="said">.*?</section>', page, re.DOTALL) or [""]
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


def test_an_item_says_what_its_reviews_come_to_in_the_visitors_language(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        assert not _said((await shop.http.get("/item/mug")).text)
        _write(shop.out / "reviews")
        page = (await shop.http.get("/item/mug")).text
        assert _said(page).startswith(
            "What buyers say Reviews: 1,234 · Rating on average: 4.26 · Good by their words: 87%, at least 85% "
            "Delivery mentioned: 40, good: 25% &lt;b&gt;courier&lt;/b&gt; parcel 结实 mentioned: 3 more 0 mentioned: 2"
        )
        assert "more 3" in page and "more 4" not in page and "<b>courier" not in page
        assert _said((await shop.http.get("/item/cup")).text) == "What buyers say Reviews: 1"
        assert not _said((await shop.http.get("/item/hat")).text)
        shop.http.headers["Accept-Language"] = "zh"
        assert "配送 提到：40 次" in _said((await shop.http.get("/item/mug")).text)

    visits(use)


def test_it_is_read_again_when_it_is_worked_out_again_and_survives_a_broken_file(
    tmp_path: pathlib.Path,
) -> None:
    reviews = Reviews(tmp_path)
    assert reviews.of("mug") is None and Reviews().of("mug") is None
    _write(tmp_path, 5)
    (first,) = [reviews.of("mug")]
    assert first is not None and first.reviews == 5
    assert (first.aspects[0].name, first.aspects[0].own, first.aspects[1].own) == ("Delivery", False, True)
    _write(tmp_path, 6)
    os.utime(tmp_path / ITEMS_FILE, ns=(1, 1))
    again = reviews.of("mug")
    assert again is not None and again.reviews == 6
    (tmp_path / ITEMS_FILE).write_bytes(b"nothing of ours")
    assert reviews.of("mug") is None


def test_the_tables_and_the_aspects_are_those_of_the_command() -> None:
    assert (files.ITEMS_FILE, files.ASPECTS_FILE) == (ITEMS_FILE, ASPECTS_FILE)
    assert set(ASPECTS) == set(NAMED)
