"""The report `experiment` as JSON, page and Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aisle.components.reports.experiment.pictures import effects, preferences
from aisle.components.reports.markdown import plain
from aisle.components.reports.page import render
from aisle.components.reports.publish import publish

NAME = "experiment"


def write_experiment(report: dict[str, Any], folder: str) -> str:
    """Writes `experiment.json`, `experiment.html`, and `experiment.md` for a pull request.

    Args:
        report: of `report_of` or `report_of_interleaved`.
        folder: where to; made if it isn't there.

    Returns:
        The path of the page.
    """
    drawn = [one for one in report["metrics"] if one["relative_interval"] is not None]
    mixed = report["interleaved"]
    picture = preferences(mixed["preferences"]) if mixed else effects(drawn) if drawn else None
    view = {"report": report, "picture": picture}
    return publish(NAME, report, render("experiment.html", view), folder, _summary(report))


def headline(report: dict[str, Any]) -> str:
    """The verdict, after the experiment's name."""
    return f"{report['experiment']}: {report['verdict']}"


def _summary(report: dict[str, Any]) -> str:
    lines = [
        f"**Experiment {plain(report['experiment'])}: {report['outcome']}**",
        "",
        plain(report["verdict"]),
        "",
        *(_line(one) for one in report["metrics"]),
        *(f"- {plain(one['metric'])} isn't judged: {plain(one['reason'])}" for one in report["refused"]),
        *_preferred(report["interleaved"]),
        *_slices(report),
    ]
    return "\n".join(lines) + "\n"


def _line(one: dict[str, Any]) -> str:
    """A metric in an arm."""
    sizes = one["relative_interval"] or one["interval"]
    low, high = (f"{end:+.1%}" if one["relative_interval"] else f"{end:+.4g}" for end in sizes)
    kind = "guardrail" if one["guardrail"] else f"p {one['holm']:.2g}"
    return f"- {plain(one['metric'])} in {plain(one['arm'])}: {low} to {high} ({kind})"


def _preferred(mixed: dict[str, Any] | None) -> Iterator[str]:
    for one in mixed["preferences"] if mixed else []:
        low, high = one["interval"]
        yield (
            f"- {plain(one['event'])}: {one['share']:.1%} of {one['prefer_control'] + one['prefer_treatment']:,} users prefer "
            f"{plain(mixed['treatment'] if mixed else '')} ({low:.1%} to {high:.1%}, p {one['holm']:.2g})"
        )


def _slices(report: dict[str, Any]) -> Iterator[str]:
    """Those that stand out among all slices."""
    if not report["slices"]:
        return
    asked = sum(len(part["metrics"]) for part in report["slices"])
    yield f"- Slices, exploratory: of {asked:,} comparisons stand out (Benjamini and Hochberg, 5 %):"
    shown = [
        f"  {_line({**one, 'holm': one['benjamini_hochberg']})}: {plain(part['by'])} {plain(part['value'])}, {one['found']}"
        for part in report["slices"]
        for one in part["metrics"]
        if one["found"] != "nothing"
    ]
    yield from shown or ["  - none"]
