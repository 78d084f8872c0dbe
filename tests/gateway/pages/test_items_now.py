"""The pages show what is so of items now: what the gateway was told, and what the last orders found to be low."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Callable
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from aisle.gateway.pages.catalogue import Catalogue, Facts
from aisle.gateway.pages.runs import LOW_STOCK, LowStock
from aisle.pipeline.inventory import files

Visits = Callable[..., Any]


async def _tell(shop: Any, **told: Any) -> None:
    key = {"Authorization": "Bearer 0123456789abcdef"}
    answer = await shop.http.patch("/v1/items", json=told, headers=key)
    assert answer.status_code == 200, answer.text


def _card(page: str, item_id: str) -> str:
    """What a page says of an item, as text; "" where it isn't there."""
    cards = re.findall(r'<li class="card.*?</li>', page, re.DOTALL)
    found = next((card for card in cards if f"/item/{item_id}?" in card), "")
    return " ".join(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", found, flags=re.DOTALL).split())


def test_cards_and_items_have_the_price_and_stock_that_were_told(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        assert "9.50" in _card((await shop.http.get("/")).text, "mug")
        await _tell(shop, item_id="mug", price=7.25, stock=0)
        await _tell(shop, item_id="sock", price=3, stock=2)
        found, home = (await shop.http.get("/search?q=mug")).text, (await shop.http.get("/")).text
        assert _card(found, "mug") == "Red mug Acme 7.25 Sold out"
        assert _card(found, "sock").startswith("جورب أحمر 3.00 Add to the cart")
        # What can't be had is found, and not proposed.
        assert not _card(home, "mug") and _card(home, "cup")
        item = (await shop.http.get("/item/mug")).text
        assert "7.25" in item and "Sold out" in item and "Buy now" not in item
        await _tell(shop, item_id="mug", price=None, stock=None)
        assert _card((await shop.http.get("/")).text, "mug").startswith("Red mug Acme 9.50 Add to the cart")

    visits(use)


def test_what_is_sold_out_or_withdrawn_can_no_longer_be_bought_from_a_page_of_before(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        await shop.http.get("/")
        for item in ("cup", "mug"):
            await shop.http.post("/event", data={"event": "cart", "item_id": item})
        await _tell(shop, item_id="mug", stock=0)
        await _tell(shop, item_id="cup", withdrawn=True)
        said = {"event": "purchase", "item_id": "mug"}
        answer = await shop.http.post("/event", data=said)
        assert answer.status_code == 409 and "sold out" in answer.text
        by_script = await shop.http.post("/event", data=said, headers={"Accept": "application/json"})
        assert (by_script.status_code, by_script.json()) == (
            409,
            {"said": "Red mug: It can't be had any more."},
        )
        home = (await shop.http.get("/")).text
        assert _card(home, "mug").endswith("Sold out") and not _card(home, "cup")
        gone = (await shop.http.get("/item/cup")).text
        assert "Not sold any more" in gone and "Buy now" not in gone
        assert await shop.done() == [("cart", "cup"), ("cart", "mug")]

    visits(use)


def test_the_price_that_was_told_is_the_one_that_is_paid(visits: Visits) -> None:
    async def use(shop: Any) -> list[Any]:
        await shop.http.get("/")
        await _tell(shop, item_id="mug", price=7.25)
        await shop.http.post("/event", data={"event": "purchase", "item_id": "mug"})
        return [shop.log]

    import pyarrow.parquet as pq

    (log,) = visits(use)
    rows = [row for path in (log / "events").iterdir() for row in pq.read_table(path).to_pylist()]
    assert [row["price"] for row in rows if row["event"] == "purchase"] == [7.25]


def test_an_item_that_is_new_has_a_page(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        await _tell(shop, item_id="new", title="Tea <bowl>", brand="Acme", category="Kitchen/Bowls", price=4)
        page = (await shop.http.get("/item/new")).text
        assert "Tea &lt;bowl&gt;</h1>" in page and "4.00" in page and ">Bowls</a>" in page

    visits(use)


def _write_low(path: pathlib.Path, low: dict[str, float]) -> None:
    """As `aisle replenish` does, whose table has all that was counted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {
        "item_id": [*low, "plenty"],
        "on_hand": [*map(float, low.values()), 90.0],
        "low": [True] * len(low) + [False],
    }
    pl.DataFrame(rows).write_parquet(path)


def test_what_will_soon_run_out_is_marked_until_more_comes(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        path = shop.out / "inventory" / LOW_STOCK
        assert "left" not in _card((await shop.http.get("/")).text, "mug")
        _write_low(path, {"mug": 3, "cup": 5, "sock": 1})
        home = (await shop.http.get("/")).text
        assert "Only 3 left" in _card(home, "mug") and "Few left" in _card(home, "cup")
        assert _card(home, "sock") == "جورب أحمر Sold out" and "left" not in _card(home, "hat")
        assert "Only 3 left" in (await shop.http.get("/item/mug")).text
        await _tell(shop, item_id="mug", stock=2)
        assert "Only 2 left" in _card((await shop.http.get("/")).text, "mug")
        await _tell(shop, item_id="mug", stock=40)
        assert "left" not in _card((await shop.http.get("/")).text, "mug")

    visits(use)


def test_the_table_of_what_is_low_is_read_again_when_it_is_written_again(tmp_path: pathlib.Path) -> None:
    path = tmp_path / LOW_STOCK
    low = LowStock(path)
    assert low.left == {} == LowStock().left
    _write_low(path, {"mug": 3})
    assert low.left == {"mug": 3} and LOW_STOCK == files.LOW_STOCK
    _write_low(path, {"cup": 1})
    os.utime(path, ns=(1, 1))
    assert low.left == {"cup": 1}
    path.write_bytes(b"none of ours")
    assert low.left == {}


@pytest.mark.parametrize(
    ("facts", "told", "left", "expected"),
    [
        (Facts("a", "Mug", price=1.0), {"price": 2.0, "title": "Cup"}, None, Facts("a", "Mug", price=2.0)),
        (Facts("a"), {"title": "Cup", "stock": 0}, 3.0, Facts("a", "Cup", stock=0)),
        (Facts("a", stock=2), {}, 2.0, Facts("a", stock=2, few_left=True)),
        (Facts("a", stock=3), {}, 2.0, Facts("a", stock=3)),
        (Facts("a"), {"withdrawn": True}, 2.0, Facts("a", withdrawn=True)),
    ],
)
def test_an_item_as_it_is_now(facts: Facts, told: dict, left: float | None, expected: Facts) -> None:
    assert facts.now(told, left) == expected


@pytest.mark.parametrize(
    ("titles", "language"),
    [
        (["红色杯子", "蓝色 mug", "cup"], "zh"),
        (["赤いカップ", "青いマグ", "hat"], "ja"),
        (["Red mug", "Blue cup", "帽子"], ""),
        (["Κόκκινη κούπα"], "el"),
        ([], ""),
    ],
)
def test_the_language_of_titles_is_told_by_their_script_where_one_language_is_written_so(
    titles: list[str], language: str
) -> None:
    rows = pa.table(
        {"item_id": [str(number) for number in range(len(titles))], "title": pa.array(titles, pa.string())}
    )
    assert Catalogue(rows).language == language
