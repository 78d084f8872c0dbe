"""`aisle forecast` and `aisle replenish`: from a shop's tables to forecasts, orders and their report."""

from __future__ import annotations

import csv
import datetime
import json
import pathlib
import random

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result

from aisle.cli.main import cli
from aisle.components.reports.schemas import validate
from aisle.schema.errors import AisleError, GateBlocked, InputError

FIRST = datetime.date(2025, 1, 5)
WEEKS = 40
DAYS = 7 * WEEKS
SOLD = {"mug": 12, "bowl": 4, "rare": 0}
"""About so many a day; `rare` sells once."""


def make_shop(folder: pathlib.Path) -> pathlib.Path:
    """Sales of 40 weeks, with a return and a closed week; counts of the stock, and how the mug is ordered."""
    draw = random.Random(1)
    lines = ["timestamp,event,item_id,user_id,quantity,price"]
    for day in range(DAYS):
        if 140 <= day < 147:
            continue
        for item, mean in SOLD.items():
            for _ in range(draw.randint(0, 2 * mean)):
                moment = (
                    f"{FIRST + datetime.timedelta(day)}T{draw.randint(8, 19):02}:{draw.randint(0, 59):02}:00"
                )
                lines.append(f"{moment},purchase,{item},u{draw.randint(1, 400)},1,5.0")
    lines.append("2025-09-01T10:00:00,purchase,rare,u1,1,90.0")
    lines.append("2025-09-02T10:00:00,purchase,bowl,u9,50,5.0\n2025-09-03T10:00:00,return,bowl,u9,50,5.0")
    (folder / "events.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "items.csv").write_text(
        "item_id,title,price\nmug,White mug,5.0\nbowl,Blue bowl,5.0\nrare,Golden vase,90.0\nnever,Never sold,3.0\n",
        encoding="utf-8",
    )
    (folder / "stock.csv").write_text(
        "item_id,on_hand,on_order,as_of\nmug,500,0,2025-10-01\nmug,30,24,2025-10-11\nbowl,-3,,2025-10-11\nnever,1,,2025-10-11\n",
        encoding="utf-8",
    )
    (folder / "supply.csv").write_text(
        "item_id,lead_time_days,pack_size,unit_cost\nmug,7,24,2.0\nbowl,,1000,\n", encoding="utf-8"
    )
    return folder


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return make_shop(tmp_path_factory.mktemp("shop"))


def run(command: str, shop: pathlib.Path, out: pathlib.Path, *words: str) -> Result:
    return CliRunner().invoke(
        cli, [command, str(shop), "--out", str(out), *words], catch_exceptions=False, prog_name="aisle"
    )


def report_of(out: pathlib.Path) -> dict:
    text = (out / "reports" / "inventory.json").read_text(encoding="utf-8")
    validate("inventory", text)
    return json.loads(text)


