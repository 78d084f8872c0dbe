"""The gate behind the Cleaner on shops whose dirt is as it should be: told where it is much, and none is stopped."""

from __future__ import annotations

import pathlib
from typing import Any

import pandas as pd
import pytest

from aisle.components.cleaner.clean import clean
from aisle.components.cleaner.losses.fates import fates
from aisle.components.cleaner.losses.judge import weigh
from aisle.components.cleaner.losses.options import LossOptions
from aisle.components.cleaner.losses.tally import tally
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.example_gen.reader import read_table
from aisle.datasets.online_retail import convert
from aisle.datasets.simulator import SimulatorOptions, simulate, write
from aisle.datasets.strange_shops import SHOPS, StrangeShop, write_strange_shop
from aisle.schema.tables import TABLES


def losses_of(folder: pathlib.Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """What the gate says of a shop's folder, and the quarantined events, by file and line."""
    there = [table for table in TABLES if any(folder.glob(f"{table.name}*"))]
    read = {table.name: read_table(str(folder), table) for table in there}
    rows = {name: table.rows for name, table in read.items()}
    places = {name: table.provenance for name, table in read.items()}
    unread = {name: table.quarantine for name, table in read.items()}
    result = clean(rows, places, unread, CleanerOptions())
    found = {
        name: tally(name, [fates(name, rows[name], places[name], unread[name], result.taken[name])])
        for name in rows
    }
    gone = pd.concat([unread["events"].to_pandas(), result.quarantine.to_pandas()])
    return weigh(found, LossOptions()), gone[gone["table"] == "events"]


def test_a_shop_with_planted_faults_goes_on_and_each_kind_is_counted_as_its_files_say(
    tmp_path: pathlib.Path,
) -> None:
    write(simulate(SimulatorOptions(users=60, items=60, days=20, dirt=0.05)), tmp_path)
    losses, gone = losses_of(tmp_path)
    assert losses["verdict"] == "passed"
    assert losses["goal"] == {"read": "purchase", "used": "purchase"}
    told = {part["value"]: (part["rows"], part["lost"]) for part in losses["parts"] if part["by"] == "event"}
    lines = {
        (str(path.relative_to(tmp_path)), number): line.lower()
        for path in (tmp_path / "events").glob("*.csv")
        for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").split("\n"), 1)
    }
    for kind in ("purchase", "return"):
        of_kind = {
            place for place, line in lines.items() if kind in [cell.strip(' "') for cell in line.split(",")]
        }
        lost = {place for place in zip(gone["file"], gone["line"], strict=True) if place in of_kind}
        assert told[kind] == (len(of_kind), len(lost)), kind


def test_online_retail_goes_on_and_only_the_returns_that_are_no_products_are_much(
    shared_data: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    convert(shared_data / "online-retail", tmp_path)
    losses, gone = losses_of(tmp_path)
    assert losses["verdict"] == "passed"
    assert {part["name"] for part in losses["parts"] if part["severity"]} <= {"events.event=return"}
    whole = next(part for part in losses["parts"] if part["name"] == "events")
    assert (whole["rows"], whole["lost"]) == (451_127, len(gone))


@pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.name)
def test_of_a_strange_but_clean_shop_nothing_is_lost(shop: StrangeShop, tmp_path: pathlib.Path) -> None:
    write_strange_shop(shop, tmp_path / "shop")
    losses, _ = losses_of(tmp_path / "shop")
    lost = {part["name"]: part["lost"] for part in losses["parts"]}
    assert lost == dict.fromkeys(("items", "events", "events.event=click", "events.event=purchase"), 0)
    assert losses["goal"] == {"read": "purchase", "used": "purchase"}
