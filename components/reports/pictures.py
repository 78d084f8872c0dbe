"""The report `pictures`: how many items have one, and why others have none."""

from __future__ import annotations

from typing import Any

from aisle.components.reports.page import counted, number, render, share
from aisle.components.reports.publish import publish

NAME = "pictures"


def write_pictures(report: dict[str, Any], folder: str) -> str:
    """Writes `pictures.json`, `pictures.html` and `pictures.md`.

    Args:
        report: version 1 of docs/reports.md.
        folder: where to; made if it isn't there.

    Returns:
        The path of the page.
    """
    view = {"report": report, "headline": headline(report)}
    return publish(NAME, report, render("pictures.html", view), folder, _summary(report))


def headline(report: dict[str, Any]) -> str:
    """Returns what the report comes to, in a line."""
    lost = report["named"] - report["pictures"]
    said = f"{number(report['pictures'])} of {counted(report['items'], 'item')} have a picture"
    return f"{said}; {number(lost)} more name one that can't be used" if lost else said


def _summary(report: dict[str, Any]) -> str:
    """The report in Markdown: figures and our own words only, so nothing in it needs escaping."""
    covered = share(report["pictures"] / report["items"]) if report["items"] else share(None)
    told = f"{covered} of the items are seen, in {counted(report['different'], 'different picture')}"
    return "\n".join(["## Pictures", "", f"- {headline(report)}", f"- {told}", ""])