def test_forecasts_are_written_for_each_week_and_for_all(shop: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done = run("forecast", shop, tmp_path, "--weeks", "3", "--backtest")
    assert "units of 3 items expected in 3 weeks from 2025-10-12" in done.output
    found = pl.read_parquet(tmp_path / "inventory" / "forecasts.parquet")
    mug = found.filter(pl.col("item_id") == "mug")
    assert mug["first_day"].to_list() == [
        FIRST + datetime.timedelta(DAYS + 7 * week) for week in (0, 1, 2, 0)
    ]
    assert mug["days"].to_list() == [7, 7, 7, 21]
    assert mug["mean"][3] == pytest.approx(12 * 21, rel=0.25)
    quantiles = mug.select("q0.5", "q0.9", "q0.99").to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    # Sums vary less than their weeks: their quantiles don't add up.
    assert quantiles[3, 2] < quantiles[:3, 2].sum()
    report = report_of(tmp_path)
    assert report["orders"] is None
    assert len(report["backtest"]["origins"]) == 3
    assert abs(report["backtest"]["bias"]) < 0.2
    closed = report["drawn"][0]["past"]
    assert [week["quantity"] for week in closed].count(
        None
    ) == 1  # The closed week isn't a week without demand.


def test_orders_are_in_packs_with_a_reason_and_what_is_assumed_is_said(
    shop: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    output = tmp_path / "orders.csv"
    done = run("replenish", shop, tmp_path, "--service", "0.9", "--output", str(output))
    assert "lead_time_days of 2 items: by the settings" in done.output
    assert "1 items that sell have no count" in done.output
    orders = {row["item_id"]: row for row in csv.DictReader(output.open(encoding="utf-8"))}
    assert orders.keys() == {"mug", "bowl"}
    mug, bowl = orders["mug"], orders["bowl"]
    # The latest count: 30, and 24 on order, of which 14 days need about 168 and some to spare.
    assert (mug["on_hand"], mug["on_order"]) == ("30.0", "24.0")
    assert float(mug["order"]) % 24 == 0
    assert float(mug["order"]) >= float(mug["order_up_to"]) - 54
    assert float(mug["value"]) == float(mug["order"]) * 2
    assert "in packs of 24" in mug["reason"]
    assert float(bowl["order"]) == 1000
    assert "days' demand more than needed" in bowl["reason"]
    report = report_of(tmp_path)
    assert report["orders"]["orders"] == 2
    assert report["orders"]["out"] == 1
    assert report["orders"]["calibration"]["weeks"] == 13
    low = pl.read_parquet(tmp_path / "inventory" / "low_stock.parquet")
    assert dict(low.select("item_id", "low").iter_rows()) == {"bowl": True, "mug": True}
    assert low["runs_out"].to_list()[0] == FIRST + datetime.timedelta(DAYS)


def test_who_waits_is_owed_what_the_count_says(shop: pathlib.Path, tmp_path: pathlib.Path) -> None:
    ordered = {}
    for shortage in ("lost", "backorder"):
        output = tmp_path / f"{shortage}.csv"
        settings = ("--set", f"inventory.shortage={shortage}", "--set", "inventory.goal=cycle")
        run("replenish", shop, tmp_path, "--output", str(output), *settings)
        rows = {row["item_id"]: row for row in csv.DictReader(output.open(encoding="utf-8"))}
        ordered[shortage] = rows["bowl"]["reason"].split(": ")[1].split(" needed")[0]
    assert int(ordered["backorder"]) == int(ordered["lost"]) + 3


def test_without_a_table_the_items_tell_their_stock(shop: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for name in ("events.csv", "items.csv"):
        (tmp_path / name).write_text((shop / name).read_text(encoding="utf-8"), encoding="utf-8")
    items = (tmp_path / "items.csv").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="add stock.csv with item_id, on_hand and as_of"):
        run("replenish", tmp_path, tmp_path / "out", "--output", str(tmp_path / "orders.csv"))
    lines = [f"{line},{'stock' if nth == 0 else 7}" for nth, line in enumerate(items.splitlines())]
    (tmp_path / "items.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = run("replenish", tmp_path, tmp_path / "out", "--output", str(tmp_path / "orders.csv"))
    assert done.exit_code == 0
    assert report_of(tmp_path / "out")["orders"]["stock_table"] == "items"


def _no_events(folder: pathlib.Path) -> None:
    (folder / "events.csv").unlink()
    (folder / "judgements.csv").write_text("query,item_id,grade\nmug,mug,1\n", encoding="utf-8")


def _no_purchase(folder: pathlib.Path) -> None:
    text = (folder / "events.csv").read_text(encoding="utf-8").replace(",purchase,", ",click,")
    (folder / "events.csv").write_text(text, encoding="utf-8")


def _future_counts(folder: pathlib.Path) -> None:
    text = (folder / "stock.csv").read_text(encoding="utf-8").replace("2025-", "2999-")
    (folder / "stock.csv").write_text(text, encoding="utf-8")


def _other_codes(folder: pathlib.Path) -> None:
    rows = "".join(f"new-{nth},1,,2025-10-11\n" for nth in range(60))
    (folder / "stock.csv").write_text(f"item_id,on_hand,on_order,as_of\n{rows}", encoding="utf-8")


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (_no_events, InputError, "there is no table events in .*; add events.csv"),
        (_no_purchase, InputError, "there is no purchase among"),
        (_future_counts, GateBlocked, "stock"),
        (_other_codes, GateBlocked, "stock"),
    ],
)
def test_what_cant_be_used_is_told_in_a_line(
    fault: object, error: type[AisleError], said: str, tmp_path: pathlib.Path
) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    make_shop(folder)
    fault(folder)  # type: ignore[operator]
    with pytest.raises(error, match=said):
        run("replenish", folder, tmp_path / "out", "--output", str(tmp_path / "orders.csv"))
    assert not (tmp_path / "orders.csv").exists()


def test_a_wrong_service_is_wrong_usage(shop: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done = run("replenish", shop, tmp_path, "--service", "1.5")
    assert done.exit_code == 2
    assert "0<x<1" in done.output


def test_a_season_is_ordered_once_for_the_days_that_are_left(
    shop: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "season.toml").write_text('[inventory.seasons]\nmug = 2025-10-31\nbowl = "2025-10-01"\n')
    output = tmp_path / "orders.csv"
    run("replenish", shop, tmp_path, "--output", str(output), "--config", str(tmp_path / "season.toml"))
    orders = {row["item_id"]: row for row in csv.DictReader(output.open(encoding="utf-8"))}
    assert orders.keys() == {"mug"}  # The bowl's season is over.
    assert float(orders["mug"]["days"]) == 20
    assert "expected in the 20 days left of its season" in orders["mug"]["reason"]
