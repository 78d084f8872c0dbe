"""Small shops that are clean, each of them strange in its own way: what no rule of cleaning may take for dirt."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np
import polars as pl

from aisle.datasets.destination import new_folder

USERS, VISITS = 30, 400
"""Of each shop: how many users it knows, and how often it is visited, by others, too."""
START = 1_735_689_600
"""The first second of events, since the epoch (UTC): 1 January 2025."""
MEAN_GAP = 4_000
"""Seconds between visits."""
END = START + 365 * 86_400
"""A second after all events."""


@dataclasses.dataclass(frozen=True)
class StrangeShop:
    """What is strange about a shop.

    Attributes:
        name: what it is called.
        titles: of its items, each once.
        ids: of its items; numbers of five digits where there are none.
        quantities: what its customers take.
        free: whether its items cost nothing.
        described: whether each event repeats the item's title, as an invoice does.
        category: of all items.
    """

    name: str
    titles: Sequence[str]
    ids: Sequence[str] = ()
    quantities: Sequence[float] = (1, 1, 2)
    free: bool = False
    described: bool = True
    category: str = "Home/Things"

    def tables(self, seed: int = 0) -> dict[str, pl.DataFrame]:
        """Returns the shop's canonical tables `items` and `events`; the same seed gives the same ones."""
        rng = np.random.default_rng(seed)
        ids = list(self.ids) or [str(10_001 + nth) for nth in range(len(self.titles))]
        prices = np.zeros(len(ids)) if self.free else rng.lognormal(2, 0.5, len(ids)).round(2)
        items = pl.DataFrame(
            {"item_id": ids, "title": list(self.titles), "category": self.category, "price": prices}
        )
        return {"items": items, "events": self._events(items, rng)}

    def _events(self, items: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        """Returns visits of a click and, mostly, a purchase; a third of them by nobody who is known."""
        chosen = items[rng.integers(len(items), size=VISITS)]
        start = START + np.cumsum(rng.exponential(MEAN_GAP, VISITS)).astype(np.int64)
        user = [f"u{who}" if who < USERS else None for who in rng.integers(USERS * 3 // 2, size=VISITS)]
        visits = chosen.select(
            "item_id", pl.Series("user_id", user, pl.String), title="title", price="price", start=pl.Series(start),
            session_id=pl.Series([f"s{nth}" for nth in range(VISITS)]),
            quantity=pl.Series(rng.choice(self.quantities, VISITS)),
        )  # fmt: skip
        clicks = visits.with_columns(
            event=pl.lit("click"), price=pl.lit(None), quantity=pl.lit(None), later=0
        )
        bought = visits.filter(pl.Series(rng.random(VISITS) < 0.7))
        bought = bought.with_columns(event=pl.lit("purchase"), later=60)
        events = pl.concat([clicks, bought], how="vertical_relaxed").with_columns(
            timestamp=pl.from_epoch(pl.col("start") + pl.col("later")).dt.strftime("%Y-%m-%d %H:%M:%S")
        )
        columns = ["timestamp", "event", "item_id", "user_id", "session_id", "quantity", "price"]
        described = events.sort("timestamp").rename({"title": "description"})
        return described.select(*columns, *(["description"] if self.described else []))


def _pairs(first: Sequence[str], second: Sequence[str], between: str = "") -> list[str]:
    return [f"{one}{between}{two}" for one in first for two in second]


SHOPS = (
    StrangeShop(
        "books",
        ["1984", "300", "2666", "Lost", "Found", "Test", "Missing", "Check", "Damaged", "It", "?", "S.", "Emma",
         "Do not use", "Adjustment", "Wrong label", "Dune", "Ulysses", "22/11/63", "Room"],
    ),
    StrangeShop("spare parts", _pairs(["Seal", "Bolt", "Ring"], ["M6", "M8", "small", "large"], " ") * 5,
                [f"SP{nth}" for nth in range(1, 61)]),
    StrangeShop("letters as ids", [f"Tile {letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"],
                list("ABCDEFGHIJKLMNOPQRSTUVWXYZ")),
    StrangeShop("gifts", _pairs(["Red", "Blue", "Green"], ["Mug", "Bowl", "Tray", "Card"], " "),
                _pairs(["gift_red", "gift_blue", "gift_green"], ["mug", "bowl", "tray", "card"], "-")),
    StrangeShop("codes as titles", [f"DCGS-{nth:04}" for nth in range(24)], [f"DCGS{nth:04}" for nth in range(24)]),
    StrangeShop("fabrics by the metre", _pairs(["Linen", "Silk", "Wool"], ["red", "grey", "blue"], " "),
                quantities=(0.5, 1.25, 2.4, 3)),
    StrangeShop("groceries by weight", _pairs(["Apples", "Pears", "Beans"], ["ripe", "organic"], " "), quantities=(0.5,)),
    StrangeShop("free samples", _pairs(["Cream", "Soap", "Test"], ["sample", "tester"], " "), free=True),
    StrangeShop("capitals and one word", [*_pairs(["RED", "BLUE", "OLD", "BIG"], ["MUG", "BOWL", "TRAY", "LAMP", "FORK"], " "),
                                          "Found"]),
    StrangeShop("breadcrumbs", _pairs(["Red", "Blue"], ["Mug", "Bowl", "Tray"], " "), category="Home > Mug | Sale"),
    StrangeShop("Chinese", _pairs(["红色", "蓝色", "白色"], ["马克杯大号", "手机壳", "电饭煲", "手机"])),
    StrangeShop("Japanese", _pairs(["赤い", "青い", "白い"], ["マグカップ", "茶碗", "スマホケース", "ＳＤカード"])),
    StrangeShop("Korean", ["머그컵", "접시", "숟가락", "냄비", "휴대폰", "이불", "베개", "수건"]),
    StrangeShop("Arabic", ["كوب", "صحن", "ملعقة", "قدر", "هاتف", "وسادة", "منشفة", "مصباح"]),
    StrangeShop("Hindi", ["प्याला", "थाली", "चम्मच", "कड़ाही", "फ़ोन", "तकिया", "तौलिया", "दीपक"]),
    StrangeShop("Thai", ["กระเป๋า", "แก้วน้ำ", "ช้อน", "หม้อ", "โทรศัพท์", "หมอน", "ผ้าเช็ดตัว", "โคมไฟ"]),
    StrangeShop("Russian", ["Чайник", "Йод", "Ложка", "Ёлка", "Телефон", "Подушка", "Полотенце", "Лампа"]),
)  # fmt: skip
"""A shop for each way to be strange."""


def write_strange_shop(shop: StrangeShop, dest: pathlib.Path, seed: int = 0) -> dict[str, int]:
    """Writes a shop's tables as CSV into a folder that holds none yet; returns the rows written by table."""
    new_folder(dest)
    tables = shop.tables(seed)
    for name, table in tables.items():
        table.write_csv(dest / f"{name}.csv")
    return {name: len(table) for name, table in tables.items()}
