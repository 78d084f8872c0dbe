"""The report `anomalies`: what the gate found in the tables, and whether the run goes on."""

from __future__ import annotations

from typing import Any

import markupsafe

from aisle.components.reports import charts, overlays
from aisle.components.reports.markdown import plain
from aisle.components.reports.page import counted, measured, render
from aisle.components.reports.publish import publish

NAME = "anomalies"
MAX_SUMMARY_LINES = 20
"""Findings the summary names; the page has them all."""


def write_anomalies(report: dict[str, Any], folder: str) -> str:
    """Writes `anomalies.json`, `anomalies.html` and `anomalies.md`.

    Args:
        report: version 1 of docs/reports.md, as `aisle.components.anomaly_gate.judge` gives it.
        folder: where to; made if it isn't there.

    Returns:
        The path of the page.
    """
    compared = {(p["table"], p["feature"]): p for p in report["distributions"] if p["before"]}
    view = {
        "report": report,
        "findings": [(anomaly, _moved(anomaly, compared)) for anomaly in report["anomalies"]],
        "pictures": [(picture, _chart(picture)) for picture in report["distributions"]],
        "overlaid": bool(compared),
        "table_names": [table["table"] for table in report["tables"]],
    }
    return publish(NAME, report, render("anomalies.html", view), folder, summary(report))


def summary(report: dict[str, Any]) -> str:
    """Returns the report in short, as Markdown for a pull request or a chat."""
    counts = report["counts"]
    found = [counted(counts["ERROR"], "error"), counted(counts["WARNING"], "warning")]
    found += [f"{counts['ALLOWED']} allowed"] if counts["ALLOWED"] else []
    rows = [f"{plain(t['table'])} {t['kept']:,} of {t['read']:,} rows" for t in report["tables"] if t["read"]]
    told = [anomaly for anomaly in report["anomalies"] if anomaly["severity"] != "ALLOWED"]
    lines = [f"**Anomalies: {report['verdict']}** ({', '.join(found)})", ""]
    lines += [f"Read: {'; '.join(rows)}.", ""] if rows else []
    lines += [_line(anomaly) for anomaly in told[:MAX_SUMMARY_LINES]]
    if len(told) > MAX_SUMMARY_LINES:
        lines.append(f"- … and {len(told) - MAX_SUMMARY_LINES} more: see anomalies.html")
    return "\n".join(lines).rstrip() + "\n"


def _line(anomaly: dict[str, Any]) -> str:
    value, threshold = (measured(anomaly[key], anomaly["unit"]) for key in ("value", "threshold"))
    held = ""
    if anomaly["value"] is not None:
        against = f", threshold {plain(threshold)}" if anomaly["threshold"] is not None else ""
        held = f" ({plain(value)}{against})"
    places = [f"{e['file']}:{e['line']}" for e in anomaly["examples"][:1] if e["file"]]
    where = f" First at {plain(places[0])}." if places else ""
    return (
        f"- {anomaly['severity']} **{plain(anomaly['name'])}**{held}: {plain(anomaly['what'])}{where} "
        f"To mend: {anomaly['mend']}"
    )


def _moved(
    anomaly: dict[str, Any], compared: dict[tuple[str, str], dict[str, Any]]
) -> markupsafe.Markup | None:
    """Returns the picture of then and now for a column that moved."""
    picture = compared.get((anomaly["table"], anomaly["feature"]))
    if picture is None or anomaly["type"] != "DRIFT":
        return None
    return _chart(picture, "drift of ")


def _chart(picture: dict[str, Any], what: str = "") -> markupsafe.Markup | None:
    # The title also tells the ids of one page's charts apart.
    title = f"{what}{picture['table']}.{picture['feature']}"
    before = picture["before"]
    if picture["kind"] == "text":
        top = [(value["value"], value["count"]) for value in picture["top"]]
        if before and top:
            return overlays.bars(top, [value["count"] for value in before["top"]], title)
        return charts.bars(top, title) if top else None
    buckets, is_time = picture["histogram"], picture["kind"] == "time"
    if before and buckets:
        return overlays.histograms(buckets, before["histogram"], is_time, title)
    return charts.histogram(buckets, is_time, title) if buckets else None
