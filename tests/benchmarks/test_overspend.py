"""What the benchmark of sponsored places calls overspent, charged twice and not charged."""

from __future__ import annotations

import asyncio
import pathlib
from typing import Any

import pytest

pytest.importorskip("redis", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from aisle.gateway.ads.file_ledger import FileLedger
from aisle.gateway.ads.ledger import Charge, Sale, Show
from benchmarks.ads.overspend import Books, Clicks, books_of_file, judged

SHOWS = {("r1", "mug"): ("a", 10), ("r2", "mug"): ("a", 10), ("r3", "cup"): ("b", 7)}
CLICKED = Clicks(sent={("r1", "mug"), ("r2", "mug"), ("r3", "cup")}, answered={("r1", "mug"), ("r3", "cup")})


@pytest.mark.parametrize(
    ("spent", "found"),
    [
        ({"a": 10, "b": 7}, {}),
        ({"a": 20, "b": 7}, {}),  # The second click was charged before its gateway died.
        ({"a": 21, "b": 7}, {"twice": 1}),
        ({"a": 3, "b": 7}, {"uncharged": 7}),
        ({"a": 31, "b": 7}, {"overspent": 1, "twice": 11}),
        ({"a": 10}, {"uncharged": 5}),  # No more than the budget had.
    ],
)
def test_what_is_spent_is_held_against_the_clicks_that_were_sent_and_those_that_were_safe(
    spent: dict[str, int], found: dict[str, Any]
) -> None:
    told = judged(Books(spent, {"a": 0}, SHOWS), {"a": 30, "b": 5 if "b" not in spent else 7}, CLICKED)
    wrong = {name: told[name] for name in ("overspent", "twice", "uncharged", "negative") if told[name]}
    assert (wrong, told["charged"]) == (found, sum(spent.values()))


def test_the_books_of_a_file_are_what_its_ledger_holds(tmp_path: pathlib.Path) -> None:
    async def use() -> None:
        ledger = FileLedger(tmp_path / "ads.db")
        sales = [Sale("a", "mug", 10, 4, "click", 9, 100), Sale("b", "cup", 7, 2, "click", 9, 100)]
        await ledger.sell("r1", "", sales, 1)
        await ledger.charge([Charge(Show("r1", "mug"), "click", 2)])
        await ledger.close()

    asyncio.run(use())
    books = books_of_file(tmp_path / "ads.db")
    assert books == Books(
        {"a": 10, "b": 0}, {"a": 0, "b": 2}, {("r1", "mug"): ("a", 10), ("r1", "cup"): ("b", 7)}
    )
