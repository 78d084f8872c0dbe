"""The report `cleaning`: what became of every row that was read."""

from __future__ import annotations

from typing import Any

from aisle.components.reports.cleaning_summary import summary
from aisle.components.reports.flow import flow
from aisle.components.reports.losses import headline
from aisle.components.reports.page import render, share
from aisle.components.reports.publish import publish

NAME = "cleaning"
_MAX_BANDS = 7
"""Bands drawn apart of what was lost; the smaller ones are drawn as one."""
_LOST = ("merged", "quarantined")


def write_cleaning(ledger: dict[str, Any], folder: str) -> str:
    """Writes `cleaning.json` (the ledger itself), `cleaning.html`, and `cleaning.md` for a pull request.

    Args:
        ledger: version 1 of docs/reports.md, as the Cleaner writes it; with `losses` where they were weighed.
        folder: where to; made if it isn't there.

    Returns:
        The path of the page.
    """
    tables = [_table(name, table) for name, table in ledger["tables"].items()]
    adds_up = all(table["adds_up"] for table in tables)
    losses = ledger.get("losses")
    view = {
        "tables": tables,
        "adds_up": adds_up,
        "losses": losses,
        "lost": headline(losses) if losses else "",
    }
    return publish(NAME, ledger, render("cleaning.html", view), folder, summary(ledger))


def _table(name: str, table: dict[str, Any]) -> dict[str, Any]:
    read, used = table["read"], table["used"]
    accounted = used + table["quarantined"] + table["merged"]
    return {
        **table,
        "name": name,
        "accounted": accounted,
        "adds_up": accounted == read,
        "steps": [_step(step, read) for step in table["steps"]],
        "worst": max(
            (step for step in table["steps"] if step["outcome"] in _LOST),
            key=lambda step: step["rows"],
            default=None,
        ),
        "picture": flow(read, outcomes(table), f"{name}: {read} rows read, {used} used") if read else None,
    }


def _step(step: dict[str, Any], read: int) -> dict[str, Any]:
    loses = step["outcome"] in _LOST and "before" in step
    return {
        **step,
        "column": step.get("column", ""),
        "share": step["rows"] / read if read else 0.0,
        "loses": loses,
    }


def outcomes(table: dict[str, Any]) -> list[tuple[str, str, int]]:
    """Returns what the rows read divide into: used first, then each loss, the greatest first.

    Steps that only change or note rows lose none, so they make no band. What the steps don't account
    for (the ledger's totals are the truth) is shown as a band of its own.
    """
    losses = [
        (step["outcome"], step["reason"], step["rows"])
        for step in table["steps"]
        if step["outcome"] in _LOST and step["rows"]
    ]
    losses.sort(key=lambda loss: -loss[2])
    kept, rest = losses[:_MAX_BANDS], losses[_MAX_BANDS:]
    for outcome in _LOST:
        named = sum(rows for kind, _, rows in kept if kind == outcome)
        if table[outcome] > named:
            count = sum(kind == outcome for kind, _, _ in rest)
            reason = f"{count} smaller reasons" if count else "before or beside the steps"
            kept.append((outcome, reason, table[outcome] - named))
    total = table["used"] + sum(rows for _, _, rows in kept)
    return [("used", f"{share(table['used'] / total if total else 0.0)} of the rows", table["used"]), *kept]
