"""The report `ads` as JSON, page and Markdown."""

from __future__ import annotations

from typing import Any

from aisle.components.reports.ads.pictures import calibrated, spent
from aisle.components.reports.markdown import plain
from aisle.components.reports.page import counted, number, render, share
from aisle.components.reports.publish import publish

NAME = "ads"


def write_ads(report: dict[str, Any], folder: str) -> str:
    """Writes `ads.json`, `ads.html` and `ads.md`.

    Args:
        report: version 1 of docs/reports.md.
        folder: where to; made if it isn't there.

    Returns:
        The path of the page.
    """
    drawn = [one for one in report["campaigns"] if one["planned"] or one["spent"]]
    tenths = report["calibration"]["tenths"]
    view = {
        "report": report,
        "headline": headline(report),
        "spend": spent(drawn) if drawn else None,
        "calibration": calibrated(tenths) if len(tenths) > 1 else None,
    }
    return publish(NAME, report, render("ads.html", view), folder, _summary(report))


def headline(report: dict[str, Any]) -> str:
    """Returns what the report comes to, in a line."""
    brought = f"{number(report['revenue'], 2)}{' ' + report['currency'] if report['currency'] else ''}"
    sold = f"{counted(report['shows'], 'show')} on {counted(report['requests'], 'page')} brought {brought}"
    plan = report["spend"]["of_plan"]
    return sold + (f", {share(plan)} of the plan" if plan is not None else "") + f"; {_relevance(report)}"


def _relevance(report: dict[str, Any]) -> str:
    given = report["relevance"]["given_up"]
    if given > 0:
        return f"{share(given)} of the pages' nDCG was given up"
    return f"the pages' nDCG rose by {share(-given)}" if given < 0 else "the pages' nDCG stayed as it was"


def _summary(report: dict[str, Any]) -> str:
    terms, calibration, prices = report["terms"], report["calibration"], report["prices"]
    lines = ["## Ads", "", f"- {plain(headline(report))}"]
    if terms is not None:
        lines.append(f"- Rule {terms['rule']}, pacing {terms['pacing']}")
    if report["win_rate"] is not None:
        lines.append(
            f"- Win rate {share(report['win_rate'])}, {number(prices['thousand_shows'], 2)} a thousand shows"
        )
    if calibration["ratio"] is not None:
        lines.append(
            f"- Predicted over observed clicks {number(calibration['ratio'], 3)}, calibration error "
            f"{number(calibration['error'])}"
        )
    if report["spend"]["over_budget"]:
        lines.append(f"- {counted(report['spend']['over_budget'], 'campaign')} spent more than the budget")
    return "\n".join([*lines, ""])
