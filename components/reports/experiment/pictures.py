"""Intervals as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import markupsafe

from aisle.components.reports.charts import FAINT, INK, REST, SERIES, blank_figure, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def effects(metrics: Sequence[dict[str, Any]]) -> markupsafe.Markup:
    """Draws each relative difference with its interval; those stand out that are found to be better or worse."""
    rows = [
        (f"{one['metric']}, {one['arm']}", one["relative"], one["relative_interval"], one["found"])
        for one in metrics
    ]
    return _intervals("difference from the control, per cent", rows, 0.0, "{:+.1f} %")


def preferences(found: Sequence[dict[str, Any]]) -> markupsafe.Markup:
    """Draws the share that prefers the treatment, by each kind of event; those stand out that are found."""
    rows = [(one["event"], one["share"], one["interval"], one["found"]) for one in found]
    return _intervals("users who prefer the treatment, per cent", rows, 0.5, "{:.1f} %")


def _intervals(
    title: str, rows: Sequence[tuple[str, float, Sequence[float], str]], middle: float, form: str
) -> markupsafe.Markup:
    """Draws values with their intervals around the value of no difference, as per cent.

    Args:
        title: of the picture.
        rows: of each its name, value, interval, and what is found; "nothing" doesn't stand out.
        middle: the value of no difference.
        form: of a number at the axis.
    """
    ends = [100 * end for _, _, interval, _ in rows for end in interval]
    zero = 100 * middle
    low, high = min([*ends, zero]), max([*ends, zero])
    room = (high - low) * 0.06 or 1.0
    with blank_figure(420, 26 * len(rows) + 30, title) as (figure, drawing):
        bottom = 24 / (26 * len(rows) + 30)
        axes: Axes = figure.add_axes((0.4, bottom, 0.57, 1 - bottom))
        axes.axvline(zero, color=FAINT, linewidth=1)
        for place, (_, value, interval, found) in enumerate(rows):
            sides, apart = [100 * side for side in interval], found != "nothing"
            axes.plot(sides, (place, place), color=INK if apart else REST, linewidth=1.6, marker="|")
            colour = SERIES[0] if apart else REST
            axes.plot([100 * value], [place], color=colour, marker="o", markersize=5)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(low - room, high + room)
        axes.set_yticks(range(len(rows)), [label(name, 28) for name, *_ in rows])
        ticks = sorted({low, zero, high})
        axes.set_xticks(ticks, [form.format(tick) if tick else "0" for tick in ticks])
        axes.tick_params(length=0)
        axes.spines[["left"]].set_visible(False)
    return drawing()
