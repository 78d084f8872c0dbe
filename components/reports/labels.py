"""The report `labels`: what the models learn from, and how it came to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import markupsafe

from aisle.components.reports import charts
from aisle.components.reports.page import counted, number, render
from aisle.components.reports.publish import publish

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "labels"
METHODS = {"harvest": "intervention harvesting", "em": "regression-EM", "none": "not estimated"}
_KINDS = {
    "examples": "Tower examples",
    "interactions": "Interactions",
    "purchases": "– purchases",
    "results": "Search results",
    "clicked": "– clicked",
    "converted": "– converted",
    "unknown": "– not known yet",
    "judgements": "Judgements",
}
_MEASURES = {
    "krippendorff_alpha": "Krippendorff's alpha (ordinal)",
    "variance_ratio": "share of the variance that is not between judges",
}


def write_labels(report: dict[str, Any], folder: str) -> str:
    """Writes `labels.json`, `labels.html` and `labels.md`.

    Args:
        report: version 1 of docs/reports.md, as the Labeler gives it.
        folder: where to; made if it isn't there.

    Returns:
        The path of the page.
    """
    bias = report["position_bias"]
    agreement = report["judgements"]["agreement"]
    view = {
        "report": report,
        "headline": headline(report),
        "notes": notes(report),
        "kinds": _KINDS,
        "method": METHODS[bias["method"]],
        "measure": _MEASURES[agreement["measure"]] if agreement else "",
        "curve": position_curve(bias["places"]) if bias["places"] else None,
        "delays": _delays(report["joins"]["delays"]),
    }
    return publish(NAME, report, render("labels.html", view), folder, _summary(report))


def headline(report: dict[str, Any]) -> str:
    """Returns how much was labelled, by kind: `430,826 interactions`."""
    counts = {
        "interaction": sum(split["interactions"] for split in report["splits"]),
        "search result": report["outcomes"]["labelled"],
        "judgement": report["judgements"]["judgements"],
    }
    said = ", ".join(counted(count, noun) for noun, count in counts.items() if count)
    return said or "no events and no judgements: titles stand for queries"


def notes(report: dict[str, Any]) -> list[str]:
    """Returns what a reader should know before trusting the labels; empty where all is well."""
    bias, outcomes = report["position_bias"], report["outcomes"]
    found = []
    if bias["why"] and outcomes["shown"]:
        found.append(
            f"Position bias: {METHODS[bias['method']]}, not {METHODS[bias['asked']]}: {bias['why']}."
        )
    if outcomes["unnamed"]:
        found.append(
            f"{counted(outcomes['unnamed'], 'search result')} of {number(outcomes['shown'])} name neither a session "
            "nor a user: no click can be joined to them."
        )
    clicked = sum(split["clicked"] for split in report["splits"])
    if outcomes["unknown"] > clicked / 2:
        found.append(
            "More than half of the clicked results may still convert: a shorter labels.conversion_window_days "
            "would leave fewer unknown."
        )
    return found


def position_curve(places: Sequence[dict[str, Any]]) -> markupsafe.Markup:
    """Draws how likely a look is at each place, with its interval, and the click-through rate beside it."""
    steps = range(len(places))
    looked = [place["propensity"] for place in places]
    with charts.blank_figure(360, 210, "position bias") as (figure, drawing):
        axes: Axes = figure.add_axes((0.1, 0.16, 0.87, 0.8))
        axes.plot(steps, [place["naive"] for place in places], color=charts.REST, linewidth=2, linestyle="--")
        axes.plot(steps, looked, color=charts.SERIES[0], linewidth=2, marker="o", markersize=4)
        for step, place in zip(steps, places, strict=True):
            if place["low"] is not None:
                axes.plot((step, step), (place["low"], place["high"]), color=charts.INK, linewidth=1.2)
        axes.text(
            0.98, 0.94, "looked at (estimated)", color=charts.SERIES[0], ha="right", transform=axes.transAxes
        )
        axes.text(0.98, 0.84, "clicked", color=charts.INK, ha="right", transform=axes.transAxes)
        every = max(1, len(places) // 8)
        shown = list(steps)[::every]
        axes.set_xticks(shown, [_positions(places[step]) for step in shown])
        axes.set_ylim(0, None)
        axes.grid(axis="y", color=charts.FAINT, linewidth=0.6)
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
    return drawing()


def _delays(delays: dict[str, float]) -> markupsafe.Markup | None:
    if not delays:
        return None
    per_cent = [(f"within {time}", 100 * part) for time, part in delays.items()]
    return charts.bars(per_cent, "purchases by time since the click")


def _positions(place: dict[str, Any]) -> str:
    return f"{place['first']}" if place["first"] == place["last"] else f"{place['first']}–{place['last']}"


def _summary(report: dict[str, Any]) -> str:
    """The report in Markdown: figures and our own words only, so nothing in it needs escaping."""
    bias, intents, judged = report["position_bias"], report["intents"], report["judgements"]
    rows = [
        f"| {split['split']} | {number(split['examples'])} | {number(split['interactions'])} "
        f"| {number(split['results'])} | {number(split['clicked'])} | {number(split['converted'])} "
        f"| {number(split['unknown'])} | {number(split['judgements'])} |"
        for split in report["splits"]
    ]
    curve = ", ".join(f"{_positions(place)}: {place['propensity']:.2f}" for place in bias["places"])
    agreement = judged["agreement"]
    lines = [
        "## Labels",
        "",
        "| split | examples | interactions | search results | clicked | converted | not known yet | judgements |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
        *rows,
        "",
        f"- Position bias: {METHODS[bias['method']]}{' (' + curve + ')' if curve else ''}",
        f"- Intents: {number(intents['decided'])} of {number(intents['queries'])} queries",
    ]
    if agreement and agreement["value"] is not None:
        lines.append(f"- {_MEASURES[agreement['measure']]}: {agreement['value']:.2f}")
    return "\n".join([*lines, *(f"- {note}" for note in notes(report)), ""])
