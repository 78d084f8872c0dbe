"""What was planted in a simulated shop beside what was found of it, row by row."""

from __future__ import annotations

import pathlib
from collections import Counter
from typing import Literal

import polars as pl
import pytest

from aisle.cli.demo.planted import FAMILIES, Family, compare_rows, print_table, read_families
from aisle.components.cleaner.clean import clean
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.example_gen.reader import read_table
from aisle.components.tables import write_ledger
from aisle.datasets.simulator import SimulatorOptions, simulate, write
from aisle.datasets.simulator.faults.bots import BOT_SESSION, BOT_USER
from aisle.datasets.simulator.faults.catalogue import item_faults, user_faults
from aisle.datasets.simulator.faults.events import event_faults
from aisle.datasets.simulator.languages.english import VOCABULARY
from aisle.schema.tables import EVENTS, ITEMS, USERS

ITEM_FAULTS, USER_FAULTS, EVENT_FAULTS = (
    faults(VOCABULARY) for faults in (item_faults, user_faults, event_faults)
)


def test_every_kind_of_fault_is_of_one_family() -> None:
    kinds = {kind.name for kind in (*ITEM_FAULTS, *USER_FAULTS, *EVENT_FAULTS)} | {BOT_SESSION, BOT_USER}
    assert Counter(kind for family in FAMILIES.values() for kind in family) == dict.fromkeys(kinds, 1)


def test_a_fault_is_found_where_its_very_row_was_touched_for_one() -> None:
    truth = pl.DataFrame(
        [
            ("events", "events/1.csv", "2", "exact_duplicate"),
            ("events", "events/1.csv", "3", "near_duplicate"),
            ("items", "items.csv", "2", "former_title"),
            ("events", "events/1.csv", "4", "bad_price"),
        ],
        schema=["table", "file", "line", "kind"],
        orient="row",
    )
    touched = [
        ("events", "events/1.csv", 2, "exact duplicate", "merged"),
        # Touched twice: it is told that it was merged.
        ("events", "events/1.csv", 3, "price outlier", "changed"),
        ("events", "events/1.csv", 3, "the same within 5 seconds", "merged"),
        # Another table's line 2, another file's, and what is no fault.
        ("users", "items.csv", 2, "exact duplicate", "merged"),
        ("items", "items.csv", 9, "one title per item_id", "merged"),
        ("events", "events/1.csv", 4, "no customer: used as anonymous", "noted"),
    ]
    evidence = pl.DataFrame(touched, schema=["table", "file", "line", "reason", "outcome"], orient="row")
    assert compare_rows(truth, evidence) == [
        Family("sent twice, or outdated", 3, 2, {"merged": 2}),
        Family("impossible value", 1, 0, {}),
    ]


@pytest.mark.parametrize("language", ["en", "zh", "ja", "mixed"])
def test_the_faults_of_a_shop_are_found_by_the_reader_and_the_cleaner(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], language: Literal["en", "zh", "ja", "mixed"]
) -> None:
    shop, ledger = tmp_path / "shop", tmp_path / "ledger"
    options = SimulatorOptions(users=50, items=60, days=30, dirt=0.02, language=language)
    planted = write(simulate(options), shop)
    read = {table.name: read_table(str(shop), table) for table in (ITEMS, USERS, EVENTS)}
    result = clean(
        {name: found.rows for name, found in read.items()},
        {name: found.provenance for name, found in read.items()},
        {name: found.quarantine for name, found in read.items()},
        CleanerOptions(),
        now=options.end_seconds * 1_000_000,
    )
    ledger.mkdir()
    write_ledger(str(ledger), result.ledger, result.touched)
    families = read_families(shop, ledger)
    total = sum(planted.faults.values())
    assert sum(family.planted for family in families) == total
    found = sum(family.found for family in families)
    assert total * 0.95 <= found <= total
    print_table(families)
    last = [line for line in capsys.readouterr().out.splitlines() if "│" in line][-1]
    assert [cell.strip() for cell in last.split("│")[1:4]] == ["all", str(total), str(found)]
