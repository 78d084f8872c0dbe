"""Spend against plan by campaign, and chances against what was clicked, as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import markupsafe

from aisle.components.reports.charts import FAINT, REST, SERIES, blank_figure, compact, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DRAWN = 15
"""Campaigns that are drawn, the greatest spend first."""


def spent(campaigns: Sequence[dict[str, Any]]) -> markupsafe.Markup:
    """Draws what each campaign spent over what was planned."""
    shown = campaigns[:DRAWN]
    height = 20 * len(shown) + 26
    with blank_figure(420, height, "spend against plan") as (figure, drawing):
        axes: Axes = figure.add_axes((0.26, 22 / height, 0.7, 1 - 22 / height))
        rows = range(len(shown))
        axes.barh(rows, [one["planned"] for one in shown], height=0.8, color=FAINT)
        axes.barh(rows, [one["spent"] for one in shown], height=0.4, color=SERIES[0])
        most = max(max(one["planned"], one["spent"]) for one in shown)
        axes.set_xticks([0, most], ["0", compact(most)])
        axes.set_yticks(rows, [label(one["campaign_id"]) for one in shown])
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.tick_params(length=0)
        axes.spines[["bottom", "left"]].set_visible(False)
    return drawing()


def calibrated(tenths: Sequence[dict[str, Any]]) -> markupsafe.Markup:
    """Draws what was clicked in each tenth of the chances that won, against what was predicted of it."""
    predicted = [one["predicted"] / one["shows"] for one in tenths]
    observed = [one["observed"] / one["shows"] for one in tenths]
    most = max(*predicted, *observed) or 1.0
    with blank_figure(300, 240, "calibration") as (figure, drawing):
        axes: Axes = figure.add_axes((0.14, 0.12, 0.82, 0.84))
        axes.plot((0, most), (0, most), color=REST, linewidth=1, linestyle="--")
        axes.plot(predicted, observed, color=SERIES[0], marker="o", markersize=4, linewidth=1.6)
        axes.set_xticks([0, most], ["0", f"{100 * most:.3g} %"])
        axes.set_yticks([0, most], ["0", f"{100 * most:.3g} %"])
        axes.tick_params(length=0)
    return drawing()
