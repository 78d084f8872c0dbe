"""The report `experiment`: what an A/B test found, verdict first, with its intervals as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import markupsafe

from aisle.components.reports.charts import FAINT, INK, REST, SERIES, blank_figure, label
from aisle.components.reports.markdown import plain
from aisle.components.reports.page import render
from aisle.components.reports.publish import publish
from aisle.experiments.analysis.analyze import Analysis, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "experiment"


def report_of(found: Analysis) -> dict[str, Any]:
    """Version 1 of docs/reports.md."""
    ratio = found.sample_ratio
    return {
        "version": 1,
        "experiment": found.experiment,
        "outcome": found.outcome,
        "verdict": found.verdict,
        "distrust": found.distrust,
        "held": {
            "statistic": ratio.statistic,
            "p_value": ratio.p_value,
            "alarm": ratio.alarm,
            "arms": [
                {"arm": arm, "users": users, "planned": ratio.planned[arm]}
                for arm, users in ratio.users.items()
            ],
        },
        "left_out": [{"reason": reason, "count": count} for reason, count in found.left_out.items()],
        "late": found.late,
        "noted": [{"reason": reason, "count": count} for reason, count in found.noted.items()],
        "metrics": [_metric(row) for row in found.rows],
        "refused": [{"metric": metric, "reason": reason} for metric, reason in found.refused.items()],
    }


def _metric(row: Row) -> dict[str, Any]:
    effect = row.effect
    return {
        "metric": row.declared.name,
        "arm": row.arm,
        "better": row.declared.better,
        "guardrail": row.declared.guardrail,
        "control": effect.control,
        "treatment": effect.treatment,
        "difference": effect.difference.value,
        "interval": list(row.interval),
        "relative": effect.relative.value if effect.relative else None,
        "relative_interval": list(row.relative) if row.relative else None,
        "p_value": effect.difference.p_value,
        "holm": row.holm,
        "benjamini_hochberg": row.benjamini_hochberg,
        "variance_kept": effect.variance_kept,
        "bound": row.bound,
    }


def write_experiment(report: dict[str, Any], folder: str) -> str:
    """Writes `experiment.json`, `experiment.html`, and `experiment.md` for a pull request.

    Args:
        report: of `report_of`.
        folder: where to; made if it isn't there.

    Returns:
        The path of the page.
    """
    drawn = [one for one in report["metrics"] if one["relative_interval"] is not None]
    view = {"report": report, "picture": effects(drawn) if drawn else None}
    return publish(NAME, report, render("experiment.html", view), folder, _summary(report))


def headline(report: dict[str, Any]) -> str:
    """The verdict, after the experiment's name."""
    return f"{report['experiment']}: {report['verdict']}"


def effects(metrics: Sequence[dict[str, Any]]) -> markupsafe.Markup:
    """Draws each relative difference with its interval; those stand out whose absolute one, which is judged, is apart from 0."""
    ends = [100 * end for one in metrics for end in one["relative_interval"]]
    low, high = min([*ends, 0.0]), max([*ends, 0.0])
    room = (high - low) * 0.06 or 1.0
    with blank_figure(420, 26 * len(metrics) + 30, "difference from the control, per cent") as (
        figure,
        drawing,
    ):
        bottom = 24 / (26 * len(metrics) + 30)
        axes: Axes = figure.add_axes((0.4, bottom, 0.57, 1 - bottom))
        axes.axvline(0, color=FAINT, linewidth=1)
        for place, one in enumerate(metrics):
            start, end = (100 * side for side in one["relative_interval"])
            # An arm in which nothing happened has a relative interval of nearly no width, and proves nothing by it.
            apart = one["interval"][0] > 0 or one["interval"][1] < 0
            axes.plot((start, end), (place, place), color=INK if apart else REST, linewidth=1.6, marker="|")
            axes.plot(
                [100 * one["relative"]], [place], color=SERIES[0] if apart else REST, marker="o", markersize=5
            )
        axes.set_ylim(len(metrics) - 0.4, -0.6)
        axes.set_xlim(low - room, high + room)
        axes.set_yticks(range(len(metrics)), [label(f"{one['metric']}, {one['arm']}", 28) for one in metrics])
        axes.set_xticks(
            sorted({low, 0.0, high}), [f"{end:+.1f} %" if end else "0" for end in sorted({low, 0.0, high})]
        )
        axes.tick_params(length=0)
        axes.spines[["left"]].set_visible(False)
    return drawing()


def _summary(report: dict[str, Any]) -> str:
    lines = [
        f"**Experiment {plain(report['experiment'])}: {report['outcome']}**",
        "",
        plain(report["verdict"]),
        "",
    ]
    for one in report["metrics"]:
        sizes = one["relative_interval"] or one["interval"]
        low, high = (f"{end:+.1%}" if one["relative_interval"] else f"{end:+.4g}" for end in sizes)
        kind = "guardrail" if one["guardrail"] else f"p {one['holm']:.2g}"
        lines.append(f"- {plain(one['metric'])} in {plain(one['arm'])}: {low} to {high} ({kind})")
    lines += [f"- {plain(one['metric'])} isn't judged: {plain(one['reason'])}" for one in report["refused"]]
    return "\n".join(lines) + "\n"
