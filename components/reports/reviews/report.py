"""The report `reviews` as JSON, page and Markdown."""

from __future__ import annotations

from typing import Any

from aisle.components.reports.page import counted, number, render, share
from aisle.components.reports.publish import publish

NAME = "reviews"


def write_reviews(report: dict[str, Any], folder: str) -> str:
    """Writes `reviews.json`, `reviews.html` and `reviews.md`.

    Args:
        report: version 1 of docs/reports.md.
        folder: where to; made if it isn't there.

    Returns:
        The path of the page.
    """
    view = {"report": report, "headline": headline(report)}
    return publish(NAME, report, render("reviews.html", view), folder, _summary(report))


def headline(report: dict[str, Any]) -> str:
    """Returns what the report comes to, in a line."""
    rose = len(report["rises"])
    said = f"{counted(rose, 'complaint')} rose, " if rose else ""
    return f"{said}{counted(report['reviews'], 'review')}, {number(report['conflicting'])} whose stars and words disagree"


def _summary(report: dict[str, Any]) -> str:
    """The report in Markdown: figures and our own words only, so nothing in it needs escaping."""
    right = f"{share(report['accuracy'])} of {number(report['known'])} known reviews are judged right by models of others"
    return "\n".join(["## Reviews", "", f"- {headline(report)}", f"- {right}", ""])
