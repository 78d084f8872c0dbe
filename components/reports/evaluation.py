"""The report `evaluation`: how good the new model is, beside what it must beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aisle.components.reports import charts
from aisle.components.reports.page import number, render
from aisle.components.reports.publish import publish
from aisle.components.reports.reliability import reliability_diagram

NAME = "evaluation"
_TITLES = {"all": "all items", "new": "new items only", "search": "search"}
_EXPOSURE_TITLES = {"popularity": "popularity", "category": "top category", "brand": "brand"}
_CAPTIONS = {
    "all": "Every item a user took in the test window counts, also one taken before.",
    "new": "Only items the user had not taken before count, and those are left out of the answers.",
    "search": "Queries kept out of training: judged ones by their grades, others by what was clicked. nDCG is of the judged "
    "items, put in order; full nDCG of a search of all items, where what nobody judged is worth nothing.",
}
_MEASURES = {
    "recall": "Recall",
    "ndcg": "nDCG",
    "ndcg_full": "Full nDCG",
    "mrr": "MRR",
    "hit_rate": "Hit rate",
    "coverage": "Coverage",
    "novelty": "Novelty, bits",
    "popularity": "Mean popularity",
    "diversity": "Diversity",
    "gini": "Gini",
    "miscalibration": "Miscalibration",
}
_DRAWN = ("recall", "ndcg")
_NEITHER_GOOD_NOR_BAD = ("novelty", "popularity", "diversity", "gini", "miscalibration")


def write_evaluation(report: dict[str, Any], folder: str) -> str:
    """Writes `evaluation.json` and `evaluation.html`.

    Args:
        report: version 1 of docs/reports.md, as the Evaluator gives it.
        folder: where to; made if it isn't there.

    Returns:
        The path of the page.
    """
    calibration = (report.get("ranking") or {}).get("calibration")
    view = {
        "report": report,
        "comparisons": _comparisons(report),
        "systems": [system["name"] for system in report["systems"]],
        "exposure_titles": _EXPOSURE_TITLES,
        "reliability": reliability_diagram(calibration["bins"]) if calibration else None,
        "curves": _curves(report.get("training")),
    }
    return publish(NAME, report, render("evaluation.html", view), folder)


def _comparisons(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns a comparison of systems for each task there is: all items, new items, search."""
    cuts = dict.fromkeys(("recall", "ndcg", "mrr", "hit_rate"), report["k"])
    found = []
    for task in ("all", "new"):
        rows = [(system["name"], system.get(task)) for system in report["systems"]]
        if any(metrics for _, metrics in rows):
            found.append(_comparison(task, rows, cuts, f"{number(report['users'].get(task))} users"))
    search = report.get("search")
    if search:
        rows = [(system["name"], system) for system in search["systems"]]
        depth = search.get("ndcg_at")
        cuts = {"recall": search.get("recall_at"), "ndcg": depth, "ndcg_full": depth}
        found.append(_comparison("search", rows, cuts, f"{number(search['queries'])} queries"))
    return found


def _comparison(
    task: str, rows: Sequence[tuple[str, dict[str, Any] | None]], cuts: dict[str, int | None], over: str
) -> dict[str, Any]:
    """Returns one task's table (the best of each column marked) and its charts."""
    titles = {m: title + (f"@{cuts[m]}" if cuts.get(m) else "") for m, title in _MEASURES.items()}
    measures = [m for m in _MEASURES if any(_value(metrics, m)[0] is not None for _, metrics in rows)]
    values = {
        m: [metrics[m] for _, metrics in rows if metrics and metrics.get(m) is not None] for m in measures
    }
    table = [
        {"name": name, "cells": [_cell(metrics, measure, values[measure]) for measure in measures]}
        for name, metrics in rows
    ]
    pictures = [
        (titles[m], charts.intervals([(name, *_value(x, m)) for name, x in rows], f"{task}: {m}"))
        for m in measures
        if m in _DRAWN
    ]
    return {
        "title": _TITLES[task].capitalize(),
        "caption": _CAPTIONS[task],
        "over": over,
        "columns": [titles[m] for m in measures],
        "rows": table,
        "pictures": pictures,
    }


def _value(metrics: dict[str, Any] | None, measure: str) -> tuple[float | None, tuple[float, float] | None]:
    """Returns a metric and its confidence interval, as far as they were measured."""
    if not metrics or metrics.get(measure) is None:
        return None, None
    interval = (metrics.get("ci") or {}).get(measure)
    return metrics[measure], (interval[0], interval[1]) if interval else None


def _cell(metrics: dict[str, Any] | None, measure: str, values: Sequence[float]) -> dict[str, Any]:
    value, interval = _value(metrics, measure)
    best = measure not in _NEITHER_GOOD_NOR_BAD and value is not None and value == max(values)
    return {"value": value, "interval": interval, "best": best}


def _curves(training: dict[str, dict[str, Sequence[float]]] | None) -> list[tuple[str, Any]]:
    """Returns a chart for each model that left its losses by epoch."""
    found = []
    for model, lines in (training or {}).items():
        drawn = {name: values for name, values in lines.items() if len(values) > 1}
        if drawn:
            found.append((model.replace("_", "-"), charts.curves(drawn, f"training of {model}")))
    return found
