"""The report `inventory` as JSON, page and Markdown."""

from __future__ import annotations

from typing import Any

from aisle.components.reports.inventory.fans import fan
from aisle.components.reports.page import counted, number, render, share
from aisle.components.reports.publish import publish

NAME = "inventory"
GOALS = {
    "fill": "sell {service} of the demand's value from stock",
    "cycle": "let no stock-out happen in {service} of an item's cycles",
    "cost": "keep and lack as little as costs least",
}


def write_inventory(report: dict[str, Any], folder: str) -> str:
    """Writes `inventory.json`, `inventory.html` and `inventory.md`.

    Args:
        report: version 1 of docs/reports.md.
        folder: where to; made if it isn't there.

    Returns:
        The path of the page.
    """
    orders = report["orders"]
    view = {
        "report": report,
        "headline": headline(report),
        "goal": GOALS[orders["goal"]].format(service=share(orders["service"])) if orders else "",
        "met": _met(orders["calibration"]) if orders else None,
        "charts": [(item, fan(item, f"demand {nth}")) for nth, item in enumerate(report["drawn"])],
    }
    return publish(NAME, report, render("inventory.html", view), folder, _summary(report))


def headline(report: dict[str, Any]) -> str:
    """Returns what the report comes to, in a line."""
    orders = report["orders"]
    if orders is None:
        return f"{number(report['expected'], 0)} units expected in {counted(report['weeks'], 'week')}"
    return (
        f"{counted(orders['orders'], 'item')} to order for {number(orders['value'], 2)}, "
        f"{number(orders['low'])} low on stock, {number(orders['out'])} out of it"
    )


def _met(calibration: dict[str, Any] | None) -> dict[str, Any] | None:
    """What the leanest rule gave in the past that is at least the one chosen."""
    if not calibration or not calibration["rules"]:
        return None
    chosen = (calibration["level"], calibration["stretch"])
    enough = [rule for rule in calibration["rules"] if (rule["level"], rule["stretch"]) >= chosen]
    return enough[0] if enough else calibration["rules"][-1]


def _summary(report: dict[str, Any]) -> str:
    """The report in Markdown: figures and our own words only, so nothing in it needs escaping."""
    lines = ["## Inventory", "", f"- From {report['first_day']}: {headline(report)}"]
    if test := report["backtest"]:
        covered = ", ".join(f"{one['level']:g}: {share(one['covered'])}" for one in test["coverage"])
        lines.append(
            f"- Backtest: bias {100 * test['bias']:+.1f} %, WAPE {share(test['wape'])}, within {covered}"
        )
    if orders := report["orders"]:
        lines.append(f"- Without the orders {number(orders['lost_value'], 2)} isn't sold, expected")
    return "\n".join([*lines, ""])
