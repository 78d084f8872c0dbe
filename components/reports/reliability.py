"""The reliability diagram: how often what was predicted came true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import markupsafe

from aisle.components.reports.charts import FAINT, SERIES, blank_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def reliability_diagram(bins: Sequence[dict[str, Any]]) -> markupsafe.Markup:
    """Draws observed against predicted, a point a bin; a calibrated model's lie on the diagonal.

    Args:
        bins: `predicted` and `observed` from 0 to 1.
    """
    predicted, observed = ([float(row[key]) for row in bins] for key in ("predicted", "observed"))
    top = min(1.0, 1.08 * max([*predicted, *observed, 0.01]))
    with blank_figure(360, 260, "reliability diagram") as (figure, drawing):
        axes: Axes = figure.add_axes((0.16, 0.2, 0.78, 0.76))
        axes.plot((0, top), (0, top), color=FAINT, linewidth=1.4)
        axes.plot(predicted, observed, color=SERIES[0], linewidth=1.4, marker="o", markersize=5)
        axes.set_xlim(0, top)
        axes.set_ylim(0, top)
        axes.locator_params(nbins=5)
        axes.set_xlabel("predicted")
        axes.set_ylabel("observed")
        axes.tick_params(length=0)
    return drawing()
