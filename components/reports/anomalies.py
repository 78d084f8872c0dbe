"""The report `anomalies`: what the gate found in the tables, and whether the run goes on."""

from __future__ import annotations

from typing import Any

import markupsafe

from aisle.components.reports import charts
from aisle.components.reports.page import render
from aisle.components.reports.publish import publish

NAME = "anomalies"


def write_anomalies(report: dict[str, Any], folder: str) -> str:
    """Writes `anomalies.json` and `anomalies.html`.

    Args:
        report: version 1 of docs/reports.md, as `aisle.components.anomaly_gate.judge` gives it.
        folder: where to; made if it isn't there.

    Returns:
        The path of the page.
    """
    view = {
        "report": report,
        "pictures": [(picture, _chart(picture)) for picture in report["distributions"]],
        "table_names": [table["table"] for table in report["tables"]],
    }
    return publish(NAME, report, render("anomalies.html", view), folder)


def _chart(picture: dict[str, Any]) -> markupsafe.Markup | None:
    title = f"{picture['table']}.{picture['feature']}"
    if picture["kind"] == "text":
        top = [(value["value"], value["count"]) for value in picture["top"]]
        return charts.bars(top, title) if top else None
    buckets = picture["histogram"]
    return charts.histogram(buckets, picture["kind"] == "time", title) if buckets else None
