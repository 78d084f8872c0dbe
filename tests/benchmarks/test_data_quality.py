"""The benchmark of detection on a small shop: every kind is found, and its table and JSON say so."""

from __future__ import annotations

import importlib
import json
import pathlib
import sys
import types

import polars as pl
import pytest

from aisle.datasets.simulator import SimulatorOptions
from aisle.datasets.strange_shops import SHOPS, StrangeShop


@pytest.fixture(scope="module")
def benchmark() -> types.ModuleType:
    return importlib.import_module("benchmarks.data.data_quality")


def test_every_kind_planted_in_a_small_shop_is_found_and_hardly_anything_else(
    benchmark: types.ModuleType, tmp_path: pathlib.Path
) -> None:
    options = SimulatorOptions(users=3_000, items=1_000, days=30, events=60_000, seed=3, dirt=0.05)
    kinds, figures = benchmark.run(options, tmp_path / "shop")
    # Of a handful of faults a single one missed is more than a tenth: those say little.
    many = [kind for kind in kinds if kind.planted >= 10]
    assert [(kind.kind, kind.recall, kind.precision) for kind in many if not kind.reached] == []
    assert all(kind.found for kind in kinds)
    assert len({kind.kind for kind in kinds}) >= 35
    assert {entry["reason"] for entry in figures["innocent_rows_lost"]} <= {"item was quarantined"}


def test_a_row_lost_of_a_clean_shop_is_told_with_its_reason(
    benchmark: types.ModuleType, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unclean = StrangeShop("unclean", ["Mug", "Bowl"], quantities=(0,))
    monkeypatch.setattr("aisle.datasets.strange_shops.SHOPS", (unclean,))
    (shop,) = benchmark.run_strange(tmp_path)
    assert shop.lost == unclean.tables()["events"]["event"].eq("purchase").sum()
    assert shop.reasons == ["bad quantity"]
    lost = {"strange_shops": [{"lost": shop.lost}]}
    assert [f.name for f in benchmark.FIGURES if f.name.startswith("strange") and f.missed(f.of(lost))]


def test_recall_and_precision_are_those_counted_by_hand(benchmark: types.ModuleType) -> None:
    truth = [("bad_price", 1), ("nan_price", 2), ("bad_price", 3), ("future_timestamp", 4), ("bad_event", 6)]
    found = [("bad price: unknown", 1), ("bad price", 2), ("bad price", 4), ("bad price", 5)]
    found += [("timestamp in the future", 4), ("no customer: used as anonymous", 6)]
    kinds = benchmark.measure(
        pl.DataFrame(
            [("events", "e", line, kind) for kind, line in truth],
            ["table", "file", "line", "kind"],
            orient="row",
        ),
        pl.DataFrame(
            [("events", "e", line, why) for why, line in found],
            ["table", "file", "line", "reason"],
            orient="row",
        ),
    )
    assert {kind.kind: (kind.found, kind.planted, kind.right, kind.flagged) for kind in kinds} == {
        "bad_event": (0, 1, 0, 0),
        "bad_price": (1, 2, 2, 4),
        "future_timestamp": (1, 1, 1, 1),
        "nan_price": (1, 1, 2, 4),
    }


def test_a_shop_without_faults_has_no_kind_that_misses_its_goal(
    benchmark: types.ModuleType,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = ["data_quality.py", "--events", "3000", "--users", "200", "--items", "100", "--days", "3"]
    monkeypatch.setattr(sys, "argv", [*told, "--dirt", "0", "--check", "--json", str(tmp_path / "out.json")])
    benchmark.main()
    said = capsys.readouterr().out
    assert "0 of 0 kinds reach their goal" in said
    assert all(f"| {shop.name} | " in said for shop in SHOPS)
    assert json.loads(said.splitlines()[-1])["missed"] == []
    assert '"faults": 0' in (tmp_path / "out.json").read_text(encoding="utf-8")
