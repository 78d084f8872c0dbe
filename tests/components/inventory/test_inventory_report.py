"""The report on inventory: what runs out, how the orders are found, how earlier forecasts did."""

from __future__ import annotations

import copy
import pathlib
import runpy

import pytest

from aisle.components.reports import write_inventory
from aisle.components.reports.inventory import headline

SHOP = runpy.run_path(str(pathlib.Path(__file__).parents[1] / "reported_shop.py"))
REPORT = SHOP["INVENTORY"]


def test_the_page_says_what_runs_out_why_and_how_the_service_is_met(tmp_path: pathlib.Path) -> None:
    page = pathlib.Path(write_inventory(REPORT, str(tmp_path))).read_text(encoding="utf-8")
    for said in (
        "1 item to order for 60, 1 low on stock, 0 out of it",
        "sell 95 % of the demand&#39;s value from stock",
        "2025-01-09",
        "1 that sell have no count, and nothing is proposed for them",
        "lead_time_days",
        '<td class="n best">96 %</td>',  # The leanest rule that is enough.
        "-5.0 % of the demand",
        "stock left, if nothing more is ordered",
    ):
        assert said in page
    assert page.count("<svg") == 2


def test_without_orders_it_says_what_is_expected(tmp_path: pathlib.Path) -> None:
    report = {**copy.deepcopy(REPORT), "orders": None, "low": [], "backtest": None}
    assert headline(report) == "18 units expected in 2 weeks"
    page = pathlib.Path(write_inventory(report, str(tmp_path))).read_text(encoding="utf-8")
    assert "What runs out" not in page
    assert (tmp_path / "inventory.md").read_text(encoding="utf-8").splitlines() == [
        "## Inventory",
        "",
        "- From 2025-01-05: 18 units expected in 2 weeks",
    ]


@pytest.mark.parametrize(
    ("on_hand", "said"), [(0.0, "nothing is in stock, and nothing comes"), (500.0, "stock left")]
)
def test_a_chart_says_whether_anything_is_left(on_hand: float, said: str, tmp_path: pathlib.Path) -> None:
    report = copy.deepcopy(REPORT)
    report["drawn"] = [{**report["drawn"][0], "on_hand": on_hand}]
    page = pathlib.Path(write_inventory(report, str(tmp_path))).read_text(encoding="utf-8")
    assert said in page
